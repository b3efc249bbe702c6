// The moves of a camera that hands can make: which buttons a move holds, and how fast it looks meanwhile.
// Knows the vocabulary's names; knows no world, no clock and no element.

/**
 * @typedef {{ buttons: readonly string[], look: readonly [number, number] }} Move
 *   `look`: right and up, in radians a second
 */

/** By what the vocabulary calls the move, and the way it goes. */
export const MOVES = Object.freeze({
  pan_left: move([], [-0.24, 0]), pan_right: move([], [0.24, 0]),
  tilt_up: move([], [0, 0.12]), tilt_down: move([], [0, -0.12]),
  truck_left: move(["KeyA"]), truck_right: move(["KeyD"]),
  dolly_in: move(["KeyW"]), dolly_out: move(["KeyS"]),
});

/** @typedef {keyof typeof MOVES} MoveName */

/**
 * @param {readonly string[]} buttons
 * @param {readonly [number, number]} [look]
 * @returns {Move}
 */
function move(buttons, look = [0, 0]) {
  return Object.freeze({ buttons, look });
}
