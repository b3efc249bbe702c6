// The keyboard as the hands of a world, and the page's own keys.
// Knows which keys walk and which are the page's; a key in a text field belongs to the text.

import { bit } from "../buttons.js";
import { Closer, stream } from "../outputs.js";

/** @typedef {"prompt" | "talk" | "hush" | "figures" | "escape"} PageKey */

export class Keyboard {
  /** @type {ReturnType<typeof stream<PageKey>>} */
  #keys = stream();
  keys = this.#keys.seen;
  #closer = new Closer();
  #hands;

  /** @param {import("../world.js").World["hands"]} hands */
  constructor(hands) {
    this.#hands = hands;
    this.#closer.listen(window, "keydown", (event) => this.#down(event));
    this.#closer.listen(window, "keyup", (event) => this.#up(event));
    const letGo = () => {
      hands.releaseAll();
      this.#keys.emit("hush");
    };
    this.#closer.listen(window, "blur", letGo);
    this.#closer.listen(document, "visibilitychange", () => document.hidden && letGo());
    this.#closer.add(letGo);
  }

  close() {
    this.#closer.close();
  }

  /** @param {KeyboardEvent} event */
  #down(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const writing = isText(event.target);
    if (writing) {
      // A walking key held since before the line was opened keeps walking: its repeats are not letters.
      if (event.repeat && this.#hands.held(bit(event.code))) event.preventDefault();
      return;
    }
    const pressing = event.target instanceof HTMLButtonElement;
    if (bit(event.code)) {
      if (pressing && event.code === "Space") return;
      event.preventDefault();
      if (!event.repeat) this.#hands.press(event.code, event.timeStamp);
      return;
    }
    const key = pageKey(event);
    if (!key || (pressing && event.key === "Enter")) return;
    event.preventDefault();
    if (!event.repeat) this.#keys.emit(key);
  }

  /** @param {KeyboardEvent} event */
  #up(event) {
    if (bit(event.code)) this.#hands.release(event.code, event.timeStamp);
    if (event.code === "KeyV") this.#keys.emit("hush");
  }
}

/**
 * @param {KeyboardEvent} event
 * @returns {PageKey | null}
 */
function pageKey(event) {
  if (event.key === "/" || event.key === "Enter") return "prompt";
  if (event.code === "KeyV") return "talk";
  if (event.code === "KeyH") return "figures";
  if (event.key === "Escape") return "escape";
  return null;
}

/** @param {EventTarget | null} target */
function isText(target) {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}
