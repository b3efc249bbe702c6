// The life of being in a world, as a state machine: what may follow what.
// Knows nothing of how a connection is made.

/** @typedef {"idle" | "connecting" | "live" | "reconnecting" | "held" | "ended"} Phase */

/** @type {Record<Phase, readonly Phase[]>} */
const MAY_FOLLOW = {
  idle: ["connecting", "ended"],
  connecting: ["live", "reconnecting", "ended"],
  live: ["reconnecting", "held", "ended"],
  reconnecting: ["live", "held", "ended"],
  held: ["reconnecting", "ended"],
  ended: [],
};

/**
 * The next phase, checked. Throws Error naming what was expected and what came.
 * @param {Phase} from
 * @param {Phase} to
 * @returns {Phase}
 */
export function follow(from, to) {
  if (from === to || MAY_FOLLOW[from].includes(to)) return to;
  throw new Error(`after ${from} comes ${MAY_FOLLOW[from].join(" or ") || "nothing"}, not ${to}`);
}
