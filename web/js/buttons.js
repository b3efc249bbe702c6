// The buttons of a world as bits of one number, in the order of configs/vocabulary.json.
// Knows nothing of keyboards' layouts: a button is a W3C `event.code`.

export const BUTTONS = Object.freeze([
  "KeyW", "KeyS", "KeyA", "KeyD", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Space", "ShiftLeft", "KeyC",
]);

/** @type {Record<string, string>} */
const SAME_AS = { ShiftRight: "ShiftLeft" };

/**
 * The bit of a key, or 0 if the world has no such button.
 * @param {string} code
 */
export function bit(code) {
  const index = BUTTONS.indexOf(SAME_AS[code] ?? code);
  return index < 0 ? 0 : 1 << index;
}

/**
 * The bitmap of several buttons. Throws RangeError on a name that is no button.
 * @param {readonly string[]} codes
 */
export function bitmap(codes) {
  return codes.reduce((bits, code) => {
    const one = bit(code);
    if (!one) throw new RangeError(`a button is one of ${BUTTONS.join(", ")}; this is ${code}`);
    return bits | one;
  }, 0);
}

/**
 * The buttons held in a bitmap.
 * @param {number} bits
 */
export function held(bits) {
  return BUTTONS.filter((_, index) => bits & (1 << index));
}
