// What the person's hands do now: held buttons and the running totals of looking, as numbered snapshots.
// Knows no device and no network; time (milliseconds) is an argument.

import { bit } from "./buttons.js";

export const ACTIVE_MS = 16;
export const IDLE_MS = 100;
/** A look this recent still counts as activity. */
const STILL_MS = 250;

/**
 * A full snapshot: a lost one loses nothing. Looks are radians, right and up positive.
 * `t` is when it was made; `changed_at` is when the hand pressed or let go for it, `looked_at` when it looked; null: it
 * only repeats.
 * @typedef {{ seq: number, buttons: number, look_x: number, look_y: number, t: number, changed_at: number | null,
 *   looked_at: number | null }} Snapshot
 */

export class Steering {
  #buttons = 0;
  #look_x = 0;
  #look_y = 0;
  #seq = 0;
  #sent_at = -Infinity;
  /** When a snapshot left that told of a look, and did not only repeat. */
  #look_sent_at = -Infinity;
  #last_look_at = -Infinity;
  /** @type {number | null} */
  #changed_at = null;
  /** @type {number | null} */
  #looked_at = null;
  #urgent = false;

  get buttons() {
    return this.#buttons;
  }

  /**
   * @param {string} code
   * @param {number} at
   * @returns {boolean} whether this is a button at all
   */
  press(code, at) {
    const one = bit(code);
    this.#set(this.#buttons | one, at);
    return one !== 0;
  }

  /**
   * @param {string} code
   * @param {number} at
   */
  release(code, at) {
    this.#set(this.#buttons & ~bit(code), at);
  }

  /** @param {number} at */
  releaseAll(at) {
    this.#set(0, at);
  }

  /**
   * Replaces the whole bitmap.
   * @param {number} buttons
   * @param {number} at
   */
  hold(buttons, at) {
    this.#set(buttons, at);
  }

  /**
   * Turns the view by so many radians, right and up positive.
   * @param {number} right
   * @param {number} up
   * @param {number} at
   */
  look(right, up, at) {
    if (!Number.isFinite(right) || !Number.isFinite(up)) {
      throw new RangeError(`a look is two finite numbers of radians, this is ${right}, ${up}`);
    }
    if (right === 0 && up === 0) return;
    this.#look_x += right;
    this.#look_y += up;
    this.#last_look_at = at;
    this.#looked_at ??= at;
  }

  /**
   * The snapshot to send now, or null if none is due: at once after a button changed or a look, but looks no sooner
   * than ACTIVE_MS one after the other; every ACTIVE_MS while something is held or moves, every IDLE_MS otherwise.
   * @param {number} now
   * @returns {Snapshot | null}
   */
  due(now) {
    const active = this.#buttons !== 0 || now - this.#last_look_at < STILL_MS;
    const looks = this.#looked_at !== null && now - this.#look_sent_at >= ACTIVE_MS - 1;
    if (!this.#urgent && !looks && now - this.#sent_at < (active ? ACTIVE_MS : IDLE_MS) - 1) return null;
    const snapshot = {
      seq: ++this.#seq, buttons: this.#buttons, look_x: this.#look_x, look_y: this.#look_y,
      t: now, changed_at: this.#changed_at, looked_at: this.#looked_at,
    };
    this.#sent_at = now;
    if (this.#looked_at !== null) this.#look_sent_at = now;
    this.#changed_at = this.#looked_at = null;
    this.#urgent = false;
    return snapshot;
  }

  /**
   * @param {number} buttons
   * @param {number} at
   */
  #set(buttons, at) {
    if (buttons === this.#buttons) return;
    this.#buttons = buttons;
    this.#changed_at ??= at;
    this.#urgent = true;
  }
}
