// How long hands were on their way to eyes, gathered for who runs the place.
// Knows what the gateway takes of it; nothing of links.

const EVERY_MS = 1000;
const MOST = 64; // and of none that took longer than a minute: the gateway takes no others
const LONGEST_MS = 60_000;

export class Told {
  /** @type {number[]} */
  #waiting = [];
  #told_at = 0;

  /**
   * What is to be told now, nothing more than once a second.
   * @param {readonly number[]} latency_ms what was measured since
   * @param {number} now
   */
  due(latency_ms, now) {
    this.#waiting.push(...latency_ms);
    if (now - this.#told_at <= EVERY_MS) return [];
    this.#told_at = now;
    return this.#waiting.splice(0).filter((ms) => ms >= 0 && ms <= LONGEST_MS).slice(-MOST);
  }
}
