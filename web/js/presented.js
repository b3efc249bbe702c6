// Every frame that the browser puts on the screen, with its times, for as long as this part lives.
// Knows the <video> element; knows nothing of worlds.

import { Closer, stream } from "./outputs.js";

/** @typedef {import("./latency.js").Presented & { width: number, height: number }} PresentedFrame */

export class PresentedFrames {
  /** @type {ReturnType<typeof stream<PresentedFrame>>} */
  #frames = stream();
  frames = this.#frames.seen;
  #closer = new Closer();
  #handle = 0;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    /** @type {VideoFrameRequestCallback} */
    const shown = (_now, frame) => {
      this.#handle = video.requestVideoFrameCallback(shown);
      this.#frames.emit({
        rtp: frame.rtpTimestamp ?? 0, shown_at: frame.expectedDisplayTime, received_at: frame.receiveTime,
        width: frame.width, height: frame.height,
      });
    };
    this.#handle = video.requestVideoFrameCallback(shown);
    this.#closer.add(() => video.cancelVideoFrameCallback(this.#handle));
  }

  close() {
    this.#closer.close();
  }
}
