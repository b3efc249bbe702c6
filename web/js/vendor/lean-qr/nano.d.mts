/** The part of lean-qr's nano build that this page uses; the whole of it is in lean-qr's index.d.ts (MIT). */
export const correction: { L: number, M: number, Q: number, H: number };
export function generate(
  data: string, options?: { minCorrectionLevel?: number, maxCorrectionLevel?: number },
): { readonly size: number, get(x: number, y: number): boolean };
