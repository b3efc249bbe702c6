// The life of each prompt: waiting, sent, accepted, heard at frame n and then seen; or suggested first, or refused
// with a reason, or passed over. A plain log fed by what was sent and what came back; knows no channel and no element.

import { output } from "./outputs.js";

const KEPT = 50;

/** @typedef {"waiting" | "sent" | "suggested" | "accepted" | "heard" | "refused" | "passed" | "dismissed"} Stage */
/**
 * `seen_ms`: from saying it to the first picture that obeyed it, once that was shown.
 * @typedef {{ ref: number, text: string, stage: Stage, said_at: number, text_id?: number, frame?: number,
 *   seen_ms?: number, suggestion?: number | string, reason?: string, slug?: string }} Prompt
 */

export class PromptLog {
  #ref = 0;
  #list = output(/** @type {readonly Prompt[]} */ ([]));
  list = this.#list.seen;

  /**
   * A new prompt, not yet sent.
   * @param {string} text
   * @param {number} [at] now, in milliseconds
   * @returns {number} its ref
   */
  add(text, at = 0) {
    const ref = ++this.#ref;
    const prompt = { ref, text, stage: /** @type {Stage} */ ("waiting"), said_at: at };
    this.#list.write([...this.list.value, prompt].slice(-KEPT));
    return ref;
  }

  /** Prompts that no connection has carried yet, oldest first. */
  waiting() {
    return this.list.value.filter((prompt) => prompt.stage === "waiting");
  }

  /** @param {number} ref */
  sent(ref) {
    this.#change(ref, ["waiting"], { stage: "sent" });
  }

  /**
   * @param {number} ref
   * @param {number} text_id
   */
  accepted(ref, text_id) {
    this.#change(ref, ["waiting", "sent"], { stage: "accepted", text_id });
  }

  /**
   * Ours waits among the suggestions for whoever drives.
   * @param {number} ref
   * @param {number | string} suggestion
   */
  suggested(ref, suggestion) {
    this.#change(ref, ["waiting", "sent"], { stage: "suggested", suggestion });
  }

  /**
   * What became of a suggestion; `text_id` where it was taken up.
   * @param {number | string} suggestion
   * @param {number} [text_id]
   */
  decided(suggestion, text_id) {
    const ours = this.list.value.find((prompt) => prompt.suggestion === suggestion);
    if (!ours) return;
    const change = text_id === undefined ? { stage: /** @type {Stage} */ ("dismissed") }
      : { stage: /** @type {Stage} */ ("accepted"), text_id };
    this.#change(ours.ref, ["suggested"], change);
  }

  /**
   * @param {number} ref
   * @param {string} reason
   * @param {string} [slug] the gateway's name of the problem
   */
  refused(ref, reason, slug) {
    this.#change(ref, ["waiting", "sent", "accepted"], { stage: "refused", reason, slug });
  }

  /**
   * A frame obeyed text `text_id`: that prompt is heard, and older ones that never were are passed over.
   * @param {{ frame: number, text_id: number }} receipt
   */
  obeyed({ frame, text_id }) {
    for (const prompt of this.list.value) {
      if (prompt.stage !== "accepted" || prompt.text_id === undefined || prompt.text_id > text_id) continue;
      const stage = prompt.text_id === text_id ? "heard" : "passed";
      this.#change(prompt.ref, ["accepted"], { stage, frame });
    }
  }

  /**
   * Frame `index` is on the screen.
   * @param {number} index
   * @param {number} at
   */
  shown(index, at) {
    for (const { ref, stage, frame, seen_ms, said_at } of this.list.value) {
      if (stage !== "heard" || seen_ms !== undefined || frame === undefined || frame > index) continue;
      this.#change(ref, ["heard"], { seen_ms: Math.max(0, at - said_at) });
    }
  }

  /** The connection is gone: what was sent and never answered is to be sent again. */
  lost() {
    for (const prompt of this.list.value) this.#change(prompt.ref, ["sent"], { stage: "waiting" });
  }

  /**
   * @param {number} ref
   * @param {readonly Stage[]} from
   * @param {Partial<Prompt>} change
   */
  #change(ref, from, change) {
    const list = this.list.value;
    const index = list.findIndex((prompt) => prompt.ref === ref && from.includes(prompt.stage));
    if (index >= 0) this.#list.write(list.with(index, { ...list[index], ...change }));
  }
}
