// The person's microphone: asked for at the first word, a track while talking, its loudness always.
// Knows nothing of who listens; the sound leaves this device only while `track` is not null.

import { Closer, output } from "./outputs.js";

const METER_MS = 50;
/** Loudness is shown from this many decibels below full scale. */
const FLOOR_DB = -60;

/** @typedef {"silent" | "asking" | "talking"} Talking */

export class Microphone {
  #state = output(/** @type {Talking} */ ("silent"));
  #track = output(/** @type {MediaStreamTrack | null} */ (null));
  #level = output(0);
  #trouble = output(/** @type {DOMException | Error | null} */ (null));
  state = this.#state.seen;
  track = this.#track.seen;
  /** Loudness from 0 (FLOOR_DB) to 1 (full scale). */
  level = this.#level.seen;
  /** Why there is no sound: the browser's own error. */
  trouble = this.#trouble.seen;

  #wanted = false;
  #closer = new Closer();
  /** @type {MediaStreamTrack | null} */
  #device = null;

  /** Begins to talk; asks for permission the first time. */
  async talk() {
    this.#wanted = true;
    if (this.state.value !== "silent") return;
    this.#state.write("asking");
    try {
      this.#device ??= await this.#open();
      this.#trouble.write(null);
    } catch (error) {
      this.#trouble.write(/** @type {Error} */ (error));
      this.#wanted = false;
    }
    if (!this.#wanted || !this.#device) {
      this.#state.write("silent");
      return;
    }
    this.#device.enabled = true;
    this.#track.write(this.#device);
    this.#state.write("talking");
  }

  /** Stops talking; the device stays open for the next word until the part closes. */
  hush() {
    this.#wanted = false;
    if (this.state.value !== "talking") return;
    if (this.#device) this.#device.enabled = false;
    this.#track.write(null);
    this.#level.write(0);
    this.#state.write("silent");
  }

  close() {
    this.hush();
    this.#closer.close();
  }

  /**
   * The raw sound: a filter made for speech would take wind, claps and songs away from the world. Only what the world
   * itself sounds like is taken out of it, or it would obey its own voice.
   */
  async #open() {
    const media = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: false, autoGainControl: false },
    });
    const [device] = media.getAudioTracks();
    const closer = new Closer();
    this.#closer.add(() => closer.close());
    const context = new AudioContext();
    const meter = new AnalyserNode(context, { fftSize: 1024 });
    context.createMediaStreamSource(media).connect(meter);
    const samples = new Float32Array(meter.fftSize);
    closer.every(METER_MS, () => {
      if (this.state.value !== "talking") return;
      meter.getFloatTimeDomainData(samples);
      this.#level.write(loudness(samples));
    });
    closer.listen(device, "ended", () => {
      this.hush();
      this.#device = null;
      closer.close();
    });
    closer.add(() => device.stop(), () => void context.close());
    return device;
  }
}

/**
 * Root mean square on a scale of decibels: 0 at FLOOR_DB or less, 1 at full scale.
 * @param {Float32Array} samples
 */
export function loudness(samples) {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const db = 10 * Math.log10(power + 1e-12);
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}
