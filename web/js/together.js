// Who is in a world and what each may do, what is suggested, and where the gateway is with it.
// Fed by the messages of the events channel; knows no channel and no element.

import { output, stream } from "./outputs.js";

/** @typedef {"driver" | "suggester" | "viewer"} Role */
/**
 * Where the gateway is with the world; `position` and `wait_s` only while queued.
 * @typedef {{ state: string, position: number | null, wait_s: number | null }} Standing
 */
/**
 * Who is here, where the gateway tells: which of them we are, and who was handed the controls.
 * @typedef {{ list: readonly import("./wire.js").Somebody[], holder: string | null, me: string | null }} Company
 */
/** @typedef {{ list: readonly import("./wire.js").Suggestion[], voting_s: number }} Suggestions */

/**
 * A role as the gateway names it; what this page does not know may only watch.
 * @param {string} role
 * @returns {Role}
 */
export function roleOf(role) {
  return role === "driver" || role === "suggester" ? role : "viewer";
}

export class Together {
  #role;
  #owner;
  #viewers = output(0);
  #standing = output(/** @type {Standing} */ ({ state: "starting", position: null, wait_s: null }));
  #company = output(/** @type {Company} */ ({ list: [], holder: null, me: null }));
  #suggestions = output(/** @type {Suggestions} */ ({ list: [], voting_s: 0 }));
  #saved = output(/** @type {import("./wire.js").Saved | null} */ (null));
  /** @type {ReturnType<typeof stream<import("./wire.js").Notice>>} */
  #notices = stream();
  role;
  /** Whether this world is ours. */
  owner;
  viewers = this.#viewers.seen;
  standing = this.#standing.seen;
  company = this.#company.seen;
  suggestions = this.#suggestions.seen;
  /** When the world was last kept by the gateway. */
  saved = this.#saved.seen;
  /** What the gateway has to say to everybody. */
  notices = this.#notices.seen;

  /**
   * @param {Role} role
   * @param {boolean} owner
   */
  constructor(role, owner) {
    this.#role = output(role);
    this.#owner = output(owner);
    this.role = this.#role.seen;
    this.owner = this.#owner.seen;
  }

  /**
   * @param {import("./wire.js").Message} message
   * @param {import("./prompts.js").PromptLog} prompts what was suggested by us lives there
   */
  hear(message, prompts) {
    if (message.type === "role") {
      this.#company.write({ ...this.company.value, me: message.peer ?? null });
      if (message.owner !== undefined) this.#owner.write(message.owner);
      this.#role.write(roleOf(message.role));
    } else if (message.type === "session") {
      const { state, queue_position: position = null, wait_s = null } = message;
      this.#standing.write({ state, position, wait_s });
    } else if (message.type === "people") {
      this.#company.write({ ...this.company.value, list: message.list, holder: message.holder ?? null });
    } else if (message.type === "suggestions") {
      this.#suggestions.write({ list: message.list, voting_s: message.voting_s ?? 0 });
    } else if (message.type === "viewers") this.#viewers.write(message.count);
    else if (message.type === "suggested") prompts.suggested(message.ref, message.suggestion);
    else if (message.type === "accepted") prompts.decided(message.suggestion, message.text_id);
    else if (message.type === "dismissed") prompts.decided(message.suggestion);
    else if (message.type === "saved") this.#saved.write(message);
    else if (message.type === "notice") this.#notices.emit(message);
  }
}
