// The messages of the two data channels, as the gateway speaks them: text in, typed objects out, and back.
// Knows no channel; what it cannot read is null, never an exception.

/** @typedef {import("./latency.js").Receipt & { type: "receipt" }} ReceiptMessage */
/** @typedef {{ type: "pong", t: number, server_ms: number }} Pong */
/** @typedef {{ type: "text", ref: number, text_id: number }} Accepted */
/** `slug`: which problem of the gateway it is. @typedef {{ type: "refused", reason: string, slug?: string, ref?: number }} Refused */
/** @typedef {{ type: "state", frame: number, values: Record<string, number>, audio: number[] }} WorldState */
/**
 * Means over the worker's last second.
 * @typedef {{ type: "stats", fps: number, step_ms: number, decode_ms: number, encode_ms: number,
 *   memory_mib: number }} WorkerStats
 */
/** What is to be heard from a frame on, by name. @typedef {{ type: "sounds", frame: number, heard: string[] }} Sounds */
/**
 * What somebody said aloud, as the world's own ear understood it, and why the operator does not let it be obeyed.
 * @typedef {{ type: "heard", frame: number, words: string, kind: string, confidence: number, obeyed: boolean,
 *   reason?: string }} Heard
 */
/** @typedef {{ type: "viewers", count: number }} Viewers */
/** @typedef {{ type: "role", role: string, owner?: boolean, peer?: string }} RoleMessage */
/** @typedef {{ type: "session", state: string, queue_position?: number, wait_s?: number | null }} SessionMessage */
/** @typedef {{ type: "ended", reason: string }} Ended */
/** @typedef {{ id: string, role: string, owner: boolean }} Somebody */
/** @typedef {{ type: "people", list: Somebody[], holder: string | null }} People */
/** @typedef {{ id: number | string, text: string, votes: number }} Suggestion */
/** @typedef {{ type: "suggestions", list: Suggestion[], voting_s: number }} Suggestions */
/** @typedef {{ type: "suggested", ref: number, suggestion: number | string }} Suggested */
/** @typedef {{ type: "accepted", suggestion: number | string, text_id: number }} TakenUp */
/** @typedef {{ type: "dismissed", suggestion: number | string }} Dismissed */
/** @typedef {{ type: "saved", frame: number, at: number }} Saved */
/** At which rung pictures come from now on. @typedef {{ type: "rung", rung: string, width: number, height: number, pinned: boolean }} Rung */
/** @typedef {{ type: "notice", kind: string, text: string, left_s?: number }} Notice */
/** @typedef {{ type: "media", codec: string, width: number, height: number, clock: number }} Media over a socket only */
/**
 * @typedef {ReceiptMessage | Pong | Accepted | Refused | WorldState | WorkerStats | Viewers | RoleMessage
 *   | SessionMessage | Ended | People | Suggestions | Suggested | TakenUp | Dismissed | Saved | Notice | Media
 *   | Sounds | Heard | Rung} Message
 */

/** What each message must have, and of which type. @type {Record<string, Record<string, string>>} */
const FIELDS = {
  receipt: { frame: "number", pts: "number", control_seq: "number", look_seq: "number", text_id: "number" },
  pong: { t: "number" },
  text: { ref: "number", text_id: "number" },
  refused: { reason: "string" },
  state: { frame: "number", values: "object", audio: "object" },
  stats: { fps: "number", step_ms: "number", decode_ms: "number", encode_ms: "number", memory_mib: "number" },
  sounds: { frame: "number", heard: "object" },
  heard: { frame: "number", words: "string", kind: "string", confidence: "number", obeyed: "boolean" },
  viewers: { count: "number" },
  role: { role: "string" },
  session: { state: "string" },
  ended: { reason: "string" },
  people: { list: "object" },
  suggestions: { list: "object" },
  suggested: { ref: "number" },
  accepted: { text_id: "number" },
  dismissed: {},
  saved: { frame: "number", at: "number" },
  rung: { rung: "string", width: "number", height: "number", pinned: "boolean" },
  notice: { kind: "string", text: "string" },
  media: { codec: "string", width: "number", height: "number", clock: "number" },
};

/**
 * What came on the events channel, or null if it is no message of this version.
 * @param {unknown} data
 * @returns {Message | null}
 */
export function read(data) {
  if (typeof data !== "string") return null;
  let message;
  try {
    message = JSON.parse(data);
  } catch {
    return null;
  }
  if (message === null || typeof message !== "object") return null;
  const fields = Object.hasOwn(FIELDS, message.type) ? FIELDS[message.type] : null;
  if (!fields) return null;
  const fits = Object.entries(fields).every(([name, type]) => typeof message[name] === type && message[name] !== null);
  return fits ? message : null;
}

/**
 * A snapshot as the control channel carries it.
 * @param {import("./steering.js").Snapshot} snapshot
 */
export function control({ seq, buttons, look_x, look_y, t }) {
  return JSON.stringify({ seq, buttons, look_x: round(look_x), look_y: round(look_y), t: Math.round(t) });
}

/**
 * @param {string} text
 * @param {number} ref
 */
export function text(text, ref) {
  return JSON.stringify({ type: "text", text, ref });
}

/**
 * What only some may ask: a vote on a suggestion, its acceptance or dismissal, the controls handed over or taken back.
 * @typedef {{ type: "vote" | "accept" | "dismiss", suggestion: number | string } | { type: "hand_over", to: string }
 *   | { type: "take_back" } | { type: "rung", rung: string } | { type: "voting", every_s: number }
 *   | { type: "measured", photon_ms: number[], look_ms: number[] }
 *   | { type: "late_look", on: boolean } | { type: "camera", camera: string }} Ask
 */

/** @param {Ask} wish */
export function ask(wish) {
  return JSON.stringify(wish);
}

/** @param {number} now */
export function ping(now) {
  return JSON.stringify({ type: "ping", t: now });
}

/** @param {number} radians */
function round(radians) {
  return Math.round(radians * 1e5) / 1e5;
}
