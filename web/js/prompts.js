// The life of each prompt: waiting, sent, accepted, heard at frame n; or refused with a reason, or passed over.
// A plain log fed by what was sent and what came back; knows no channel and no element.

import { output } from "./outputs.js";

const KEPT = 50;

/** @typedef {"waiting" | "sent" | "accepted" | "heard" | "refused" | "passed"} Stage */
/** @typedef {{ ref: number, text: string, stage: Stage, text_id?: number, frame?: number, reason?: string }} Prompt */

export class PromptLog {
  #ref = 0;
  #list = output(/** @type {readonly Prompt[]} */ ([]));
  list = this.#list.seen;

  /**
   * A new prompt, not yet sent.
   * @param {string} text
   * @returns {number} its ref
   */
  add(text) {
    const ref = ++this.#ref;
    this.#list.write([...this.list.value, { ref, text, stage: /** @type {Stage} */ ("waiting") }].slice(-KEPT));
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
   * @param {number} ref
   * @param {string} reason
   */
  refused(ref, reason) {
    this.#change(ref, ["waiting", "sent", "accepted"], { stage: "refused", reason });
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
