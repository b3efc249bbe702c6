// Mouse and fingers as eyes and feet: pointer lock or dragging looks, the left thumb walks.
// Knows the stage that it is given; knows nothing of what looking does.

import { Closer, output } from "../outputs.js";

const RADIANS_PER_PIXEL = 0.0022;
const TOUCH_RADIANS_PER_PIXEL = 0.005;
/** Pixels from where the thumb came down to a step. */
const STEP_PX = 18;
/** A press that moved further than this was a drag, not a click. */
const DRAG_PX = 6;
/** A jump of the pointer that no hand makes: some browsers report one when the lock begins. */
const JUMP_PX = 400;
/** A thumb pushed further than this runs. */
const FAR_PX = 76;

/** How somebody wants to look, and whether going far is running. @typedef {{ speed: number, invert: boolean, runs: boolean }} Looking */
/** @typedef {{ x: number, y: number, right: number, down: number }} Thumb where it came down, and how far it went */

export class Pointer {
  #locked = output(false);
  #thumb = output(/** @type {Thumb | null} */ (null));
  locked = this.#locked.seen;
  /** The walking thumb, while it is down. */
  thumb = this.#thumb.seen;
  #closer = new Closer();
  #stage;
  #hands;
  /** @type {Map<number, { walks: boolean, x: number, y: number }>} */
  #fingers = new Map();
  #dragged = 0;
  #looking;

  /**
   * @param {HTMLElement} stage
   * @param {import("../world.js").World["hands"]} hands
   * @param {() => Looking} looking
   */
  constructor(stage, hands, looking) {
    this.#stage = stage;
    this.#looking = looking;
    this.#hands = hands;
    this.#closer.listen(document, "pointerlockchange", () =>
      this.#locked.write(document.pointerLockElement === stage));
    this.#closer.listen(stage, "click", (event) =>
      event.pointerType === "mouse" && this.#dragged < DRAG_PX && void this.lock());
    this.#closer.listen(stage, "pointerdown", (event) => this.#down(event));
    this.#closer.listen(stage, "pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.#closer.listen(stage, type, (event) => this.#up(event));
    }
    this.#closer.add(() => this.unlock(), () => this.#thumb.write(null));
  }

  /** Asks for the pointer; where there is none to have, dragging looks. */
  async lock() {
    if (this.locked.value) return;
    try {
      await this.#stage.requestPointerLock({ unadjustedMovement: true });
    } catch (error) {
      if (/** @type {DOMException} */ (error).name !== "NotSupportedError") return;
      await Promise.resolve(this.#stage.requestPointerLock()).catch(() => undefined);
    }
  }

  unlock() {
    if (this.locked.value) document.exitPointerLock();
  }

  close() {
    this.#closer.close();
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (this.locked.value) return;
    this.#dragged = 0;
    const walks = event.pointerType === "touch" && event.clientX < innerWidth * 0.42;
    this.#fingers.set(event.pointerId, { walks, x: event.clientX, y: event.clientY });
    if (walks) this.#thumb.write({ x: event.clientX, y: event.clientY, right: 0, down: 0 });
    this.#stage.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (this.locked.value) {
      const { movementX, movementY } = event;
      if (Math.hypot(movementX, movementY) > JUMP_PX) return;
      this.#look(movementX * RADIANS_PER_PIXEL, -movementY * RADIANS_PER_PIXEL, event.timeStamp);
      return;
    }
    const finger = this.#fingers.get(event.pointerId);
    if (!finger) return;
    const right = event.clientX - finger.x;
    const down = event.clientY - finger.y;
    if (finger.walks) {
      this.#thumb.write({ x: finger.x, y: finger.y, right, down });
      this.#walk(right, down, event.timeStamp);
      return;
    }
    this.#dragged += Math.hypot(right, down);
    // A finger drags the world along, so that the view turns the other way; so does a mouse without a lock.
    this.#look(-right * TOUCH_RADIANS_PER_PIXEL, down * TOUCH_RADIANS_PER_PIXEL, event.timeStamp);
    [finger.x, finger.y] = [event.clientX, event.clientY];
  }

  /** @param {PointerEvent} event */
  #up(event) {
    const finger = this.#fingers.get(event.pointerId);
    if (!finger) return;
    this.#fingers.delete(event.pointerId);
    if (!finger.walks) return;
    this.#thumb.write(null);
    this.#walk(0, 0, event.timeStamp);
  }

  /**
   * @param {number} right
   * @param {number} up
   * @param {number} at
   */
  #look(right, up, at) {
    const { speed, invert } = this.#looking();
    this.#hands.look(right * speed, up * speed * (invert ? -1 : 1), at);
  }

  /**
   * @param {number} right
   * @param {number} down
   * @param {number} at
   */
  #walk(right, down, at) {
    const wanted = { KeyD: right > STEP_PX, KeyA: right < -STEP_PX, KeyS: down > STEP_PX, KeyW: down < -STEP_PX,
      ShiftLeft: this.#looking().runs && Math.hypot(right, down) > FAR_PX };
    for (const [code, held] of Object.entries(wanted)) {
      if (held) this.#hands.press(code, at);
      else this.#hands.release(code, at);
    }
  }
}
