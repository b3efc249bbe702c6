// The overlay of all keys, each to be changed, and the settings beside them.
// Knows the person's bindings and choices; presses nothing itself.

import { keyName } from "../bindings.js";
import { Closer } from "../outputs.js";
import { language, LANGUAGES, speak, WORDS } from "../strings.js";
import { transcribes } from "../transcript.js";
import { el } from "./element.js";
import { openSheet } from "./sheet.js";

/** @typedef {import("../bindings.js").Action} Action */

/** The ladder's rungs as the gateway names them; "": the highest that the machine keeps up with. */
const RUNGS = ["", "270p", "540p", "1080p"];

/** @type {[keyof typeof WORDS.keys.groups, Action[]][]} */
const GROUPS = [
  ["walk", ["forward", "back", "left", "right", "jump", "run"]],
  ["look", ["look_up", "look_down", "look_left", "look_right"]],
  ["page", ["prompt", "talk", "film", "camera", "moves", "picture", "record", "pause", "figures", "mute", "fullscreen", "help"]],
];

export class KeysSheet {
  #closer = new Closer();
  #parent;
  #settings;
  #world;
  /** @type {HTMLDialogElement | null} */
  #dialog = null;
  #groups = GROUPS.map(([group]) => el("section", { class: group }));

  /**
   * @param {HTMLElement} parent
   * @param {{ world: import("../world.js").World, settings: import("../settings.js").Settings }} inputs
   */
  constructor(parent, { world, settings }) {
    this.#world = world;
    this.#parent = parent;
    this.#settings = settings;
    this.#closer.add(() => this.#dialog?.close());
  }

  toggle() {
    if (this.#dialog) return this.#dialog.close();
    const words = WORDS.keys;
    this.#write();
    this.#dialog = openSheet(this.#parent, {
      title: words.title, kind: "keys", closed: () => (this.#dialog = null),
      children: [
        el("p", {}, words.body), el("div", { class: "groups" }, ...this.#columns()), el("p", { class: "note" }, words.cameras), el("p", { class: "note" }, words.pad), el("p", { class: "note" }, words.touch),
        el("footer", {}, el("button", { type: "button", class: "quiet", onclick: () => {
          this.#settings.bindings.reset();
          this.#write();
        } }, words.reset), this.#tongues()),
      ],
    });
  }

  close() {
    this.#closer.close();
  }

  #write() {
    GROUPS.forEach(([group, actions], index) => this.#groups[index].replaceChildren(
      el("h3", {}, WORDS.keys.groups[group]), el("ul", {}, ...actions.map((action) => this.#key(action)))));
  }

  /** Three columns of about one height; where fingers steer, keys matter less than the settings. */
  #columns() {
    const [walk, look, page] = this.#groups;
    const settings = el("section", {}, el("h3", {}, WORDS.keys.settings), this.#choices());
    const keys = el("div", {}, walk, look);
    return matchMedia("(pointer: coarse)").matches ? [settings, keys, page] : [keys, settings, page];
  }

  /** @param {Action} action */
  #key(action) {
    const words = WORDS.keys;
    const what = words.actions[action];
    const name = keyName(this.#settings.bindings.key(action), words.names);
    const cap = el("button", {
      type: "button", class: "cap", "aria-label": words.change(what, name), "data-action": action,
      onclick: () => this.#change(cap, action),
    }, el("kbd", {}, name));
    return el("li", {}, el("span", {}, what), cap);
  }

  /**
   * The next key that is pressed becomes the action's; Escape leaves it as it was.
   * @param {HTMLButtonElement} cap
   * @param {Action} action
   */
  #change(cap, action) {
    cap.classList.add("waiting");
    cap.replaceChildren(WORDS.keys.press);
    const done = () => {
      cap.removeEventListener("keydown", pressed);
      cap.removeEventListener("blur", done);
      this.#write();
    };
    const pressed = (/** @type {KeyboardEvent} */ event) => {
      event.preventDefault();
      event.stopPropagation();
      if (event.code && event.code !== "Escape") this.#settings.bindings.change(action, event.code);
      done();
      /** @type {HTMLElement | null} */ (this.#dialog?.querySelector(`[data-action=${action}]`))?.focus();
    };
    cap.addEventListener("keydown", pressed);
    cap.addEventListener("blur", done);
  }

  #choices() {
    const words = WORDS.keys;
    const { speed, volume } = this.#settings.chosen.value;
    const range = el("input", { type: "range", id: "speed", min: 0.3, max: 3, step: 0.1,
      oninput: () => this.#settings.choose({ speed: Number(range.value) }) });
    range.value = String(speed);
    const loud = el("input", { type: "range", id: "volume", min: 0, max: 1, step: 0.05,
      oninput: () => this.#settings.choose({ volume: Number(loud.value) }) });
    loud.value = String(volume);
    return el("ul", { class: "choices" },
      el("li", {}, el("label", { for: "speed" }, words.sensitivity), range),
      this.#check("invert", words.invert), ...(this.#world.together.owner.value ? [this.#quality(), this.#check("late_look", words.late_look)] : []),
      this.#check("smooth", words.smooth),
      this.#check("captions", words.captions), el("li", {}, el("label", { for: "volume" }, WORDS.world.volume), loud),
      ...(transcribes() ? [this.#check("transcribe", words.transcribe, words.transcribe_more)] : []));
  }

  /**
   * @param {"invert" | "smooth" | "late_look" | "captions" | "transcribe"} name
   * @param {string} label
   * @param {string} [more]
   */
  #check(name, label, more) {
    const box = el("input", { type: "checkbox", id: `choose-${name}`,
      onchange: () => this.#settings.choose({ [name]: box.checked }) });
    box.checked = this.#settings.chosen.value[name];
    return el("li", {}, el("label", { for: `choose-${name}` }, label, ...(more ? [el("small", {}, more)] : [])), box);
  }

  /** At which rung the world is drawn, for everybody in it: whose world it is chooses. */
  #quality() {
    const pinned = this.#world.stats().rung;
    const select = el("select", { id: "quality", onchange: () => this.#world.ask({ type: "rung", rung: select.value }) },
      ...RUNGS.map((name) => el("option", { value: name }, name || WORDS.keys.quality_itself)));
    select.value = pinned?.pinned ? pinned.rung : "";
    return el("li", {}, el("label", { for: "quality" }, WORDS.keys.quality), select);
  }

  /** Another language begins with the page anew, which comes back to the same world. */
  #tongues() {
    return el("div", { class: "tongues", role: "group", "aria-label": WORDS.language },
      ...Object.entries(LANGUAGES).map(([code, name]) => el("button", {
        type: "button", class: "tongue", lang: code, "aria-pressed": String(code === language),
        onclick: async () => {
          if (code === language) return;
          await speak(/** @type {import("../strings.js").Language} */ (code), true);
          location.reload();
        },
      }, name)));
  }
}
