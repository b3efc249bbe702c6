// The last picture before a loss, kept over the <video> until a new one is shown.
// Knows the element and the canvas; nothing of why pictures stop.

import { Closer } from "../outputs.js";
import { el } from "./element.js";

export class Still {
  #closer = new Closer();
  #canvas = el("canvas", { class: "still", hidden: true, "aria-hidden": "true" });
  #video;
  #handle = 0;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
    video.after(this.#canvas);
    this.#closer.add(() => this.#canvas.remove(), () => video.cancelVideoFrameCallback(this.#handle));
  }

  /** Takes what is on the screen now; what was kept and has not given way yet stays. */
  keep() {
    this.#video.cancelVideoFrameCallback(this.#handle);
    const { videoWidth, videoHeight } = this.#video;
    if (!videoWidth || !this.#canvas.hidden) return;
    [this.#canvas.width, this.#canvas.height] = [videoWidth, videoHeight];
    this.#canvas.getContext("2d")?.drawImage(this.#video, 0, 0);
    this.#canvas.hidden = false;
  }

  /** Gives way to the next picture. */
  yield() {
    if (this.#canvas.hidden) return;
    this.#handle = this.#video.requestVideoFrameCallback(() => (this.#canvas.hidden = true));
  }

  close() {
    this.#closer.close();
  }
}
