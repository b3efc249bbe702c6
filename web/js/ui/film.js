// The film strip: what was said, each with the first picture that obeyed it (a click says it again), and moments
// between. Knows the world's prompts and frames, and the <video>; says nothing itself.

import { Closer, stream } from "../outputs.js";
import { figure, WORDS } from "../strings.js";
import { el } from "./element.js";

const WIDTH = 192;
const KEPT = 40;
/** A change needs some frames to be seen: the picture is taken so many after the first that obeyed. */
const LATER_FRAMES = 18;
/** Where nothing else was pictured for so long, what there is to be seen is. */
const EVERY_FRAMES = 480;

/** @typedef {keyof typeof WORDS.world.film_kinds} MomentKind */

export class Film {
  /** @type {ReturnType<typeof stream<string>>} */
  #again = stream();
  again = this.#again.seen;
  #closer = new Closer();
  #root = el("section", { class: "film", hidden: true, "aria-label": WORDS.world.film_label });
  #strip = el("ol", { class: "strip" });
  #empty = el("p", {}, WORDS.world.film_empty);
  #video;
  #world;
  /** @type {Map<number, number>} frames at which prompts are pictured, by ref */
  #due = new Map();
  /** @type {Set<number>} */
  #taken = new Set();
  /** The frame that was pictured last. @type {number | null} */
  #last = null;

  /**
   * @param {HTMLElement} parent
   * @param {{ world: import("../world.js").World, video: HTMLVideoElement }} inputs
   */
  constructor(parent, { world, video }) {
    this.#video = video;
    this.#world = world;
    this.#root.append(this.#empty, this.#strip);
    parent.append(this.#root);
    this.#closer.add(
      () => this.#root.remove(),
      world.prompts.on((list) => {
        for (const { ref, stage, frame } of list) {
          if (stage === "heard" && frame !== undefined && !this.#taken.has(ref)) this.#due.set(ref, frame + LATER_FRAMES);
        }
      }),
      world.frames.on(({ index }) => {
        for (const [ref, at] of this.#due) if (index >= at) this.#take(ref, index);
        if (this.#last === null) this.mark("began");
        else if (index >= this.#last + EVERY_FRAMES) this.mark("passing");
      }),
    );
    this.#closer.listen(this.#root, "keydown", (event) => event.key === "Escape" && this.away());
  }

  toggle() {
    this.#root.hidden = !this.#root.hidden;
    this.#strip.lastElementChild?.scrollIntoView({ inline: "end", block: "nearest" });
    if (!this.#root.hidden) [...this.#strip.querySelectorAll("button")].at(-1)?.focus({ preventScroll: true });
  }

  away() {
    this.#root.hidden = true;
  }

  close() {
    this.#closer.close();
  }

  /**
   * This moment, whatever it shows.
   * @param {MomentKind} kind
   */
  mark(kind) {
    const { frame } = this.#world.stats();
    const picture = this.#picture(frame);
    if (picture) this.#append(el("div", { class: `moment ${kind}` }, picture, ...said(WORDS.world.film_kinds[kind], frame)));
  }

  /**
   * @param {number} ref
   * @param {number} index
   */
  #take(ref, index) {
    this.#due.delete(ref);
    this.#taken.add(ref);
    const prompt = this.#world.prompts.value.find((one) => one.ref === ref);
    const picture = this.#picture(index);
    if (!prompt || !picture) return;
    this.#append(el("button", {
      type: "button", class: "moment", title: WORDS.world.film_again(prompt.text),
      onclick: () => this.#again.emit(prompt.text),
    }, picture, ...said(prompt.text, prompt.frame ?? index)));
  }

  /**
   * What is on the screen now, small; null while there is nothing.
   * @param {number} index the frame that it is
   */
  #picture(index) {
    const { videoWidth, videoHeight } = this.#video;
    if (!videoWidth) return null;
    this.#last = index;
    const canvas = el("canvas", { width: WIDTH, height: Math.round((WIDTH * videoHeight) / videoWidth), "aria-hidden": "true" });
    canvas.getContext("2d")?.drawImage(this.#video, 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  /** @param {HTMLElement} moment */
  #append(moment) {
    this.#empty.hidden = true;
    this.#strip.append(el("li", {}, moment));
    if (this.#strip.children.length > KEPT) this.#strip.firstElementChild?.remove();
  }
}

/**
 * @param {string} text
 * @param {number} frame
 */
function said(text, frame) {
  return [el("q", {}, text), el("small", {}, WORDS.world.film_frame(figure(frame)))];
}
