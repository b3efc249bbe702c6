// What lies over the picture while there is none: opening, in line, reconnecting, held, ended, and why.
// Knows what to say in each state; decides none of them.

import { Closer, stream } from "../outputs.js";
import { inWords, WORDS } from "../strings.js";
import { el } from "./element.js";

/** The opening's steps, in order; each is a kind of covering. */
const OPENING = ["asking", "connecting", "first_frame"];

/**
 * @typedef {{ kind: "asking" | "connecting" | "first_frame" | "resuming" | "held" | "clear" }
 *   | { kind: "queued", position: number, wait_s: number | null }
 *   | { kind: "reconnecting", attempt: number }
 *   | { kind: "ended", reason: unknown, kept: boolean }
 *   | { kind: "no_webrtc" }} Covering
 */
/** @typedef {"again" | "walk_on" | "leave" | "go_on"} VeilWish */

export class Veil {
  /** @type {ReturnType<typeof stream<VeilWish>>} */
  #wishes = stream();
  wishes = this.#wishes.seen;
  #closer = new Closer();
  #root;
  #heading;
  #poster = el("div", { class: "poster" });
  #said = el("div", { class: "veil-said", role: "status" });
  #actions = el("div", { class: "veil-actions" });
  #title;
  #shown = "";

  /**
   * @param {HTMLElement} parent
   * @param {{ picture?: string, glimpse?: string, title?: string }} [inputs] what to see and to read until the first
   *   frame; `glimpse` is there already, and the picture comes over it
   */
  constructor(parent, { picture, glimpse, title } = {}) {
    this.#title = title;
    // With nothing else in the page, this is the page.
    const alone = parent === document.body;
    this.#root = el(alone ? "main" : "div", { class: "veil" });
    this.#heading = /** @type {"h1" | "h2"} */ (alone ? "h1" : "h2");
    this.#root.append(this.#poster, el("div", { class: "veil-panel" }, this.#said, this.#actions));
    this.#root.dataset.kind = "asking";
    this.#root.classList.toggle("seen", Boolean(picture ?? glimpse));
    if (glimpse) this.#poster.append(el("img", { class: "glimpse", src: glimpse, alt: "", decoding: "sync" }));
    if (picture) this.#poster.append(el("img", { class: "start", src: picture, alt: "" }));
    parent.append(this.#root);
    this.#closer.add(() => this.#root.remove());
  }

  /** @param {Covering} covering */
  show(covering) {
    const shown = JSON.stringify(covering);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const words = WORDS.status;
    const { kind } = covering;
    const focused = this.#actions.contains(document.activeElement);
    this.#root.dataset.kind = kind;
    this.#said.replaceChildren();
    this.#actions.replaceChildren();
    if (OPENING.includes(kind)) this.#opening(OPENING.indexOf(kind));
    else if (covering.kind === "queued") this.#queued(covering);
    else if (covering.kind === "reconnecting") {
      this.#say(words.reconnecting, words.reconnecting_more(covering.attempt), true);
    } else if (kind === "resuming") this.#say(words.resuming, words.resuming_more, true);
    else if (kind === "held") {
      this.#say(WORDS.world.paused, WORDS.world.paused_more, false);
      this.#offer("go_on", WORDS.world.go_on, "primary").focus({ preventScroll: true });
    } else if (covering.kind === "ended") this.#ended(covering);
    else if (kind === "no_webrtc") this.#say(words.no_webrtc, words.no_webrtc_more, false);
    if (focused) this.#actions.querySelector("button")?.focus({ preventScroll: true });
  }

  close() {
    this.#closer.close();
  }

  /** @param {number} now the step at hand */
  #opening(now) {
    const steps = WORDS.status.steps.map((step, index) =>
      el("li", { class: index < now ? "past" : "", "aria-current": index === now ? "step" : null }, step));
    this.#said.append(
      el(this.#heading, { class: this.#title ? "quoted" : "" }, this.#title || WORDS.status.asking),
      el("ol", { class: "steps" }, ...steps),
    );
  }

  /** @param {{ position: number, wait_s: number | null }} place */
  #queued({ position, wait_s }) {
    const words = WORDS.status;
    const wait = wait_s === null ? words.queued_open : words.queued_wait(
      wait_s < 90 ? words.seconds(Math.max(5, Math.ceil(wait_s / 5) * 5)) : words.minutes(Math.ceil(wait_s / 60)));
    this.#said.append(
      el("p", { class: "place", "aria-hidden": "true" }, String(position)),
      el(this.#heading, {}, words.queued), el("p", {}, `${words.queued_more(position)} ${wait}`),
    );
    this.#offer("leave", words.leave, "secondary");
  }

  /** @param {{ reason: unknown, kept: boolean }} end */
  #ended({ reason, kept }) {
    this.#say(WORDS.status.ended, inWords(reason), false);
    if (kept) this.#offer("walk_on", WORDS.status.walk_on, "primary");
    this.#offer("again", WORDS.status.again, kept ? "secondary" : "primary");
    this.#actions.querySelector("button")?.focus({ preventScroll: true });
  }

  /**
   * @param {VeilWish} wish
   * @param {string} label
   * @param {string} kind
   */
  #offer(wish, label, kind) {
    const button = el("button", { type: "button", class: kind, onclick: () => this.#wishes.emit(wish) }, label);
    this.#actions.append(button);
    return button;
  }

  /**
   * @param {string} title
   * @param {string} more
   * @param {boolean} busy
   */
  #say(title, more, busy) {
    this.#said.append(
      ...(busy ? [el("span", { class: "breath", "aria-hidden": "true" })] : []),
      el(this.#heading, {}, title), el("p", {}, more),
    );
  }
}
