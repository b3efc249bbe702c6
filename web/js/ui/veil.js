// What lies over the picture while there is none: opening, reconnecting, ended, and why.
// Knows what to say in each state; decides none of them.

import { Closer, stream } from "../outputs.js";
import { inWords, WORDS } from "../strings.js";
import { el } from "./element.js";

const words = WORDS.status;

/**
 * @typedef {{ kind: "asking" | "connecting" | "first_frame" | "resuming" | "clear" }
 *   | { kind: "reconnecting", attempt: number }
 *   | { kind: "ended", reason: unknown }
 *   | { kind: "no_webrtc" }} Covering
 */

export class Veil {
  /** @type {ReturnType<typeof stream<"again">>} */
  #wishes = stream();
  wishes = this.#wishes.seen;
  #closer = new Closer();
  #root = el("div", { class: "veil", role: "status" });
  #poster = el("div", { class: "poster" });
  #panel = el("div", { class: "veil-panel" });

  /**
   * @param {HTMLElement} parent
   * @param {{ picture?: string }} [inputs] what to see until the first frame
   */
  constructor(parent, { picture } = {}) {
    this.#root.append(this.#poster, this.#panel);
    if (picture) this.#poster.style.backgroundImage = `url("${encodeURI(picture)}")`;
    parent.append(this.#root);
    this.#closer.add(() => this.#root.remove());
  }

  /** @param {Covering} covering */
  show(covering) {
    const { kind } = covering;
    this.#root.dataset.kind = kind;
    if (kind === "clear") this.#panel.replaceChildren();
    else if (kind === "reconnecting") this.#say(words.reconnecting, words.reconnecting_more(covering.attempt), true);
    else if (kind === "ended") {
      this.#say(words.ended, inWords(covering.reason), false);
      this.#panel.append(el("button", { type: "button", class: "primary", onclick: () => this.#wishes.emit("again") },
        words.again));
    } else if (kind === "no_webrtc") this.#say(words.no_webrtc, words.no_webrtc_more, false);
    else this.#say(words[kind], words[`${kind}_more`], true);
  }

  close() {
    this.#closer.close();
  }

  /**
   * @param {string} title
   * @param {string} more
   * @param {boolean} busy
   */
  #say(title, more, busy) {
    this.#panel.replaceChildren(
      ...(busy ? [el("span", { class: "breath", "aria-hidden": "true" })] : []),
      el("h2", {}, title), el("p", {}, more),
    );
  }
}
