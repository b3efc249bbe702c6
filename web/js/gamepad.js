// A gamepad as hands: the left stick walks, the right one looks, buttons jump, run and change the camera.
// `handsOf` is pure; Gamepads looks at the browser's pads while one is connected, and not otherwise.

import { Closer } from "./outputs.js";

const DEAD = 0.22;
/** A stick pushed this far runs. */
const FAR = 0.92;
const RADIANS_A_SECOND = 2.6;
/** The button above, on a standard pad. */
const CAMERA = 3;

/** @typedef {{ axes: readonly number[], buttons: readonly { pressed: boolean }[] }} Pad */

/**
 * What a standard pad holds and how fast it looks (right, up; radians a second).
 * @param {Pad} pad
 * @param {boolean} runs whether a stick that is pushed far runs: who flies would sink
 * @returns {{ held: string[], look: [number, number] }}
 */
export function handsOf({ axes, buttons }, runs) {
  const [x = 0, y = 0, turn = 0, tilt = 0] = axes;
  const on = (/** @type {number} */ index) => buttons[index]?.pressed === true;
  const held = [];
  if (y < -DEAD || on(12)) held.push("KeyW");
  if (y > DEAD || on(13)) held.push("KeyS");
  if (x < -DEAD || on(14)) held.push("KeyA");
  if (x > DEAD || on(15)) held.push("KeyD");
  if (on(0)) held.push("Space");
  if (on(1) || on(10) || (runs && Math.hypot(x, y) > FAR)) held.push("ShiftLeft");
  return { held, look: [curve(turn), -curve(tilt)] };
}

/** @param {number} value from -1 to 1 */
function curve(value) {
  const beyond = Math.max(0, Math.abs(value) - DEAD) / (1 - DEAD);
  return Math.sign(value) * beyond ** 2 * RADIANS_A_SECOND;
}

export class Gamepads {
  #closer = new Closer();
  #hands;
  #looking;
  #frame = 0;
  #before = 0;
  /** @type {string[]} what the pad holds: other hands' keys are not its to release */
  #held = [];
  #filming = false;
  #next;

  /**
   * @param {import("./world.js").World["hands"]} hands
   * @param {() => import("./ui/pointer.js").Looking} looking how the person wants to look
   * @param {() => void} next takes the next camera
   */
  constructor(hands, looking, next) {
    this.#hands = hands;
    this.#looking = looking;
    this.#next = next;
    this.#closer.listen(window, "gamepadconnected", () => this.#begin());
    this.#closer.add(() => cancelAnimationFrame(this.#frame), () => this.#hold([], performance.now()));
    this.#begin();
  }

  close() {
    this.#closer.close();
  }

  #begin() {
    cancelAnimationFrame(this.#frame);
    this.#before = performance.now();
    this.#look(this.#before);
  }

  /** @param {number} now */
  #look(now) {
    const pad = (navigator.getGamepads?.() ?? []).find((one) => one?.connected && one.mapping === "standard");
    if (!pad) {
      this.#hold([], now);
      return;
    }
    const { speed, invert, runs } = this.#looking();
    const { held, look } = handsOf(pad, runs);
    const filming = pad.buttons[CAMERA]?.pressed === true;
    if (filming && !this.#filming) this.#next();
    this.#filming = filming;
    const seconds = Math.min(0.1, Math.max(0, now - this.#before) / 1000) * speed;
    this.#before = now;
    this.#hold(held, now);
    if (look[0] || look[1]) this.#hands.look(look[0] * seconds, look[1] * seconds * (invert ? -1 : 1), now);
    this.#frame = requestAnimationFrame((next) => this.#look(next));
  }

  /**
   * @param {string[]} held
   * @param {number} now
   */
  #hold(held, now) {
    for (const code of this.#held.filter((one) => !held.includes(one))) this.#hands.release(code, now);
    for (const code of held.filter((one) => !this.#held.includes(one))) this.#hands.press(code, now);
    this.#held = held;
  }
}
