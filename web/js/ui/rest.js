// When the edges of the world fade: nothing moved for a while, or the mouse belongs to the world.
// Knows the stage's element; which parts fade is the style sheet's.

import { Closer } from "../outputs.js";

const RESTFUL_MS = 3500;

export class Rest {
  #closer = new Closer();
  #root;
  #held = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} world where a touch shows and hides the edges
   */
  constructor(root, world) {
    this.#root = root;
    for (const type of ["pointermove", "pointerdown", "focusin"]) {
      this.#closer.listen(root, type, (event) => {
        if (!this.#held && !(event.target === world && event.pointerType === "touch" && type === "pointermove")) this.wake();
      });
    }
    this.#closer.add(() => clearTimeout(this.#timer));
    this.wake();
  }

  wake() {
    this.#root.classList.remove("restful");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#root.classList.add("restful"), RESTFUL_MS);
  }

  /** @param {boolean} held whether the mouse belongs to the world: then the edges are away at once */
  still(held) {
    this.#held = held;
    if (!held) return this.wake();
    clearTimeout(this.#timer);
    this.#root.classList.add("restful");
  }

  close() {
    this.#closer.close();
  }
}
