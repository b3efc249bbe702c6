// Who is here and what they suggest, at the edge of the world: to accept, to vote, and to hand the controls over.
// Knows the world's company; what a role may not do is not offered.

import { Closer } from "../outputs.js";
import { WORDS } from "../strings.js";
import { el, icon } from "./element.js";

export class PeoplePanel {
  #closer = new Closer();
  #root = el("aside", { class: "together", hidden: true, "aria-label": WORDS.world.here });
  #people = el("ul", { class: "here" });
  #suggestions = el("ul", { class: "suggestions", "aria-label": WORDS.world.suggestions, "aria-live": "polite" });
  #world;
  /** @type {Set<number | string>} what we voted for */
  #voted = new Set();

  /**
   * @param {HTMLElement} parent
   * @param {{ world: import("../world.js").World }} inputs
   */
  constructor(parent, { world }) {
    this.#world = world;
    this.#root.append(this.#suggestions, this.#people);
    parent.append(this.#root);
    const update = () => this.#write();
    const { company, suggestions, owner } = world.together;
    this.#closer.add(() => this.#root.remove(),
      company.on(update), suggestions.on(update), owner.on(update), world.role.on(update));
  }

  close() {
    this.#closer.close();
  }

  #write() {
    const { company, suggestions } = this.#world.together;
    const { list, holder, me } = company.value;
    const suggested = suggestions.value.list;
    // Alone there is nobody to show, and a gateway that does not tell shows nobody either.
    this.#root.hidden = list.length < 2 && suggested.length === 0;
    this.#people.replaceChildren(...(list.length < 2 ? [] : list.map((one, index) => this.#somebody(one, index, me, holder))));
    this.#suggestions.replaceChildren(...suggested.map((one) => this.#suggestion(one)));
  }

  /**
   * @param {import("../wire.js").Somebody} somebody
   * @param {number} index
   * @param {string | null} me
   * @param {string | null} holder
   */
  #somebody({ id, role, owner }, index, me, holder) {
    const words = WORDS.world;
    const name = id === me ? words.you : words.guest(index + 1);
    const does = id === holder ? words.holder : words.roles[/** @type {keyof typeof words.roles} */ (role)] ?? role;
    const item = el("li", { "data-role": role }, el("span", { class: "face", "aria-hidden": "true" }),
      el("span", {}, name), el("small", {}, does));
    const mine = this.#world.together.owner.value;
    if (mine && id !== me && id !== holder && !owner) {
      item.append(this.#tool("wheel", words.hand_over(name), () => this.#world.ask({ type: "hand_over", to: id })));
    }
    if (holder !== null && ((mine && id === me) || (id === me && id === holder))) {
      item.append(this.#tool("turn", words.take_controls, () => this.#world.ask({ type: "take_back" })));
    }
    return item;
  }

  /** @param {import("../wire.js").Suggestion} suggestion */
  #suggestion({ id: suggestion, text, votes }) {
    const words = WORDS.world;
    const role = this.#world.role.value;
    const item = el("li", {}, el("q", {}, text), el("small", {}, votes ? words.votes(votes) : ""));
    if (role === "driver") {
      item.append(this.#tool("yes", words.accept(text), () => this.#world.ask({ type: "accept", suggestion })),
        this.#tool("close", words.dismiss(text), () => this.#world.ask({ type: "dismiss", suggestion })));
    } else if (role === "suggester" && !this.#voted.has(suggestion)) {
      item.append(this.#tool("yes", words.vote(text), () => {
        this.#voted.add(suggestion);
        this.#world.ask({ type: "vote", suggestion });
        this.#write();
      }));
    }
    return item;
  }

  /**
   * @param {Parameters<typeof icon>[0]} picture
   * @param {string} label
   * @param {() => void} act
   */
  #tool(picture, label, act) {
    return el("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick: act }, icon(picture));
  }
}
