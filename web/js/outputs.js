// What a part shows to the outside: a value that only it can write, or a stream of happenings.
// Knows nothing of who listens, of the DOM or of the network.

/**
 * @template T
 * @typedef {{ readonly value: T, on: (listener: (value: T) => void) => () => void }} Output
 */

/**
 * @template T
 * @typedef {{ on: (listener: (item: T) => void) => () => void }} Stream
 */

/**
 * A readable value (`seen`, for everybody) and what writes it (for the part alone).
 * A listener is called at once with the present value, then on every change.
 * @template T
 * @param {T} initial
 * @returns {{ seen: Output<T>, write: (value: T) => void }}
 */
export function output(initial) {
  let current = initial;
  const changes = stream();
  return {
    seen: {
      get value() {
        return current;
      },
      on(listener) {
        listener(current);
        return changes.seen.on(() => listener(current));
      },
    },
    write(value) {
      if (Object.is(value, current)) return;
      current = value;
      changes.emit(undefined);
    },
  };
}

/**
 * Happenings without a present value (`seen`), and what announces one.
 * @template T
 * @returns {{ seen: Stream<T>, emit: (item: T) => void }}
 */
export function stream() {
  /** @type {Set<(item: T) => void>} */
  const listeners = new Set();
  return {
    seen: {
      on(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    emit(item) {
      for (const listener of [...listeners]) listener(item);
    },
  };
}

/** Things to undo when a part closes, in reverse order; closing twice is harmless. */
export class Closer {
  /** @type {(() => void)[]} */
  #undo = [];

  /** @param {...(() => void)} undo */
  add(...undo) {
    this.#undo.push(...undo);
  }

  /**
   * Listens on a DOM target until the part closes.
   * @param {EventTarget} target
   * @param {string} type
   * @param {(event: any) => void} listener
   * @param {AddEventListenerOptions} [options]
   */
  listen(target, type, listener, options) {
    target.addEventListener(type, listener, options);
    this.add(() => target.removeEventListener(type, listener, options));
  }

  /**
   * @param {() => void} tick
   * @param {number} period_ms
   */
  every(period_ms, tick) {
    const timer = setInterval(tick, period_ms);
    this.add(() => clearInterval(timer));
  }

  close() {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }
}
