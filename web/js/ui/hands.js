// Hands for a world: mouse, fingers and gamepad, with the thumb's ring, a button to touch, and the first hint.
// Knows the video and the dock; what walking does is the world's.

import { Gamepads } from "../gamepad.js";
import { keyName } from "../bindings.js";
import { Closer } from "../outputs.js";
import { language, WORDS } from "../strings.js";
import { FILMING } from "../words/cameras.js";
import { el, icon, iconButton } from "./element.js";
import { Pointer } from "./pointer.js";

const HINT_MS = 9000;
/** Whether the hint has done its work in this page: it outlives the hands, which come and go with the role. */
let learned = false;

export class Hands {
  #closer = new Closer();
  #hint;
  #pointer;

  /**
   * @param {HTMLVideoElement} video
   * @param {HTMLElement} dock
   * @param {{ world: import("../world.js").World, settings: import("../settings.js").Settings }} inputs
   */
  constructor(video, dock, { world, settings }) {
    const { hands } = world;
    const looking = () => ({ ...settings.chosen.value, runs: world.filming.camera.value === "first" });
    this.#pointer = new Pointer(video, hands, looking);
    const pads = new Gamepads(hands, looking, () => world.filming.next());
    const coarse = matchMedia("(pointer: coarse)").matches;
    this.#hint = hint(coarse, settings);
    dock.append(this.#hint);
    if (learned) this.known();
    const ring = el("div", { class: "thumb", hidden: true, "aria-hidden": "true" }, el("span"));
    const { jump, rise, sink, next } = FILMING[language].cameras;
    const up = this.#held(hands, "Space", jump, "jump"), down = this.#held(hands, "ShiftLeft", sink, "sink");
    const touch = el("div", { class: "touch" }, iconButton("turn", next, () => world.filming.next()), down, up);
    video.after(ring);
    dock.append(touch);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    this.#closer.add(
      () => this.#pointer.close(), () => pads.close(), () => this.#hint.remove(), () => ring.remove(), () => touch.remove(),
      () => clearTimeout(timer),
      world.visible.on((visible) => {
        if (visible) timer = setTimeout(() => this.known(), HINT_MS);
      }),
      this.#pointer.locked.on((locked) => locked && this.known()),
      world.filming.camera.on((camera) => {
        const walks = camera === "first";
        down.hidden = walks;
        up.setAttribute("aria-label", walks ? jump : rise);
        if (!walks) this.known();
      }),
      this.#pointer.thumb.on((thumb) => {
        ring.hidden = thumb === null;
        if (!thumb) return;
        this.known();
        for (const [name, value] of Object.entries(thumb)) ring.style.setProperty(`--${name}`, `${value}px`);
      }),
    );
  }

  get locked() {
    return this.#pointer.locked;
  }

  unlock() {
    this.#pointer.unlock();
  }

  /** The hint has done its work. */
  known() {
    learned = true;
    this.#hint.classList.add("gone");
  }

  close() {
    this.#closer.close();
  }

  /**
   * A round button that holds a key for as long as a finger is on it.
   * @param {import("../world.js").World["hands"]} hands
   * @param {string} code
   * @param {string} label
   * @param {"jump" | "sink"} picture
   */
  #held(hands, code, label, picture) {
    const press = () => hands.press(code);
    const let_go = () => hands.release(code);
    return el("button", {
      type: "button", class: "round", "aria-label": label,
      onpointerdown: press, onpointerup: let_go, onpointercancel: let_go, onpointerleave: let_go,
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter" || event.key === " ") press();
      },
      onkeyup: let_go, onblur: let_go,
    }, icon(picture));
  }
}

/**
 * How to walk, until it is known.
 * @param {boolean} coarse
 * @param {import("../settings.js").Settings} settings
 */
function hint(coarse, { bindings }) {
  const name = (/** @type {import("../bindings.js").Action} */ action) => keyName(bindings.key(action), WORDS.keys.names);
  const keys = /** @type {const} */ ([[["forward", "left", "back", "right"], WORDS.keys.groups.walk], [["jump"], WORDS.keys.actions.jump],
    [["run"], WORDS.keys.actions.run], [["prompt"], WORDS.keys.actions.prompt]]);
  return el("div", { class: "hint" },
    el("p", {}, coarse ? WORDS.world.help_touch : WORDS.world.help_look),
    el("ul", {}, ...keys.map(([actions, what]) =>
      el("li", {}, ...actions.map((action) => el("kbd", {}, name(action))), ` ${what}`)),
    el("li", {}, el("kbd", {}, "?"), ` ${WORDS.keys.short}`)));
}
