// The film strip: what was said, each with the first picture that obeyed it; a click says it again.
// Knows the world's prompts and frames, and the <video>; says nothing itself.

import { Closer, stream } from "../outputs.js";
import { figure, WORDS } from "../strings.js";
import { el } from "./element.js";

const WIDTH = 192;
const KEPT = 40;
/** A change needs some frames to be seen: the picture is taken so many after the first that obeyed. */
const LATER_FRAMES = 18;

export class Film {
  /** @type {ReturnType<typeof stream<string>>} */
  #again = stream();
  again = this.#again.seen;
  #closer = new Closer();
  #root = el("section", { class: "film", hidden: true, "aria-label": WORDS.world.film_label });
  #strip = el("ol", { class: "strip" });
  #empty = el("p", {}, WORDS.world.film_empty);
  #video;
  /** @type {Map<number, number>} frames at which prompts are pictured, by ref */
  #due = new Map();
  /** @type {Set<number>} */
  #taken = new Set();

  /**
   * @param {HTMLElement} parent
   * @param {{ world: import("../world.js").World, video: HTMLVideoElement }} inputs
   */
  constructor(parent, { world, video }) {
    this.#video = video;
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
        for (const [ref, at] of this.#due) if (index >= at) this.#take(ref, index, world.prompts.value);
      }),
    );
    this.#closer.listen(this.#root, "keydown", (event) => event.key === "Escape" && this.away());
  }

  toggle() {
    this.#root.hidden = !this.#root.hidden;
    this.#strip.lastElementChild?.scrollIntoView({ inline: "end", block: "nearest" });
    if (!this.#root.hidden) this.#strip.querySelector("button")?.focus({ preventScroll: true });
  }

  away() {
    this.#root.hidden = true;
  }

  close() {
    this.#closer.close();
  }

  /**
   * @param {number} ref
   * @param {number} index
   * @param {readonly import("../prompts.js").Prompt[]} prompts
   */
  #take(ref, index, prompts) {
    this.#due.delete(ref);
    this.#taken.add(ref);
    const prompt = prompts.find((one) => one.ref === ref);
    const { videoWidth, videoHeight } = this.#video;
    if (!prompt || !videoWidth) return;
    const canvas = el("canvas", { width: WIDTH, height: Math.round((WIDTH * videoHeight) / videoWidth), "aria-hidden": "true" });
    canvas.getContext("2d")?.drawImage(this.#video, 0, 0, canvas.width, canvas.height);
    this.#empty.hidden = true;
    this.#strip.append(el("li", {}, el("button", {
      type: "button", class: "moment", title: WORDS.world.film_again(prompt.text),
      onclick: () => this.#again.emit(prompt.text),
    }, canvas, el("q", {}, prompt.text), el("small", {}, WORDS.world.film_frame(figure(prompt.frame ?? index))))));
    if (this.#strip.children.length > KEPT) this.#strip.firstElementChild?.remove();
  }
}
