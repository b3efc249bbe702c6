// The microphone as the socket carries it: a byte that says "sound", then s16le samples, a 24th of a second at a time.
// Runs on the audio thread; knows nothing but samples.

const SOUND = 2;
const SAMPLES = 1000;

// An audio worklet has its own globals, which the types of a page do not know.
const scope = /** @type {any} */ (globalThis);

class Pcm extends scope.AudioWorkletProcessor {
  #view = new DataView(new ArrayBuffer(1 + 2 * SAMPLES));
  #filled = 0;

  /** @param {Float32Array[][]} inputs */
  process([[samples]]) {
    for (const sample of samples ?? []) {
      this.#view.setInt16(1 + 2 * this.#filled, 32767 * Math.max(-1, Math.min(1, sample)), true);
      this.#filled += 1;
      if (this.#filled < SAMPLES) continue;
      this.#view.setUint8(0, SOUND);
      /** @type {any} */ (this).port.postMessage(this.#view.buffer, [this.#view.buffer]);
      this.#view = new DataView(new ArrayBuffer(1 + 2 * SAMPLES));
      this.#filled = 0;
    }
    return true;
  }
}

scope.registerProcessor("pcm", Pcm);
