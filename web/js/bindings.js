// Which key does what: an action for each key, as it came or as the person changed it.
// Knows names of actions and keys (W3C `event.code`); knows no keyboard, and storage only as two functions.

/**
 * What the world's buttons do, by the vocabulary's names; each leads to a button of buttons.js. Its `next_camera` is not
 * among them: the page asks for a camera by its name, which no lost snapshot swallows.
 */
export const WORLD = Object.freeze({
  forward: "KeyW", back: "KeyS", left: "KeyA", right: "KeyD", look_up: "ArrowUp", look_down: "ArrowDown",
  look_left: "ArrowLeft", look_right: "ArrowRight", jump: "Space", run: "ShiftLeft",
});

/** What the page's own keys do. */
export const PAGE = Object.freeze({
  prompt: "Enter", talk: "KeyV", figures: "KeyH", help: "KeyK", picture: "KeyP", record: "KeyR", pause: "KeyB",
  film: "KeyT", camera: "KeyC", moves: "KeyX", mute: "KeyM", fullscreen: "KeyF", let_go: "Escape",
});

/** @typedef {keyof typeof WORLD} WorldAction */
/** @typedef {keyof typeof PAGE} PageAction */
/** @typedef {WorldAction | PageAction} Action */

/** @type {Readonly<Record<Action, string>>} */
export const DEFAULTS = Object.freeze({ ...WORLD, ...PAGE });
const ACTIONS = /** @type {Action[]} */ (Object.keys(DEFAULTS));

/** Keys that mean the same on either side of a keyboard. @type {Record<string, string>} */
const SAME_AS = {
  ShiftRight: "ShiftLeft", ControlRight: "ControlLeft", AltRight: "AltLeft", NumpadEnter: "Enter",
};

/** @param {string} code */
function canonical(code) {
  return SAME_AS[code] ?? code;
}

export class Bindings {
  /** @type {Record<Action, string>} */
  #keys = { ...DEFAULTS };
  #keep;

  /**
   * @param {{ load: () => unknown, keep: (keys: Record<string, string>) => void }} store what was kept before: read
   *   with suspicion, as a person or an older page may have written it
   */
  constructor({ load, keep }) {
    this.#keep = keep;
    const kept = load();
    if (kept === null || typeof kept !== "object") return;
    for (const action of ACTIONS) {
      const code = /** @type {Record<string, unknown>} */ (kept)[action];
      if (typeof code === "string" && code && code !== this.#keys[action]) this.#place(action, code);
    }
  }

  /** @param {Action} action */
  key(action) {
    return this.#keys[action];
  }

  /**
   * The button of the world that a key holds, as buttons.js names it; null for none.
   * @param {string} code
   */
  button(code) {
    const action = this.#action(code);
    return action !== null && Object.hasOwn(WORLD, action) ? WORLD[/** @type {WorldAction} */ (action)] : null;
  }

  /**
   * What a key does on the page; null for nothing.
   * @param {string} code
   * @returns {PageAction | null}
   */
  page(code) {
    const action = this.#action(code);
    return action !== null && Object.hasOwn(PAGE, action) ? /** @type {PageAction} */ (action) : null;
  }

  /**
   * Gives an action another key. The action that had that key takes the freed one, so that none is without.
   * @param {Action} action
   * @param {string} code
   */
  change(action, code) {
    if (!code) throw new RangeError(`expected a key for ${action}, got none`);
    this.#place(action, canonical(code));
    this.#keep({ ...this.#keys });
  }

  reset() {
    this.#keys = { ...DEFAULTS };
    this.#keep({});
  }

  /** @param {string} code */
  #action(code) {
    const wanted = canonical(code);
    return ACTIONS.find((action) => this.#keys[action] === wanted) ?? null;
  }

  /**
   * @param {Action} action
   * @param {string} code
   */
  #place(action, code) {
    const holder = this.#action(code);
    if (holder !== null) this.#keys[holder] = this.#keys[action];
    this.#keys[action] = code;
  }
}

/**
 * A key as people know it: "W", "Space", "↑".
 * @param {string} code
 * @param {Record<string, string>} names in the language of the person
 */
export function keyName(code, names) {
  const arrows = /** @type {Record<string, string>} */ ({
    ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Slash: "/", Comma: ",", Period: ".", Minus: "-",
  });
  return names[code] ?? arrows[code] ?? code.replace(/^(Key|Digit)/, "").replace(/^Numpad/, "Num ");
}
