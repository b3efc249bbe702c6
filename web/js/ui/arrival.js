// The arrival: the invite field, then "describe a world", our own worlds and the wall of templates.
// Knows what a person chooses; knows nothing of how a world is opened.

import { Closer, output, stream } from "../outputs.js";
import { inWords, language, LANGUAGES, WORDS } from "../strings.js";
import { card } from "./card.js";
import { el, iconButton } from "./element.js";

/** @typedef {import("../api.js").Template} Template */
/**
 * @typedef {import("../api.js").Wish & { file?: Blob, glimpse?: string, title?: string,
 *   session?: string }} Choice `picture`: an address; `glimpse`: a picture of the place that is loaded already
 */

export class Arrival {
  /** @type {ReturnType<typeof stream<Choice>>} */
  #choices = stream();
  /** @type {ReturnType<typeof stream<import("../strings.js").Language>>} */
  #tongues = stream();
  #step = output(/** @type {"invite" | "choose"} */ ("invite"));
  choices = this.#choices.seen;
  /** Another language is wished for. */
  tongues = this.#tongues.seen;
  step = this.#step.seen;

  #closer = new Closer();
  #root = el("main", { class: "arrival" });
  #ambience = el("div", { class: "ambience", "aria-hidden": "true" });
  #error = el("p", { class: "error", role: "alert", id: "arrival-error" });
  #busy = false;
  #api;
  /** @type {import("./kept_worlds.js").KeptWorlds | null} */
  #kept = null;

  /**
   * @param {HTMLElement} parent
   * @param {{ api: import("../api.js").Api, me: import("../api.js").Me, written?: string }} inputs
   *   `written`: what was in the field already
   */
  constructor(parent, { api, me, written = "" }) {
    this.#api = api;
    parent.append(this.#root);
    this.#closer.add(() => this.#root.remove(), () => this.#kept?.close());
    if (me.may_start || me.open) this.choose(me, written);
    else this.invite(written);
  }

  /** What is written and not yet sent. */
  get written() {
    return this.#root.querySelector("input")?.value ?? "";
  }

  /**
   * Asks for the invite.
   * @param {string} [written]
   */
  invite(written = "") {
    const words = WORDS.arrival;
    this.#step.write("invite");
    const code = el("input", {
      id: "invite", name: "code", type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
      placeholder: words.invite_placeholder, required: true, "aria-describedby": "arrival-error",
    });
    code.value = written;
    const enter = el("button", { class: "primary", type: "submit" }, words.enter);
    const form = el("form", {
      class: "field", onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        void this.#attempt(enter, async () => {
          await this.#api.redeemInvite(code.value.trim());
          this.choose(await this.#api.me());
        });
      },
    }, el("label", { for: "invite", class: "hidden" }, words.invite_label), code, enter);
    this.#show("invite", [
      el("h1", {}, words.headline), el("p", { class: "lede" }, words.lede), form, this.#error,
    ]);
    code.focus({ preventScroll: true });
  }

  /**
   * The prompt line, our worlds and the wall.
   * @param {import("../api.js").Me} me
   * @param {string} [written]
   */
  choose(me, written = "") {
    const words = WORDS.arrival;
    this.#step.write("choose");
    const describe = el("input", {
      id: "describe", name: "prompt", type: "text", autocomplete: "off", placeholder: words.describe_placeholder,
      required: true, maxlength: 400, enterkeyhint: "go", "aria-describedby": "arrival-error",
    });
    describe.value = written;
    const told = (/** @type {string} */ prompt) => this.#choices.emit({ prompt, title: prompt });
    const form = el("form", {
      class: "field", onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        if (describe.value.trim()) told(describe.value.trim());
      },
    }, el("label", { for: "describe", class: "hidden" }, words.describe_label), describe, ...this.#fromPicture(),
    el("button", { class: "primary", type: "submit" }, words.describe_go));
    const chips = el("ul", { class: "chips", "aria-label": words.examples_label }, ...words.examples.map((example) =>
      el("li", {}, el("button", {
        type: "button", class: "chip", onclick: () => {
          describe.value = example;
          told(example);
        },
      }, example))));
    const wall = el("ul", { class: "wall", "aria-label": words.wall_label, "aria-busy": "true" });
    const back = me.session === null ? [] : [el("button", {
      type: "button", class: "chip back", onclick: () => this.#choices.emit({ session: me.session ?? undefined }),
    }, words.walk_on)];
    this.#show("choose", [el("h1", {}, words.describe_headline), ...back, form, this.#error, chips, wall]);
    describe.focus({ preventScroll: true });
    void this.#fill(wall);
    if (me.open !== undefined) void this.#shelve(wall);
  }

  /**
   * Says why what was chosen did not open.
   * @param {unknown} reason
   */
  refuse(reason) {
    this.#error.textContent = inWords(reason);
  }

  close() {
    this.#closer.close();
  }

  /**
   * Our own worlds, where the gateway keeps them.
   * @param {HTMLElement} wall
   */
  async #shelve(wall) {
    const { KeptWorlds } = await import("./kept_worlds.js");
    if (!wall.isConnected) return;
    const kept = (this.#kept = new KeptWorlds({ api: this.#api }));
    kept.choices.on((choice) => this.#choices.emit(choice));
    kept.troubles.on((trouble) => this.refuse(trouble));
    wall.before(kept.root);
  }

  /** The way in by a picture of one's own. */
  #fromPicture() {
    const words = WORDS.arrival;
    const input = el("input", {
      id: "picture", type: "file", accept: "image/png,image/jpeg,image/webp", class: "hidden", tabindex: "-1", "aria-hidden": "true",
      onchange: () => {
        const [file] = input.files ?? [];
        if (!file) return;
        const glimpse = URL.createObjectURL(file);
        this.#closer.add(() => URL.revokeObjectURL(glimpse));
        this.#choices.emit({ file, picture: glimpse, glimpse, title: words.from_picture });
      },
    });
    return [input, iconButton("picture", words.from_picture, () => input.click(), { class: "tool" })];
  }

  /** @param {HTMLElement} wall */
  async #fill(wall) {
    try {
      const templates = await this.#api.templates();
      wall.append(...templates.map((template, index) => this.#card(template, index)));
    } catch (error) {
      this.refuse(error);
    } finally {
      wall.removeAttribute("aria-busy");
    }
  }

  /**
   * @param {Template} template
   * @param {number} index
   */
  #card({ id, title, picture, loop }, index) {
    const name = title[language] ?? title.en ?? id;
    const item = card({
      title: name, index, picture: `/web/pictures/wall/${id}.avif`, instead: picture, loop,
      choose: (glimpse) => this.#choices.emit({ template: id, picture, glimpse, title: name }),
      dwell: (seen) => this.#dwell(seen),
    });
    item.querySelector("button")?.setAttribute("data-template", id);
    return item;
  }

  /**
   * The place that is looked at colours the whole page.
   * @param {string | null} picture
   */
  #dwell(picture) {
    const [before] = this.#ambience.children;
    if (picture === null || before?.getAttribute("src") === picture) {
      this.#ambience.classList.toggle("on", picture !== null);
      return;
    }
    this.#ambience.replaceChildren(el("img", { src: picture, alt: "" }));
    this.#ambience.classList.add("on");
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {() => Promise<void>} act
   */
  async #attempt(button, act) {
    if (this.#busy) return;
    this.#busy = true;
    button.textContent = WORDS.arrival.entering;
    this.#error.textContent = "";
    try {
      await act();
    } catch (error) {
      this.refuse(error);
    } finally {
      this.#busy = false;
      button.textContent = WORDS.arrival.enter;
    }
  }

  /**
   * @param {string} step
   * @param {Node[]} children
   */
  #show(step, children) {
    this.#error.textContent = "";
    this.#root.dataset.step = step;
    const tongues = Object.entries(LANGUAGES).map(([code, name]) => el("button", {
      type: "button", class: "tongue", lang: code, "aria-pressed": String(code === language),
      onclick: () => this.#tongues.emit(/** @type {import("../strings.js").Language} */ (code)),
    }, name));
    this.#root.replaceChildren(this.#ambience,
      el("header", { class: "top" }, el("p", { class: "wordmark" }, WORDS.name),
        el("div", { class: "tongues", role: "group", "aria-label": WORDS.language }, ...tongues)),
      ...children);
  }
}
