// `window.mundo`: the page's typed face for programs. connect, steer, say, stats, state, on.
// Knows the world that is open now; the page opens and closes worlds through it, like everybody.

import { stream } from "./outputs.js";

/**
 * @typedef {{ invite?: string, token?: string, session?: string, prompt?: string, template?: string, seed?: number,
 *   saved?: string, file?: Blob, picture?: string, glimpse?: string,
 *   title?: string }} Connecting `file`: a picture that the world begins from; `picture`: an address, shown meanwhile
 */
/**
 * @typedef {{ phase: import("./phases.js").Phase, session: string | null, role: import("./world.js").Role | null,
 *   visible: boolean, reason: import("./link.js").Reason | null,
 *   world: import("./wire.js").WorldState | null, prompts: readonly import("./prompts.js").Prompt[] }} MundoState
 */
/**
 * @typedef {{ frame: import("./world.js").ShownFrame, receipt: import("./latency.js").Receipt,
 *   state: MundoState, refused: string, sounds: readonly string[], heard: import("./wire.js").Heard }} Happenings
 */

export class Mundo {
  /** @type {import("./world.js").World | null} */
  #world = null;
  /** @type {(() => void)[]} */
  #undo = [];
  /** @type {ReturnType<typeof stream<{ name: keyof Happenings, item: any }>>} */
  #happenings = stream();
  #open;

  /** @param {(wish: Connecting) => Promise<void>} open how the page opens what is wished for */
  constructor(open) {
    this.#open = open;
  }

  /**
   * Goes into a world: a session of ours, a share's token, a kept world (`saved`), or a new one (after redeeming
   * `invite`, if given).
   * Resolves when the world is being connected; rejects with a Problem.
   * @param {Connecting} wish
   */
  async connect(wish) {
    await this.#open(wish);
  }

  /**
   * Holds exactly these buttons (`event.code`s), turns by so many radians (right, up) and takes a camera by name.
   * @param {{ buttons?: readonly string[], look?: readonly [number, number], camera?: string }} wish
   */
  steer(wish) {
    this.#here().steer(wish);
  }

  /**
   * Says something to the world; its life is in `state.prompts`, by the ref returned.
   * @param {string} text
   */
  say(text) {
    return this.#here().say(text);
  }

  /** @returns {import("./world.js").Figures | null} */
  stats() {
    return this.#world?.stats() ?? null;
  }

  /** @returns {MundoState} */
  get state() {
    const world = this.#world;
    return {
      phase: world?.phase.value ?? "idle", session: world?.session ?? null, role: world?.role.value ?? null,
      visible: world?.visible.value ?? false, reason: world?.reason.value ?? null,
      world: world?.state.value ?? null, prompts: world?.prompts.value ?? [],
    };
  }

  /**
   * Listens: `frame` (shown, matched with its receipt), `receipt`, `state` (anything in `state` changed), `refused`,
   * `sounds` (what is to be heard now, by name), `heard` (what was said aloud, as the world understood it).
   * @template {keyof Happenings} K
   * @param {K} name
   * @param {(item: Happenings[K]) => void} listener
   * @returns {() => void} stops listening
   */
  on(name, listener) {
    return this.#happenings.seen.on((happening) => happening.name === name && listener(happening.item));
  }

  /** What programs get: these six, and not `enter`. */
  face() {
    const mundo = this;
    return Object.freeze({
      connect: mundo.connect.bind(mundo), steer: mundo.steer.bind(mundo), say: mundo.say.bind(mundo),
      stats: mundo.stats.bind(mundo), on: mundo.on.bind(mundo),
      get state() {
        return mundo.state;
      },
    });
  }

  /**
   * The page tells which world is open; null for none.
   * @param {import("./world.js").World | null} world
   */
  enter(world) {
    for (const undo of this.#undo.splice(0)) undo();
    this.#world = world;
    const tell = (/** @type {keyof Happenings} */ name) => (/** @type {any} */ item) =>
      this.#happenings.emit({ name, item });
    const changed = () => tell("state")(this.state);
    if (!world) return;
    this.#undo = [
      world.frames.on(tell("frame")), world.receipts.on(tell("receipt")), world.refusals.on(({ detail }) => tell("refused")(detail)),
      world.phase.on(changed), world.role.on(changed), world.visible.on(changed), world.state.on(changed),
      world.prompts.on(changed), world.sounds.on(tell("sounds")), world.heard.on(tell("heard")),
    ];
  }

  #here() {
    if (!this.#world) throw new Error("expected to be in a world: call connect first");
    return this.#world;
  }
}
