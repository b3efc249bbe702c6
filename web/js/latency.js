// Input-to-photon: from the moment a hand moved to the moment the first frame that obeyed it is shown, presses and looks
// apart, since a picture may follow a look that came after its frame was begun.
// Joins snapshots sent, receipts and presented frames; knows no channel and no clock but its arguments.

import { Recent } from "./quantiles.js";

const CLOCK = 2 ** 32;
const KEPT = 240;
const CALIBRATION_FRAMES = 8;

/** `look_seq`: the newest snapshot whose look is in the picture. @typedef {{ frame: number, pts: number,
 *   control_seq: number, look_seq: number, text_id: number, rtp?: number }} Receipt */
/** @typedef {{ rtp: number, shown_at: number, received_at: number | undefined }} Presented */
/** @typedef {{ index: number, control_seq: number, text_id: number, shown_at: number, latency_ms: number[],
 *   look_ms: number[] }} Shown */

export class Latency {
  /** From a press or a release. */
  presses = new Waiting();
  /** From a look. */
  looks = new Waiting();
  /** @type {Map<number, Receipt & { arrived_at: number }>} by pts */
  #receipts = new Map();
  #calibration = new Calibration();

  /**
   * A snapshot left.
   * @param {Pick<import("./steering.js").Snapshot, "seq" | "changed_at" | "looked_at">} snapshot
   */
  sent({ seq, changed_at, looked_at }) {
    this.presses.sent(seq, changed_at);
    this.looks.sent(seq, looked_at);
  }

  /**
   * @param {Receipt} receipt
   * @param {number} arrived_at
   */
  receipt(receipt, arrived_at) {
    if (receipt.rtp !== undefined) this.#calibration.know(receipt.rtp - receipt.pts);
    this.#receipts.set(receipt.pts, { ...receipt, arrived_at });
    for (const pts of this.#receipts.keys()) {
      if (this.#receipts.size <= KEPT) break;
      this.#receipts.delete(pts);
    }
  }

  /**
   * A frame was put on the screen. Null while it cannot be matched with a receipt.
   * @param {Presented} presented
   * @returns {Shown | null}
   */
  presented({ rtp, shown_at, received_at }) {
    if (received_at !== undefined) this.#calibration.compare(rtp, received_at, this.#receipts.values());
    const offset = this.#calibration.offset;
    if (offset === null) return null;
    const receipt = this.#find(rtp, offset);
    if (!receipt) return null;
    const { frame, control_seq, look_seq, text_id } = receipt;
    return {
      index: frame, control_seq, text_id, shown_at,
      latency_ms: this.presses.obeyed(control_seq, shown_at), look_ms: this.looks.obeyed(look_seq, shown_at),
    };
  }

  /** A new connection: numbers and offsets start again, measured figures stay. */
  restart() {
    this.presses.restart();
    this.looks.restart();
    this.#receipts.clear();
    this.#calibration = new Calibration();
  }

  /**
   * @param {number} rtp
   * @param {number} offset
   */
  #find(rtp, offset) {
    for (const receipt of this.#receipts.values()) {
      if (wrap(receipt.pts + offset) === wrap(rtp)) return receipt;
    }
    return undefined;
  }
}

/** Inputs of one kind that no shown frame has obeyed yet, and how long the last ones took. */
class Waiting {
  /** @type {{ seq: number, at: number }[]} */
  #inputs = [];
  #samples = new Recent(KEPT);

  get count() {
    return this.#samples.count;
  }

  /** @param {number} share */
  quantile(share) {
    return this.#samples.quantile(share);
  }

  /**
   * @param {number} seq
   * @param {number | null} at when the hand moved; null: nothing to measure
   */
  sent(seq, at) {
    if (at === null) return;
    this.#inputs.push({ seq, at });
    if (this.#inputs.length > KEPT) this.#inputs.shift();
  }

  /**
   * What a frame that is shown obeyed: the milliseconds that each took.
   * @param {number} seq
   * @param {number} shown_at
   */
  obeyed(seq, shown_at) {
    const after = this.#inputs.findIndex((input) => input.seq > seq);
    const taken = this.#inputs.splice(0, after < 0 ? this.#inputs.length : after).map(({ at }) => shown_at - at);
    for (const ms of taken) this.#samples.add(ms);
    return taken;
  }

  restart() {
    this.#inputs.length = 0;
  }
}

/**
 * The random offset between a sender's RTP clock and the worker's pts. Known when a receipt names its rtp;
 * otherwise the one that most frames agree on, each paired with the receipt that arrived nearest to it.
 */
class Calibration {
  /** @type {number | null} */
  offset = null;
  /** @type {Map<number, number>} */
  #votes = new Map();
  #frames = 0;

  /** @param {number} offset */
  know(offset) {
    this.offset = wrap(offset);
    this.#frames = CALIBRATION_FRAMES;
  }

  /**
   * @param {number} rtp
   * @param {number} received_at
   * @param {Iterable<Receipt & { arrived_at: number }>} receipts
   */
  compare(rtp, received_at, receipts) {
    if (this.#frames >= CALIBRATION_FRAMES) return;
    let nearest = null;
    let least = Infinity;
    for (const receipt of receipts) {
      const distance = Math.abs(receipt.arrived_at - received_at);
      if (distance < least) [nearest, least] = [receipt, distance];
    }
    if (!nearest) return;
    const offset = wrap(rtp - nearest.pts);
    this.#votes.set(offset, (this.#votes.get(offset) ?? 0) + 1);
    this.#frames += 1;
    if (this.#frames < CALIBRATION_FRAMES) return;
    this.offset = [...this.#votes].reduce((best, vote) => (vote[1] > best[1] ? vote : best))[0];
  }
}

/** @param {number} ticks */
function wrap(ticks) {
  return ((ticks % CLOCK) + CLOCK) % CLOCK;
}
