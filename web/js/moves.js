// The moves of a camera that hands can make: which buttons a move holds, and how fast it looks meanwhile.
// Knows the vocabulary's names; knows no world, no clock and no element.

/** @typedef {import("./cameras.js").Camera} Camera */
/**
 * @typedef {{ buttons: readonly string[], look: readonly [number, number], instead: Readonly<Partial<Record<Camera, Camera>>> }} Move
 *   `look`: right and up, in radians a second; `instead`: of a camera that cannot make it, which one takes its place
 */

const ALOFT = Object.freeze({ first: "drone", orbit: "drone" });
const AROUND = Object.freeze({ first: "orbit", drone: "orbit" });
const STRAIGHT = Object.freeze({ orbit: "drone" });

/** By what the vocabulary calls the move, and the way it goes. */
export const MOVES = Object.freeze({
  pan_left: move([], [-0.24, 0]), pan_right: move([], [0.24, 0]),
  tilt_up: move([], [0, 0.12]), tilt_down: move([], [0, -0.12]),
  truck_left: move(["KeyA"], [0, 0], STRAIGHT), truck_right: move(["KeyD"], [0, 0], STRAIGHT),
  dolly_in: move(["KeyW"]), dolly_out: move(["KeyS"]),
  pedestal_up: move(["Space"], [0, 0], ALOFT), pedestal_down: move(["ShiftLeft"], [0, 0], ALOFT),
  orbit_left: move(["KeyA"], [0, 0], AROUND), orbit_right: move(["KeyD"], [0, 0], AROUND),
});

/** @typedef {keyof typeof MOVES} MoveName */

/**
 * @param {readonly string[]} buttons
 * @param {readonly [number, number]} [look]
 * @param {Move["instead"]} [instead]
 * @returns {Move}
 */
function move(buttons, look = [0, 0], instead = {}) {
  return Object.freeze({ buttons, look, instead });
}
