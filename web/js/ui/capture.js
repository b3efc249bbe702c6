// A picture of the world, and a recording of it, made in the browser and saved as files.
// Knows the <video>; nothing leaves the device.

import { Closer } from "../outputs.js";
import { WORDS } from "../strings.js";
import { el } from "./element.js";

/** What a recording may be, best for other programs first. */
const KINDS = ["video/mp4;codecs=avc1.42E01F", "video/mp4", "video/webm;codecs=h264", "video/webm;codecs=vp9", "video/webm"];
const BITS_A_SECOND = 6_000_000;
const FLASH_MS = 180;

/**
 * @typedef {{ video: HTMLVideoElement, notices: import("./notices.js").Notices, world: import("../world.js").World }}
 *   CaptureInputs
 */

export class PictureTaker {
  #closer = new Closer();
  #root;
  #inputs;

  /**
   * @param {HTMLElement} root
   * @param {CaptureInputs & { taken: () => void }} inputs `taken`: told at each picture
   */
  constructor(root, inputs) {
    this.#root = root;
    this.#inputs = inputs;
  }

  toggle() {
    const { video, notices, world, taken } = this.#inputs;
    const { videoWidth: width, videoHeight: height } = video;
    if (!width) return;
    const canvas = el("canvas", { width, height });
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    const flash = el("div", { class: "flash", "aria-hidden": "true" });
    this.#root.append(flash);
    taken();
    const timer = setTimeout(() => flash.remove(), FLASH_MS);
    this.#closer.add(() => clearTimeout(timer));
    canvas.toBlob((blob) => {
      if (!blob) return;
      save(blob, `mundo-${world.stats().frame}.png`);
      notices.say(WORDS.world.picture_done);
    }, "image/png");
  }

  close() {
    this.#closer.close();
  }
}

export class Recorder {
  #closer = new Closer();
  #mark = el("p", { class: "recording", role: "timer", hidden: true });
  #inputs;
  /** @type {MediaRecorder | null} */
  #running = null;
  #began = 0;

  /**
   * @param {HTMLElement} root
   * @param {CaptureInputs} inputs
   */
  constructor(root, inputs) {
    this.#inputs = inputs;
    root.append(this.#mark);
    this.#closer.add(() => this.#mark.remove(), () => this.#running?.stop());
    this.#closer.every(500, () => this.#tell());
    this.#closer.add(inputs.world.phase.on((phase) => phase !== "live" && this.#running?.stop()));
  }

  get running() {
    return this.#running !== null;
  }

  toggle() {
    if (this.#running) this.#running.stop();
    else this.#begin();
  }

  close() {
    this.#closer.close();
  }

  #begin() {
    const { video, notices } = this.#inputs;
    const media = /** @type {MediaStream | null} */ (video.srcObject);
    const kind = typeof MediaRecorder === "function" ? KINDS.find((one) => MediaRecorder.isTypeSupported(one)) : undefined;
    if (!media || !kind) return notices.say(WORDS.world.record_none);
    /** @type {Blob[]} */
    const parts = [];
    const running = (this.#running = new MediaRecorder(media, { mimeType: kind, videoBitsPerSecond: BITS_A_SECOND }));
    this.#began = performance.now();
    running.ondataavailable = ({ data }) => void (data.size && parts.push(data));
    running.onstop = () => {
      this.#running = null;
      this.#tell();
      if (!parts.length) return;
      save(new Blob(parts, { type: kind.split(";")[0] }), `mundo.${kind.includes("mp4") ? "mp4" : "webm"}`);
      notices.say(WORDS.world.record_done);
    };
    running.start(1000);
    this.#tell();
  }

  #tell() {
    this.#mark.hidden = this.#running === null;
    const seconds = Math.floor((performance.now() - this.#began) / 1000);
    this.#mark.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function save(blob, name) {
  const href = URL.createObjectURL(blob);
  el("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
