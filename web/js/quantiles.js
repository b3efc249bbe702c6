// The last N measurements of something, and their quantiles.
// Knows neither what is measured nor its unit.

export class Recent {
  /** @type {number[]} */
  #values = [];
  #capacity;

  /** @param {number} capacity */
  constructor(capacity) {
    if (!(capacity >= 1)) throw new RangeError(`a window holds at least 1 value, this one ${capacity}`);
    this.#capacity = capacity;
  }

  get count() {
    return this.#values.length;
  }

  /** @param {number} value */
  add(value) {
    this.#values.push(value);
    if (this.#values.length > this.#capacity) this.#values.shift();
  }

  clear() {
    this.#values.length = 0;
  }

  /**
   * The nearest-rank quantile, or null while nothing was measured.
   * @param {number} share between 0 and 1
   * @returns {number | null}
   */
  quantile(share) {
    if (this.#values.length === 0) return null;
    const sorted = this.#values.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
  }
}

/** Happenings per second over a sliding window; time is an argument. */
export class Rate {
  /** @type {number[]} */
  #times = [];
  #window_ms;

  constructor(window_ms = 2000) {
    this.#window_ms = window_ms;
  }

  /** @param {number} at */
  add(at) {
    this.#times.push(at);
    this.#forget(at);
  }

  /**
   * @param {number} now
   * @returns {number} per second
   */
  at(now) {
    this.#forget(now);
    if (this.#times.length < 2) return 0;
    const span_ms = Math.max(now, this.#times[this.#times.length - 1]) - this.#times[0];
    return span_ms > 0 ? ((this.#times.length - 1) * 1000) / span_ms : 0;
  }

  /** @param {number} now */
  #forget(now) {
    while (this.#times.length && now - this.#times[0] > this.#window_ms) this.#times.shift();
  }
}
