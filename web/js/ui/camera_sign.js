// Which camera the world is seen through, said shortly when that changes, with what its keys do to who drives.
// Knows the world's camera and the bindings; changes nothing.

import { keyName } from "../bindings.js";
import { Closer } from "../outputs.js";
import { language, WORDS } from "../strings.js";
import { FILMING } from "../words/cameras.js";
import { el } from "./element.js";

const LINGER_MS = 3500;

export class CameraSign {
  #closer = new Closer();
  #root = el("div", { class: "sign", role: "status" });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} parent
   * @param {{ world: import("../world.js").World, bindings: import("../bindings.js").Bindings }} inputs
   */
  constructor(parent, { world, bindings }) {
    parent.append(this.#root);
    let before = world.filming.camera.value;
    this.#closer.add(() => this.#root.remove(), () => clearTimeout(this.#timer), world.filming.camera.on((camera) => {
      parent.dataset.camera = camera;
      if (camera === before) return;
      before = camera;
      const key = (/** @type {import("../bindings.js").Action} */ action) => keyName(bindings.key(action), WORDS.keys.names);
      const hint = world.role.value === "driver" && !matchMedia("(pointer: coarse)").matches
        ? FILMING[language].cameras.hints[camera](key) : FILMING[language].cameras.bodies[camera];
      this.#root.replaceChildren(el("p", {}, FILMING[language].cameras.names[camera]), el("p", {}, hint));
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#root.replaceChildren(), LINGER_MS);
    }));
  }

  close() {
    this.#closer.close();
  }
}
