// The browser's own speech recognition, where there is one and the person asked for it: sound to text.
// Knows nothing of worlds; the world's own hearing does not depend on it.

import { output, stream } from "./outputs.js";

/** @typedef {{ isFinal: boolean, 0: { transcript: string } }} Result */
/** @typedef {{ resultIndex: number, results: ArrayLike<Result> }} Recognized */

/** The browser's recognizer, or undefined. */
function recognizer() {
  const browser = /** @type {any} */ (window);
  return browser.SpeechRecognition ?? browser.webkitSpeechRecognition;
}

export function transcribes() {
  return recognizer() !== undefined;
}

export class Transcript {
  #interim = output("");
  /** @type {ReturnType<typeof stream<string>>} */
  #understood = stream();
  /** What is being understood at this moment. */
  interim = this.#interim.seen;
  /** A finished sentence. */
  understood = this.#understood.seen;
  /** @type {any} */
  #running = null;

  /** @param {string} language a BCP 47 tag */
  begin(language) {
    const Recognizer = recognizer();
    if (!Recognizer || this.#running) return;
    const running = (this.#running = new Recognizer());
    running.lang = language;
    running.interimResults = running.continuous = true;
    running.onresult = (/** @type {Recognized} */ event) => this.#hear(event);
    running.onerror = running.onend = () => {
      if (this.#running === running) this.#running = null;
      this.#interim.write("");
    };
    running.start();
  }

  /** What was begun is still understood to its end. */
  end() {
    this.#running?.stop();
  }

  close() {
    const running = this.#running;
    this.#running = null;
    if (!running) return;
    running.onresult = running.onerror = running.onend = null;
    running.abort();
  }

  /** @param {Recognized} event */
  #hear({ resultIndex, results }) {
    let interim = "";
    for (let index = resultIndex; index < results.length; index += 1) {
      const text = results[index][0].transcript.trim();
      if (results[index].isFinal && text) this.#understood.emit(text);
      else interim += `${text} `;
    }
    this.#interim.write(interim.trim());
  }
}
