// What is to be heard, in words, for who hears it badly or has the sound off.
// Knows names of sounds and the setting; what sounds is the world's.

import { Closer } from "../outputs.js";
import { language } from "../strings.js";
import { SOUNDS } from "../words/sounds.js";
import { el } from "./element.js";

export class Captions {
  #closer = new Closer();

  /**
   * @param {HTMLElement} dock
   * @param {{ world: import("../world.js").World, settings: import("../settings.js").Settings }} inputs
   */
  constructor(dock, { world, settings }) {
    const line = el("p", { class: "captions", hidden: true, "aria-label": SOUNDS[language].label });
    dock.append(line);
    const show = () => {
      line.textContent = inWords(world.sounds.value);
      line.hidden = !settings.chosen.value.captions || !line.textContent;
    };
    this.#closer.add(world.sounds.on(show), settings.chosen.on(show), () => line.remove());
  }

  close() {
    this.#closer.close();
  }
}

/**
 * Names of sounds as a person reads them; a name that this page does not know is left out.
 * @param {readonly string[]} heard
 */
export function inWords(heard) {
  /** @type {Record<string, string>} */
  const words = SOUNDS[language].names;
  return heard.filter((name) => Object.hasOwn(words, name)).map((name) => words[name]).join(" · ");
}
