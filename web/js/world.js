// One world as a person is in it: the link, the hands, the words, the picture and the measured figures.
// Knows no panel and no button of the page: whatever shows or drives a world does it through this.

import { bitmap } from "./buttons.js";
import { Filming } from "./cameras.js";
import { Latency } from "./latency.js";
import { Link } from "./link.js";
import { Closer, output, stream } from "./outputs.js";
import { PresentedFrames } from "./presented.js";
import { PromptLog } from "./prompts.js";
import { Rate } from "./quantiles.js";
import { Steering } from "./steering.js";
import { Together } from "./together.js";
import { Told } from "./told.js";

const TICK_MS = 8;

/** @typedef {import("./together.js").Role} Role */
/** @typedef {import("./latency.js").Shown & { width: number, height: number }} ShownFrame */
/**
 * The figures at this moment; null is "not measured yet". Times are milliseconds.
 * @typedef {{ fps: number, frame: number, width: number, height: number, input_to_photon_p50_ms: number | null,
 *   input_to_photon_p95_ms: number | null, inputs_measured: number, look_to_photon_p50_ms: number | null,
 *   look_to_photon_p95_ms: number | null, looks_measured: number, round_trip_ms: number | null, loss: number | null,
 *   viewers: number, worker: import("./wire.js").WorkerStats | null, rung: import("./wire.js").Rung | null,
 *   camera: import("./cameras.js").Camera }} Figures
 */

export class World {
  #state = output(/** @type {import("./wire.js").WorldState | null} */ (null));
  #sounds = output(/** @type {readonly string[]} */ ([]));
  /** @type {ReturnType<typeof stream<import("./wire.js").Heard>>} */
  #heard = stream();
  #visible = output(false);
  /** @type {ReturnType<typeof stream<ShownFrame>>} */
  #frames = stream();
  /** @type {ReturnType<typeof stream<import("./latency.js").Receipt>>} */
  #receipts = stream();
  /** @type {ReturnType<typeof stream<{ slug?: string, detail: string }>>} */
  #refusals = stream();
  /** Who is here, and what each may do. */
  together;
  state = this.#state.seen;
  /** Through which camera it is seen. */
  filming = new Filming((camera) => this.ask({ type: "camera", camera }), () => this.hands.release("ShiftLeft"));
  /** What is to be heard now, by name. */
  sounds = this.#sounds.seen;
  /** What was said aloud, as the world understood it. */
  heard = this.#heard.seen;
  /** Whether any frame was shown yet. */
  visible = this.#visible.seen;
  /** Frames shown, each matched with its receipt. */
  frames = this.#frames.seen;
  receipts = this.#receipts.seen;
  /** Refusals that answer no prompt of ours. */
  refusals = this.#refusals.seen;

  #steering = new Steering();
  #prompts = new PromptLog();
  #latency = new Latency();
  #told = { photon_ms: new Told(), look_ms: new Told() };
  #rate = new Rate();
  #closer = new Closer();
  #link;
  #presented;
  /** @type {import("./wire.js").WorkerStats | null} */
  #worker = null;
  #rung = /** @type {import("./wire.js").Rung | null} */ (null);
  /** @type {number | null} */
  #round_trip_ms = null;
  /** @type {number | null} */
  #loss = null;
  #smooth = false;
  #last = { index: 0, width: 0, height: 0 };
  /** @type {MediaStreamTrack | null} */
  #voice = null;

  /**
   * @param {{ api: import("./api.js").Api, session: string, role: Role, owner?: boolean,
   *   video: HTMLVideoElement }} inputs
   */
  constructor({ api, session, role, owner = false, video }) {
    this.session = session;
    this.together = new Together(role, owner);
    this.#link = new Link((offer) => api.offer(session, offer), api.socket(session));
    this.#presented = new PresentedFrames(video);
    this.#closer.add(
      () => this.#presented.close(),
      () => this.#link.close(),
      this.#link.messages.on((message) => this.#hear(message)),
      this.#link.peer.on((peer) => this.#joined(peer, video)),
      this.#presented.frames.on((frame) => {
        if (!this.#link.peer.value?.frames) this.#show(frame);
      }),
    );
    this.#closer.every(TICK_MS, () => this.#send());
  }

  get role() { return this.together.role; }
  get viewers() { return this.together.viewers; }
  get phase() { return this.#link.phase; }
  get attempt() { return this.#link.attempt; }
  get reason() { return this.#link.reason; }
  get prompts() { return this.#prompts.list; }

  /** The hands of this world: press, release and look; what changes leaves at once. */
  get hands() {
    const act = (/** @type {(steering: Steering) => unknown} */ change) => {
      const result = change(this.#steering);
      this.#send();
      return result;
    };
    return {
      held: (/** @type {number} */ bit) => (this.#steering.buttons & bit) !== 0,
      press: (/** @type {string} */ code, at = performance.now()) => act((s) => s.press(code, at)),
      release: (/** @type {string} */ code, at = performance.now()) => act((s) => s.release(code, at)),
      releaseAll: (at = performance.now()) => act((s) => s.releaseAll(at)),
      look: (/** @type {number} */ right, /** @type {number} */ up, at = performance.now()) =>
        act((s) => s.look(right, up, at)),
    };
  }

  /**
   * Holds exactly these buttons, turns by so many radians (right, up) and takes a camera; for programs.
   * @param {{ buttons?: readonly string[], look?: readonly [number, number], camera?: string }} wish
   */
  steer({ buttons, look, camera }) {
    const now = performance.now();
    if (camera) this.filming.film(camera);
    if (buttons) this.#steering.hold(bitmap(buttons), now);
    if (look) this.#steering.look(look[0], look[1], now);
    this.#send();
  }

  /**
   * @param {string} text
   * @returns {number} the prompt's ref in `prompts`
   */
  say(text) {
    const ref = this.#prompts.add(text, performance.now());
    this.#speak();
    return ref;
  }

  /** @param {import("./wire.js").Ask} wish what only some may ask; a refusal comes back among `refusals` */
  ask(wish) {
    this.#link.peer.value?.ask(wish);
  }

  /** @param {boolean} wanted pictures evenly rather than at once */
  smooth(wanted) {
    this.#smooth = wanted;
    this.#link.peer.value?.smooth(wanted);
  }

  /** Lets the connection go for a while, or takes it up again: nobody watches, and the world is held still. */
  hold() {
    this.hands.releaseAll();
    this.#link.hold();
  }

  goOn() {
    this.#link.goOn();
  }

  /** @param {MediaStreamTrack | null} track what the world hears, null for nothing */
  async listenTo(track) {
    this.#voice = track;
    await this.#link.peer.value?.listenTo(track);
  }

  /** @returns {Figures} */
  stats() {
    const { presses, looks } = this.#latency;
    return {
      fps: this.#rate.at(performance.now()), frame: this.#last.index,
      width: this.#last.width, height: this.#last.height,
      input_to_photon_p50_ms: presses.quantile(0.5), input_to_photon_p95_ms: presses.quantile(0.95),
      look_to_photon_p50_ms: looks.quantile(0.5), look_to_photon_p95_ms: looks.quantile(0.95),
      inputs_measured: presses.count, looks_measured: looks.count, round_trip_ms: this.#round_trip_ms, loss: this.#loss,
      viewers: this.viewers.value, worker: this.#worker, rung: this.#rung, camera: this.filming.camera.value,
    };
  }

  close() {
    this.#closer.close();
  }

  /**
   * @param {import("./link.js").AnyPeer | null} peer
   * @param {HTMLVideoElement} video
   */
  #joined(peer, video) {
    this.#latency.restart();
    this.#prompts.lost();
    if (!peer) return;
    peer.media.on((media) => {
      if (media && video.srcObject !== media) video.srcObject = media;
    });
    peer.round_trip_ms.on((round_trip_ms) => (this.#round_trip_ms = round_trip_ms));
    peer.frames?.on((frame) => this.#show(frame));
    peer.loss.on((loss) => (this.#loss = loss));
    peer.smooth(this.#smooth);
    if (this.#voice) void peer.listenTo(this.#voice);
    this.#speak();
  }

  /** @param {import("./wire.js").Message} message */
  #hear(message) {
    if (message.type === "receipt") {
      this.#latency.receipt(message, performance.now());
      this.#prompts.obeyed(message);
      this.#receipts.emit(message);
    } else if (message.type === "text") this.#prompts.accepted(message.ref, message.text_id);
    else if (message.type === "state") {
      this.filming.see(message.values);
      this.#state.write(message);
    } else if (message.type === "heard") this.#heard.emit(message);
    else if (message.type === "sounds") this.#sounds.write(message.heard);
    else if (message.type === "stats") this.#worker = message;
    else if (message.type === "rung") this.#rung = message;
    else if (message.type === "refused") {
      const { ref, slug, reason } = message;
      if (ref === undefined) this.#refusals.emit({ slug, detail: reason });
      else this.#prompts.refused(ref, reason, slug);
    } else this.together.hear(message, this.#prompts);
  }

  /** @param {import("./presented.js").PresentedFrame} frame */
  #show(frame) {
    this.#rate.add(frame.shown_at);
    this.#visible.write(true);
    const shown = this.#latency.presented(frame);
    this.#last = { index: shown?.index ?? this.#last.index, width: frame.width, height: frame.height };
    if (!shown) return;
    this.#prompts.shown(shown.index, shown.shown_at);
    this.#frames.emit({ ...shown, width: frame.width, height: frame.height });
    const photon_ms = this.#told.photon_ms.due(shown.latency_ms, shown.shown_at);
    const look_ms = this.#told.look_ms.due(shown.look_ms, shown.shown_at);
    if (photon_ms.length + look_ms.length && this.role.value === "driver") this.ask({ type: "measured", photon_ms, look_ms });
  }

  #send() {
    const peer = this.#link.peer.value;
    if (!peer || this.role.value !== "driver") return;
    const snapshot = this.#steering.due(performance.now());
    if (snapshot && peer.steer(snapshot)) this.#latency.sent(snapshot);
  }

  #speak() {
    const peer = this.#link.peer.value;
    if (!peer) return;
    for (const prompt of this.#prompts.waiting()) {
      if (peer.say(prompt.text, prompt.ref)) this.#prompts.sent(prompt.ref);
    }
  }
}
