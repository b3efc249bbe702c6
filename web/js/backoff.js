// How long to wait before trying again. Pure: the attempt's number and the dice are arguments.
// Knows nothing of what is tried.

const FIRST_MS = 250;
const MOST_MS = 4000;

/**
 * Doubling waits with a spread of +-20 %, so that many viewers do not return in the same instant.
 * @param {number} attempt counts from 0
 * @param {number} dice between 0 and 1
 * @returns {number} milliseconds
 */
export function wait(attempt, dice) {
  return Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 16)) * (0.8 + 0.4 * dice);
}
