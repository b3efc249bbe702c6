// Moves of the camera for who films: one is chosen, and goes on until another is, or the person's own keys walk.
// Knows the world's hands and the bindings; which moves there are is in moves.js.

import { MOVES } from "../moves.js";
import { Closer } from "../outputs.js";
import { WORDS } from "../strings.js";
import { drawn, el } from "./element.js";

/** @typedef {import("../moves.js").MoveName} MoveName */

/** @type {[keyof typeof WORDS.moves.kinds, [MoveName, MoveName]][]} */
const KINDS = [
  ["pan", ["pan_left", "pan_right"]], ["tilt", ["tilt_up", "tilt_down"]],
  ["truck", ["truck_left", "truck_right"]], ["dolly", ["dolly_in", "dolly_out"]],
];
/** @type {Record<MoveName, string>} */
const STROKES = {
  pan_left: "M19 12H5M10.500 6.500 5 12l5.500 5.500",
  pan_right: "M5 12h14M13.500 6.500 19 12l-5.500 5.500",
  tilt_up: "M12 19V5M6.500 10.500 12 5l5.500 5.500",
  tilt_down: "M12 5v14M6.500 13.500 12 19l5.500-5.500",
  truck_left: "M20 5v14M16 12H4M8.500 7.500 4 12l4.500 4.500",
  truck_right: "M4 5v14M8 12h12M15.500 7.500 20 12l-4.500 4.500",
  dolly_in: "M4 4l6 6M10 5.500V10H5.500M20 4l-6 6M14 5.500V10h4.500M4 20l6-6M10 18.500V14H5.500M20 20l-6-6M14 18.500V14h4.500",
  dolly_out: "M10 10 4 4M4 8.500V4h4.500M14 10l6-6M20 8.500V4h-4.500M10 14l-6 6M4 15.500V20h4.500M14 14l6 6M20 15.500V20h-4.500",
};
const LONGEST_S = 0.1;

export class MovesBar {
  #closer = new Closer();
  #root = el("section", { class: "moves glass", hidden: true, "aria-label": WORDS.moves.label });
  #hands;
  /** @type {MoveName | null} */
  #running = null;
  #frame = 0;
  #before = 0;

  /**
   * @param {HTMLElement} parent
   * @param {{ world: import("../world.js").World, bindings: import("../bindings.js").Bindings }} inputs
   */
  constructor(parent, { world, bindings }) {
    this.#hands = world.hands;
    this.#root.append(...KINDS.map(([kind, names]) => el("div", { role: "group", "aria-label": WORDS.moves.kinds[kind] },
      el("span", { "aria-hidden": "true" }, WORDS.moves.kinds[kind]), ...names.map((name) => this.#button(name)))));
    parent.append(this.#root);
    const stop = () => this.#choose(null);
    this.#closer.add(() => this.#root.remove(), stop,
      world.role.on((role) => role !== "driver" && this.away()), world.phase.on((phase) => phase !== "live" && stop()));
    this.#closer.listen(window, "blur", stop);
    this.#closer.listen(window, "keydown", (event) => {
      if (event.target instanceof Element && event.target.closest("input, button, dialog")) return;
      if (bindings.button(event.code)) stop();
    }, { capture: true });
    this.#closer.listen(this.#root, "keydown", (event) => event.key === "Escape" && this.away());
  }

  toggle() {
    if (!this.#root.hidden) return this.away();
    this.#root.hidden = false;
    this.#root.querySelector("button")?.focus({ preventScroll: true });
  }

  away() {
    this.#choose(null);
    this.#root.hidden = true;
  }

  close() {
    this.#closer.close();
  }

  /** @param {MoveName} name */
  #button(name) {
    const label = WORDS.moves.names[name];
    return el("button", {
      type: "button", class: "tool", "aria-label": label, title: label, "aria-pressed": "false", "data-move": name,
      onclick: () => this.#choose(this.#running === name ? null : name),
    }, drawn(name, STROKES[name]));
  }

  /** @param {MoveName | null} name */
  #choose(name) {
    cancelAnimationFrame(this.#frame);
    if (this.#running) for (const code of MOVES[this.#running].buttons) this.#hands.release(code);
    this.#running = name;
    for (const button of this.#root.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.move === name));
    }
    if (!name) return;
    for (const code of MOVES[name].buttons) this.#hands.press(code);
    this.#before = performance.now();
    this.#go(this.#before);
  }

  /** @param {number} now */
  #go(now) {
    if (!this.#running) return;
    const seconds = Math.min(LONGEST_S, Math.max(0, now - this.#before) / 1000);
    this.#before = now;
    const [right, up] = MOVES[this.#running].look;
    if (right || up) this.#hands.look(right * seconds, up * seconds, now);
    this.#frame = requestAnimationFrame((next) => this.#go(next));
  }
}
