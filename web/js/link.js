// A lasting link to one world: a peer at a time, and a new one, with backoff, when it is lost.
// Knows when to try and when to give up; knows nothing of what is said over it.

import { wait } from "./backoff.js";
import { Problem } from "./api.js";
import { Closer, output, stream } from "./outputs.js";
import { Peer } from "./peer.js";
import { decodes, SocketPeer } from "./socket_peer.js";
import { follow } from "./phases.js";

/** @typedef {import("./phases.js").Phase} Phase */
/** @typedef {{ slug: string, detail: string }} Reason why a world ended */

/** @typedef {Peer | SocketPeer} AnyPeer */

export class Link {
  #phase = output(/** @type {Phase} */ ("idle"));
  #peer = output(/** @type {AnyPeer | null} */ (null));
  #attempt = output(0);
  #reason = output(/** @type {Reason | null} */ (null));
  /** @type {ReturnType<typeof stream<import("./wire.js").Message>>} */
  #messages = stream();
  phase = this.#phase.seen;
  /** The open peer, null between two. */
  peer = this.#peer.seen;
  /** Tries since the last open peer. */
  attempt = this.#attempt.seen;
  reason = this.#reason.seen;
  messages = this.#messages.seen;

  #closer = new Closer();
  #exchange;
  /** @type {AnyPeer | null} */
  #current = null;
  #socket;
  /** Whether packets find no way here, and the socket is the way for as long as this link lives. */
  #blocked = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Reason | null} why the gateway ended the last peer */
  #farewell = null;

  /**
   * @param {(offer: string) => Promise<string>} exchange takes an offer to the gateway, brings the answer
   * @param {string} socket where the gateway's WebSocket is, for when UDP is blocked
   */
  constructor(exchange, socket) {
    this.#exchange = exchange;
    this.#socket = socket;
    this.#closer.listen(window, "online", () => this.#again(0));
    this.#closer.listen(window, "offline", () => this.#current?.close());
    this.#closer.listen(window, "pagehide", () => this.close());
    this.#enter("connecting");
    this.#connect();
  }

  /**
   * Ends for good.
   * @param {Reason} [reason]
   */
  close(reason = { slug: "left", detail: "" }) {
    if (this.phase.value === "ended") return;
    clearTimeout(this.#timer);
    this.#reason.write(reason);
    this.#enter("ended");
    this.#closer.close();
    this.#current?.close();
  }

  /** Lets the peer go, and makes no new one until `goOn`. */
  hold() {
    if (this.phase.value !== "live" && this.phase.value !== "reconnecting") return;
    clearTimeout(this.#timer);
    this.#enter("held");
    this.#current?.close();
  }

  goOn() {
    if (this.phase.value !== "held") return;
    this.#attempt.write(0);
    this.#enter("reconnecting");
    this.#again(0);
  }

  #connect() {
    const peer = this.#blocked && decodes() ? new SocketPeer(this.#socket) : new Peer();
    this.#current = peer;
    peer.messages.on((message) => {
      this.#messages.emit(message);
      if (message.type === "ended") this.#dismissed(peer, message.reason);
    });
    peer.state.on((state) => {
      if (state === "open") this.#opened(peer);
      if (state === "lost") this.#lost(peer);
    });
    if (peer instanceof Peer) peer.open(this.#exchange).catch((error) => this.#failed(error));
  }

  /** @param {AnyPeer} peer */
  #opened(peer) {
    this.#attempt.write(0);
    this.#farewell = null;
    this.#peer.write(peer);
    this.#enter("live");
  }

  /**
   * The gateway ended this peer. Whether the world has ended too shows when a new peer asks for it.
   * @param {AnyPeer} peer
   * @param {string} detail
   */
  #dismissed(peer, detail) {
    this.#farewell = { slug: "dismissed", detail };
    peer.close();
    this.#again(0);
  }

  /** @param {AnyPeer} peer */
  #lost(peer) {
    // A socket that fails may fail because the world has ended: only an offer is told why, so the next try is one.
    this.#blocked = peer instanceof Peer ? peer.blocked : this.phase.value === "live";
    this.#current = null;
    this.#peer.write(null);
    if (this.phase.value === "ended" || this.phase.value === "held") return;
    this.#enter("reconnecting");
    const attempt = this.attempt.value;
    this.#attempt.write(attempt + 1);
    this.#again(wait(attempt, Math.random()));
  }

  /** @param {number} after_ms */
  #again(after_ms) {
    if (this.phase.value !== "reconnecting" || this.#current) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), after_ms);
  }

  /**
   * A refusal that repeats ends the link; anything else was a lost peer, and is tried again.
   * @param {unknown} error
   */
  #failed(error) {
    if (error instanceof Problem && !error.passing) this.close(this.#farewell ?? { slug: error.slug, detail: error.detail });
  }

  /** @param {Phase} phase */
  #enter(phase) {
    this.#phase.write(follow(this.phase.value, phase));
  }
}
