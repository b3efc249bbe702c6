// Our own worlds on the arrival: to walk on in, rename, take away as a file, or delete for good.
// Knows the gateway's kept worlds; knows nothing of how one is opened.

import { Closer, stream } from "../outputs.js";
import { WORDS } from "../strings.js";
import { card } from "./card.js";
import { el, icon } from "./element.js";

/** @typedef {import("../api.js").Kept} Kept */

export class KeptWorlds {
  /** @type {ReturnType<typeof stream<import("./arrival.js").Choice>>} */
  #choices = stream();
  /** @type {ReturnType<typeof stream<unknown>>} */
  #troubles = stream();
  choices = this.#choices.seen;
  troubles = this.#troubles.seen;
  root = el("section", { class: "yours", hidden: true, "aria-labelledby": "yours-title" });
  #list = el("ul", { class: "shelf" });
  #closer = new Closer();
  #api;

  /** @param {{ api: import("../api.js").Api }} inputs */
  constructor({ api }) {
    this.#api = api;
    const file = el("input", { type: "file", accept: ".mundo,application/vnd.mundo.world", class: "hidden", id: "world-file",
      onchange: () => void this.#attempt(() => this.#import(file)) });
    this.root.append(
      el("header", {}, el("h2", { id: "yours-title" }, WORDS.arrival.yours_label),
        el("label", { class: "quiet", for: "world-file" }, WORDS.arrival.import), file),
      this.#list,
    );
    this.#closer.add(() => this.root.remove());
    void this.#attempt(() => this.#fill());
  }

  close() {
    this.#closer.close();
  }

  async #fill() {
    const worlds = await this.#api.worlds();
    this.root.hidden = worlds.length === 0;
    this.#list.replaceChildren(...worlds.map((world, index) => this.#card(world, index)));
  }

  /**
   * @param {Kept} world
   * @param {number} index
   */
  #card(world, index) {
    const words = WORDS.arrival;
    const name = world.name || world.prompt || words.nameless;
    const item = card({
      title: name, index, picture: world.thumbnail, more: world.session ? words.here_still : when(world.visited_at),
      choose: (glimpse) => this.#choices.emit({ saved: world.id, title: name, glimpse }),
      dwell: () => undefined,
    });
    const tool = (/** @type {Parameters<typeof icon>[0]} */ picture, /** @type {string} */ label,
      /** @type {() => void} */ act) =>
      el("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick: act }, icon(picture));
    item.append(el("div", { class: "tools" },
      tool("pen", words.rename(name), () => this.#rename(item, world, name)),
      el("a", { class: "tool", href: this.#api.exported(world.id), download: "", "aria-label": words.export(name),
        title: words.export(name) }, icon("down")),
      tool("close", words.forget(name), () => this.#forget(item, world))));
    return item;
  }

  /**
   * @param {HTMLElement} item
   * @param {Kept} world
   * @param {string} name
   */
  #rename(item, world, name) {
    const field = el("input", { type: "text", maxlength: 80, "aria-label": WORDS.arrival.new_name, value: name });
    const form = el("form", {
      class: "over", onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        void this.#attempt(async () => {
          if (field.value.trim()) await this.#api.rename(world.id, field.value.trim());
          await this.#fill();
        });
      },
      onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && form.remove(),
    }, field);
    item.append(form);
    field.select();
  }

  /**
   * @param {HTMLElement} item
   * @param {Kept} world
   */
  #forget(item, world) {
    const words = WORDS.arrival;
    const keep = el("button", { type: "button", class: "secondary", onclick: () => asked.remove() }, words.forget_no);
    const asked = el("div", { class: "over", role: "group", "aria-label": words.forget_sure },
      el("p", {}, words.forget_sure),
      el("button", { type: "button", class: "primary", onclick: () => void this.#attempt(async () => {
        await this.#api.forget(world.id);
        await this.#fill();
      }) }, words.forget_yes), keep);
    item.append(asked);
    keep.focus();
  }

  /** @param {HTMLInputElement} file */
  async #import(file) {
    const [chosen] = file.files ?? [];
    if (!chosen) return;
    await this.#api.import(chosen);
    file.value = "";
    await this.#fill();
  }

  /** @param {() => Promise<void>} act */
  async #attempt(act) {
    await act().catch((error) => this.#troubles.emit(error));
  }
}

/** @param {number} at_s seconds since 1970 */
function when(at_s) {
  return new Date(at_s * 1000).toLocaleDateString(document.documentElement.lang, { day: "numeric", month: "long" });
}
