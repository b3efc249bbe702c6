// The arrival: the invite field, then "describe a world" and the wall of templates.
// Knows what a person chooses; knows nothing of how a world is opened.

import { Closer, output, stream } from "../outputs.js";
import { inWords, WORDS } from "../strings.js";
import { el, icon } from "./element.js";

const words = WORDS.arrival;
const LANGUAGE = "en";

/** @typedef {import("../api.js").Template} Template */
/** @typedef {import("../api.js").Wish & { picture?: string, session?: string }} Choice */

export class Arrival {
  /** @type {ReturnType<typeof stream<Choice>>} */
  #choices = stream();
  #step = output(/** @type {"invite" | "choose"} */ ("invite"));
  choices = this.#choices.seen;
  step = this.#step.seen;

  #closer = new Closer();
  #root = el("section", { class: "arrival" });
  #error = el("p", { class: "error", role: "alert" });
  #busy = false;
  #api;

  /**
   * @param {HTMLElement} parent
   * @param {{ api: import("../api.js").Api, me: import("../api.js").Me }} inputs
   */
  constructor(parent, { api, me }) {
    this.#api = api;
    parent.append(this.#root);
    this.#closer.add(() => this.#root.remove());
    if (me.may_start) this.choose(me.session);
    else this.invite();
  }

  /** Asks for the invite. */
  invite() {
    this.#step.write("invite");
    const code = el("input", {
      id: "invite", name: "code", type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
      placeholder: words.invite_placeholder, required: true, "aria-describedby": "arrival-error",
    });
    const enter = el("button", { class: "primary", type: "submit" }, words.enter);
    const form = el("form", {
      class: "field", onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        void this.#attempt(enter, async () => {
          await this.#api.redeemInvite(code.value.trim());
          this.choose((await this.#api.me()).session);
        });
      },
    }, el("label", { for: "invite", class: "hidden" }, words.invite_label), code, enter);
    this.#show("invite", [
      el("h1", {}, words.headline), el("p", { class: "lede" }, words.lede), form, this.#error,
    ]);
    this.#error.textContent = "";
    code.focus({ preventScroll: true });
  }

  /**
   * The prompt line and the wall.
   * @param {string | null} [session] a world of ours that still lives
   */
  choose(session = null) {
    this.#step.write("choose");
    const describe = el("input", {
      id: "describe", name: "prompt", type: "text", autocomplete: "off", placeholder: words.describe_placeholder,
      required: true, "aria-describedby": "arrival-error",
    });
    const go = el("button", { class: "primary", type: "submit" }, words.describe_go);
    const form = el("form", {
      class: "field", onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        if (describe.value.trim()) this.#choices.emit({ prompt: describe.value.trim() });
      },
    }, el("label", { for: "describe", class: "hidden" }, words.describe_label), describe, go);
    const chips = el("ul", { class: "chips", "aria-label": words.examples_label }, ...words.examples.map((example) =>
      el("li", {}, el("button", {
        type: "button", class: "chip", onclick: () => {
          describe.value = example;
          this.#choices.emit({ prompt: example });
        },
      }, example))));
    const wall = el("ul", { class: "wall", "aria-label": words.wall_label, "aria-busy": "true" });
    const back = session === null ? [] : [el("button", {
      type: "button", class: "chip back", onclick: () => this.#choices.emit({ session }),
    }, words.walk_on)];
    this.#show("choose", [el("h1", {}, words.describe_headline), ...back, form, this.#error, chips, wall]);
    this.#error.textContent = "";
    describe.focus({ preventScroll: true });
    void this.#fill(wall);
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
  #card({ id, title, picture }, index) {
    const card = el("button", {
      type: "button", class: "card", "data-template": id,
      onclick: () => this.#choices.emit({ template: id, picture }),
    }, el("span", { class: "card-title" }, title[LANGUAGE] ?? id), icon("send"));
    if (picture) card.prepend(el("img", { src: picture, alt: "", width: 480, height: 270, decoding: "async" }));
    const item = el("li", {}, card);
    item.style.setProperty("--order", String(index));
    return item;
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {() => Promise<void>} act
   */
  async #attempt(button, act) {
    if (this.#busy) return;
    this.#busy = true;
    const label = button.textContent;
    button.textContent = words.entering;
    this.#error.textContent = "";
    try {
      await act();
    } catch (error) {
      this.refuse(error);
    } finally {
      this.#busy = false;
      button.textContent = label;
    }
  }

  /**
   * @param {string} step
   * @param {Node[]} children
   */
  #show(step, children) {
    this.#error.id = "arrival-error";
    this.#root.dataset.step = step;
    this.#root.replaceChildren(el("p", { class: "wordmark" }, WORDS.name), ...children);
  }
}
