// The cameras, and their moves for who films: one is chosen, and goes on until another is, or the person's own keys walk.
// Knows the world and the bindings; which moves there are is in moves.js.

import { CAMERAS } from "../cameras.js";
import { MOVES } from "../moves.js";
import { Closer } from "../outputs.js";
import { language } from "../strings.js";
import { FILMING } from "../words/cameras.js";
import { drawn, el } from "./element.js";

/** @typedef {import("../moves.js").MoveName} MoveName */

/** @type {[keyof typeof FILMING.en.moves.kinds, [MoveName, MoveName]][]} */
const KINDS = [
  ["pan", ["pan_left", "pan_right"]], ["tilt", ["tilt_up", "tilt_down"]],
  ["truck", ["truck_left", "truck_right"]], ["dolly", ["dolly_in", "dolly_out"]],
  ["pedestal", ["pedestal_up", "pedestal_down"]], ["orbit", ["orbit_left", "orbit_right"]],
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
  pedestal_up: "M5 20h14M12 16V4M7.500 8.500 12 4l4.500 4.500", pedestal_down: "M5 4h14M12 8v12M7.500 15.500 12 20l4.500-4.500",
  orbit_left: "M19 14a8 5 0 1 1-7-7.500H5M8.500 3 5 6.500 8.500 10", orbit_right: "M5 14a8 5 0 1 0 7-7.500h7M15.500 3 19 6.500 15.500 10",
  dolly_out: "M10 10 4 4M4 8.500V4h4.500M14 10l6-6M20 8.500V4h-4.500M10 14l-6 6M4 15.500V20h4.500M14 14l6 6M20 15.500V20h-4.500",
};
const LONGEST_S = 0.1;

export class MovesBar {
  #closer = new Closer();
  #root = el("section", { class: "moves glass", hidden: true, "aria-label": FILMING[language].moves.label });
  #world;
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
    this.#world = world;
    this.#hands = world.hands;
    this.#root.append(this.#cameras(), ...KINDS.map(([kind, names]) => el("div", { role: "group", "aria-label": FILMING[language].moves.kinds[kind] },
      el("span", { "aria-hidden": "true" }, FILMING[language].moves.kinds[kind]), ...names.map((name) => this.#button(name)))));
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

  #cameras() {
    const words = FILMING[language].cameras;
    const options = CAMERAS.map((camera) => el("button", {
      type: "button", class: "tongue", "data-camera": camera, onclick: () => {
        this.#choose(null);
        this.#world.filming.film(camera);
      },
    }, words.names[camera]));
    this.#closer.add(this.#world.filming.camera.on((camera) =>
      options.forEach((option) => option.setAttribute("aria-pressed", String(option.dataset.camera === camera)))));
    return el("div", { class: "cameras", role: "group", "aria-label": words.label }, ...options);
  }

  /** @param {MoveName} name */
  #button(name) {
    const label = FILMING[language].moves.names[name];
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
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (this.#root.querySelectorAll("[data-move]"))) {
      button.setAttribute("aria-pressed", String(button.dataset.move === name));
    }
    if (!name) return;
    const instead = MOVES[name].instead[this.#world.filming.camera.value];
    if (instead) this.#world.filming.film(instead);
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
