// Moves of the camera for who films: one is chosen, and goes on until another is, or the person's own keys walk.
// Knows the world's hands and the bindings; which moves there are is in moves.js.

import { MOVES } from "../moves.js";
import { Closer } from "../outputs.js";
import { WORDS } from "../strings.js";
import { el, icon } from "./element.js";

/** @typedef {import("../moves.js").MoveName} MoveName */

/** @type {[keyof typeof WORDS.moves.kinds, [MoveName, MoveName]][]} */
const KINDS = [
  ["pan", ["pan_left", "pan_right"]], ["tilt", ["tilt_up", "tilt_down"]],
  ["truck", ["truck_left", "truck_right"]], ["dolly", ["dolly_in", "dolly_out"]],
];
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
    }, icon(name));
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
