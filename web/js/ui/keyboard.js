// The keyboard as the hands of a world, and the page's own keys.
// Knows which keys walk and which are the page's, by the person's bindings; a key in a text field belongs to the text.

import { bit } from "../buttons.js";
import { Closer, stream } from "../outputs.js";

/** @typedef {import("../bindings.js").PageAction | "hush" | "share"} PageKey */

export class Keyboard {
  /** @type {ReturnType<typeof stream<PageKey>>} */
  #keys = stream();
  keys = this.#keys.seen;
  #closer = new Closer();
  #hands;
  #bindings;

  /**
   * @param {import("../world.js").World["hands"]} hands
   * @param {import("../bindings.js").Bindings} bindings
   * @param {EventTarget} [target] whose keys they are: the page's, or those of a part of it that has the focus
   */
  constructor(hands, bindings, target = window) {
    this.#hands = hands;
    this.#bindings = bindings;
    this.#closer.listen(target, "keydown", (event) => this.#down(event));
    this.#closer.listen(target, "keyup", (event) => this.#up(event));
    const letGo = () => {
      hands.releaseAll();
      this.#keys.emit("hush");
    };
    this.#closer.listen(target, "blur", letGo);
    this.#closer.listen(document, "visibilitychange", () => document.hidden && letGo());
    this.#closer.add(letGo);
  }

  close() {
    this.#closer.close();
  }

  /** @param {KeyboardEvent} event */
  #down(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const button = this.#bindings.button(event.code);
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest("input, textarea, select")) {
      // A walking key held since before the line was opened keeps walking: its repeats are not letters.
      if (button && event.repeat && this.#hands.held(bit(button))) event.preventDefault();
      return;
    }
    if (target?.closest("dialog[open]")) return;
    const pressing = target !== null && target.closest("button, a") !== null;
    if (button) {
      if (pressing && (event.code === "Space" || event.code === "Enter")) return;
      event.preventDefault();
      if (!event.repeat) this.#hands.press(button, event.timeStamp);
      return;
    }
    const key = event.key === "?" ? "help" : event.key === "/" ? "prompt" : this.#bindings.page(event.code);
    if (!key || (pressing && (event.key === "Enter" || event.key === " "))) return;
    event.preventDefault();
    if (!event.repeat) this.#keys.emit(key);
  }

  /** @param {KeyboardEvent} event */
  #up(event) {
    const button = this.#bindings.button(event.code);
    if (button) this.#hands.release(button, event.timeStamp);
    if (this.#bindings.page(event.code) === "talk") this.#keys.emit("hush");
  }
}
