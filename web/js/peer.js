// One WebRTC connection to a world: video in, microphone out, the two data channels, and its heartbeat.
// Knows nothing of pages or of trying again: when it is lost it says so, once, and is closed.

import { Closer, output, stream } from "./outputs.js";
import * as wire from "./wire.js";

const PING_MS = 1000;
const SILENCE_MS = 4000;
const OPEN_WITHIN_MS = 10_000;
const GATHER_MS = 500;
/** Without a way for packets this long after the answer, UDP is taken to be blocked. */
const BLOCKED_MS = 4000;
const MOST_QUEUED_BYTES = 16_384;
/** How long the browser may hold pictures back to show them evenly, where a person prefers smooth to instant. */
const SMOOTH_MS = 150;

/** @typedef {"opening" | "open" | "lost"} PeerState */

export class Peer {
  #state = output(/** @type {PeerState} */ ("opening"));
  #media = output(/** @type {MediaStream | null} */ (null));
  #round_trip_ms = output(/** @type {number | null} */ (null));
  #loss = output(/** @type {number | null} */ (null));
  /** @type {ReturnType<typeof stream<wire.Message>>} */
  #messages = stream();
  state = this.#state.seen;
  media = this.#media.seen;
  round_trip_ms = this.#round_trip_ms.seen;
  /** The share of the picture's packets that did not arrive during the last second. */
  loss = this.#loss.seen;
  messages = this.#messages.seen;
  /** Whether it was lost because no packet found a way. */
  blocked = false;
  /** The <video> itself tells what it shows. */
  frames = null;

  #closer = new Closer();
  #heard_at = performance.now();
  #connection = new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
  #control = this.#connection.createDataChannel("control", { ordered: false, maxRetransmits: 0 });
  #events = this.#connection.createDataChannel("events");
  #video = this.#connection.addTransceiver("video", { direction: "recvonly" });
  #voice = this.#connection.addTransceiver("audio", { direction: "sendrecv" });
  #counted = { lost: 0, received: 0 };

  constructor() {
    this.smooth(false);
    const connection = this.#connection;
    this.#closer.listen(connection, "track", ({ track, streams }) => {
      const media = this.media.value ?? streams[0] ?? new MediaStream();
      if (!media.getTracks().includes(track)) media.addTrack(track);
      if (track.kind === "video") this.#media.write(media);
    });
    this.#closer.listen(connection, "connectionstatechange", () => {
      if (["failed", "closed"].includes(connection.connectionState)) this.close();
    });
    this.#closer.listen(this.#events, "message", ({ data }) => this.#hear(data));
    for (const channel of [this.#control, this.#events]) {
      this.#closer.listen(channel, "open", () => this.#opened());
      this.#closer.listen(channel, "close", () => this.close());
    }
    this.#closer.every(PING_MS, () => {
      this.#beat();
      void this.#count();
    });
    const late = setTimeout(() => this.state.value === "opening" && this.close(), OPEN_WITHIN_MS);
    this.#closer.add(() => clearTimeout(late));
  }

  /**
   * Offers, and takes the answer. Rejects with what `exchange` rejects with; then the peer is closed.
   * @param {(offer: string) => Promise<string>} exchange
   */
  async open(exchange) {
    try {
      await this.#connection.setLocalDescription();
      await this.#gathered();
      const sdp = await exchange(this.#connection.localDescription?.sdp ?? "");
      if (this.state.value === "lost") return;
      await this.#connection.setRemoteDescription({ type: "answer", sdp });
      const timer = setTimeout(() => this.#look(), BLOCKED_MS);
      this.#closer.add(() => clearTimeout(timer));
    } catch (error) {
      const already = this.state.value === "lost";
      this.close();
      if (!already) throw error;
    }
  }

  /**
   * Sends the newest snapshot, unless older ones still wait: a late control is worse than none.
   * @param {import("./steering.js").Snapshot} snapshot
   * @returns {boolean} whether it left
   */
  steer(snapshot) {
    if (this.#control.readyState !== "open" || this.#control.bufferedAmount > MOST_QUEUED_BYTES) return false;
    this.#control.send(wire.control(snapshot));
    return true;
  }

  /**
   * @param {string} text
   * @param {number} ref
   * @returns {boolean} whether it left
   */
  say(text, ref) {
    if (this.#events.readyState !== "open") return false;
    this.#events.send(wire.text(text, ref));
    return true;
  }

  /**
   * @param {wire.Ask} wish
   * @returns {boolean} whether it left
   */
  ask(wish) {
    if (this.#events.readyState !== "open") return false;
    this.#events.send(wire.ask(wish));
    return true;
  }

  /** @param {boolean} wanted pictures and sound evenly rather than at once */
  smooth(wanted) {
    if ("jitterBufferTarget" in this.#video.receiver) {
      for (const { receiver } of [this.#video, this.#voice]) receiver.jitterBufferTarget = wanted ? SMOOTH_MS : 0;
    }
  }

  /** @param {MediaStreamTrack | null} track what the world shall hear */
  async listenTo(track) {
    if (this.state.value !== "lost") await this.#voice.sender.replaceTrack(track);
  }

  close() {
    if (this.state.value === "lost") return;
    this.#closer.close();
    this.#state.write("lost"); // before the picture goes, so that it can be kept
    this.#media.write(null);
    this.#connection.close();
  }

  #look() {
    if (["connected", "completed"].includes(this.#connection.iceConnectionState)) return;
    this.blocked = true;
    this.close();
  }

  #opened() {
    if (this.#control.readyState !== "open" || this.#events.readyState !== "open") return;
    this.#heard_at = performance.now();
    this.#beat();
    this.#state.write("open");
  }

  #beat() {
    if (this.#events.readyState !== "open") return;
    if (performance.now() - this.#heard_at > SILENCE_MS) this.close();
    else this.#events.send(wire.ping(performance.now()));
  }

  /** @param {unknown} data */
  #hear(data) {
    this.#heard_at = performance.now();
    const message = wire.read(data);
    if (!message) return;
    if (message.type === "pong") this.#round_trip_ms.write(performance.now() - message.t);
    this.#messages.emit(message);
  }

  async #count() {
    if (this.state.value !== "open") return;
    const report = await this.#video.receiver.getStats();
    for (const one of report.values()) {
      if (one.type !== "inbound-rtp") continue;
      const lost = Math.max(0, one.packetsLost - this.#counted.lost);
      const received = one.packetsReceived - this.#counted.received;
      this.#counted = { lost: one.packetsLost, received: one.packetsReceived };
      if (lost + received > 0) this.#loss.write(lost / (lost + received));
    }
  }

  /** All candidates in one offer: there is no trickle, and no server to wait long for. */
  async #gathered() {
    const connection = this.#connection;
    if (connection.iceGatheringState === "complete") return;
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, GATHER_MS);
      this.#closer.add(() => clearTimeout(timer));
      this.#closer.listen(connection, "icegatheringstatechange", () => {
        if (connection.iceGatheringState === "complete") resolve(undefined);
      });
    });
  }
}
