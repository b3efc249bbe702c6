// What this browser can do, and the style sheet of a screen that is not there from the beginning.
// Knows the document; knows no part of the page.

/** Whether a world can be shown here. */
export function supported() {
  return typeof RTCPeerConnection === "function" && "requestVideoFrameCallback" in HTMLVideoElement.prototype;
}

/** @type {Map<string, Promise<void>>} */
const sheets = new Map();

/**
 * A style sheet, loaded once. Resolves when it holds, or when it cannot be had.
 * @param {string} href
 */
export function styled(href) {
  const known = sheets.get(href);
  if (known) return known;
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
  /** @type {Promise<void>} */
  const loaded = new Promise((resolve) => {
    for (const end of ["load", "error"]) link.addEventListener(end, () => resolve(), { once: true });
  });
  sheets.set(href, loaded);
  document.head.append(link);
  return loaded;
}
