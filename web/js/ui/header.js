// The upper edge of the world: where we are and with whom, and the few buttons; the rest is under "more".
// Knows which drawers there are to open; each is a part of its own.

import { Closer, stream } from "../outputs.js";
import { WORDS } from "../strings.js";
import { el, icon, iconButton } from "./element.js";

export class Header {
  /** @type {ReturnType<typeof stream<void>>} */
  #left = stream();
  /** The person goes. */
  left = this.#left.seen;
  #closer = new Closer();
  #root = el("header", { class: "edge top" });
  #menu = el("div", { class: "menu glass", id: "more", hidden: true });
  #more;
  #drawers;

  /**
   * @param {HTMLElement} parent
   * @param {{ world: import("../world.js").World, drawers: import("./drawers.js").Drawers }} inputs
   */
  constructor(parent, { world, drawers }) {
    const words = WORDS.world;
    this.#drawers = drawers;
    const badge = el("span", { class: "badge" });
    const people = el("span", { class: "people" });
    this.#more = iconButton("more", words.more, () => this.#toggle(), { "aria-expanded": "false", "aria-controls": "more" });
    const share = iconButton("share", words.share, () => drawers.open("share"));
    this.#root.append(
      el("p", { class: "wordmark" }, WORDS.name), badge, people, el("span", { class: "spring" }),
      this.#more, iconButton("leave", words.leave, () => this.#left.emit(undefined)), this.#menu,
    );
    parent.append(this.#root);
    this.#closer.add(
      () => this.#root.remove(),
      world.together.owner.on((owner) => owner ? this.#more.before(share) : share.remove()),
      world.viewers.on((count) => (people.textContent = count > 0 ? words.viewers(count) : "")),
    );
    const { standing } = world.together;
    const told = () => {
      const { state } = standing.value;
      parent.dataset.standing = state;
      badge.textContent = where(world.phase.value, world.role.value, state);
    };
    this.#closer.add(world.phase.on(told), world.role.on(told), standing.on(told));
    this.#closer.listen(parent, "pointerdown", (event) =>
      !this.#menu.hidden && !this.#menu.contains(event.target) && !this.#more.contains(event.target) && this.#toggle());
    this.#closer.listen(this.#root, "keydown", (event) => {
      if (event.key !== "Escape" || this.#menu.hidden) return;
      event.stopPropagation();
      this.#toggle();
      this.#more.focus();
    });
  }

  close() {
    this.#closer.close();
  }

  #toggle() {
    const open = this.#menu.hidden;
    this.#menu.hidden = !open;
    this.#more.setAttribute("aria-expanded", String(open));
    if (!open) return;
    this.#menu.replaceChildren(...this.#drawers.offered().map(({ name, picture, label, key, on }) =>
      el("button", {
        type: "button", class: "entry", "aria-pressed": on === undefined ? null : String(on), onclick: () => {
          this.#toggle();
          this.#drawers.open(name);
        },
      }, icon(picture), el("span", {}, label), ...(key ? [el("kbd", { "aria-hidden": "true" }, key)] : []))));
    this.#menu.querySelector("button")?.focus({ preventScroll: true });
  }
}

/**
 * @param {import("../phases.js").Phase} phase
 * @param {import("../world.js").Role} role
 * @param {string} state the gateway's own
 */
function where(phase, role, state) {
  const words = WORDS.world;
  if (phase === "live" && (state === "queued" || state === "resuming")) return words[state];
  if (phase !== "live" || role === "driver") return words.badge[phase];
  return role === "viewer" ? words.watching : words.suggesting;
}
