// The cameras through which a world can be seen, by the vocabulary's names: on somebody's feet, in the air, around a point.
// Knows how a world's state names them; knows no network and no element.

import { output } from "./outputs.js";

/** Those that a world has, in the order in which they follow each other. */
export const CAMERAS = Object.freeze(/** @type {const} */ (["first", "drone", "orbit"]));

/** @typedef {typeof CAMERAS[number]} Camera */

/** As a state counts them: the vocabulary's, in its order. */
const COUNTED = ["first", "third", "orbit", "drone", "side"];

/**
 * The camera of a world's state; the first where it names none.
 * @param {Record<string, number>} values
 * @returns {Camera}
 */
export function cameraOf({ camera = 0 }) {
  return CAMERAS.find((name) => name === COUNTED[camera]) ?? CAMERAS[0];
}

/**
 * @param {Camera} camera
 * @returns {Camera}
 */
export function after(camera) {
  return CAMERAS[(CAMERAS.indexOf(camera) + 1) % CAMERAS.length];
}

/** The camera of a world, as it tells it, and the wish for another one. */
export class Filming {
  #camera = output(/** @type {Camera} */ ("first"));
  camera = this.#camera.seen;
  /** What was asked for last, or told since: a second press follows the first. @type {Camera} */
  #wanted = "first";
  #ask;
  #letGo;

  /**
   * @param {(camera: string) => void} ask
   * @param {() => void} letGo releases what runs: aloft it would sink
   */
  constructor(ask, letGo) {
    this.#ask = ask;
    this.#letGo = letGo;
  }

  /** @param {string} camera another than those that a world has is refused by its name */
  film(camera) {
    this.#ask(camera);
  }

  next() {
    this.#letGo();
    this.#wanted = after(this.#wanted);
    this.#ask(this.#wanted);
  }

  /** @param {Record<string, number>} values of the world's state */
  see(values) {
    const camera = cameraOf(values);
    if (camera !== this.#camera.seen.value) this.#wanted = camera;
    this.#camera.write(camera);
  }
}
