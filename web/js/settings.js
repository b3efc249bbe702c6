// What a person chose about the page, kept in the browser: looking, sound, figures, keys.
// Knows names and defaults; a browser that keeps nothing still works for as long as the page is open.

import { Bindings } from "./bindings.js";
import { output } from "./outputs.js";

const REMEMBERED = "mundo.settings";
const KEYS = "mundo.keys";

/** @typedef {{ speed: number, invert: boolean, smooth: boolean, late_look: boolean, transcribe: boolean, figures: boolean, volume: number, muted: boolean,
 *   captions: boolean }} Chosen */

/** @type {Chosen} */
const DEFAULTS = {
  speed: 1, invert: false, smooth: false, late_look: true, transcribe: false, figures: false, volume: 1, muted: false,
  captions: false,
};

export class Settings {
  #chosen = output(/** @type {Readonly<Chosen>} */ ({ ...DEFAULTS, ...fitting(load(REMEMBERED)) }));
  chosen = this.#chosen.seen;
  bindings = new Bindings({ load: () => load(KEYS), keep: (keys) => keep(KEYS, keys) });

  /** @param {Partial<Chosen>} change */
  choose(change) {
    this.#chosen.write({ ...this.chosen.value, ...change });
    keep(REMEMBERED, this.chosen.value);
  }
}

/**
 * Only what has the type that is expected.
 * @param {unknown} kept
 * @returns {Partial<Chosen>}
 */
function fitting(kept) {
  if (kept === null || typeof kept !== "object") return {};
  return Object.fromEntries(Object.entries(kept).filter(([name, value]) =>
    Object.hasOwn(DEFAULTS, name) && typeof value === typeof DEFAULTS[/** @type {keyof Chosen} */ (name)]));
}

/** @param {string} name */
function load(name) {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function keep(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // a private window may refuse: then it holds until the page closes
  }
}
