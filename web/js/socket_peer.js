// A connection to a world over one WebSocket, where UDP is blocked: the same face as a Peer, the picture decoded here.
// Knows the socket's frames (server/API.md) and WebCodecs; nothing of trying again.

import { Closer, output, stream } from "./outputs.js";
import { SocketSound, sounds } from "./socket_sound.js";
import * as wire from "./wire.js";

const PING_MS = 1000;
const SILENCE_MS = 4000;
const VIDEO = 1;
const SOUND = 2;
const HEADER_BYTES = 16;
const CLOCK = 2 ** 32;
const MOST_QUEUED_BYTES = 65_536;
/** Pictures that wait for the decoder; more are dropped up to the next keyframe. */
const MOST_UNDECODED = 12;
const SOUND_RATE = 24_000;

/** Whether this browser can show a world without WebRTC's video. */
export function decodes() {
  return typeof VideoDecoder === "function" && typeof WebSocket === "function";
}

/**
 * A binary frame of the socket: a picture with its time, or null.
 * @param {ArrayBuffer} raw
 */
export function picture(raw) {
  if (raw.byteLength <= HEADER_BYTES) return null;
  const view = new DataView(raw);
  if (view.getUint8(0) !== VIDEO) return null;
  return {
    keyframe: (view.getUint8(1) & 1) === 1, frame: view.getUint32(4), pts: Number(view.getBigUint64(8)),
    data: new Uint8Array(raw, HEADER_BYTES),
  };
}

/**
 * A binary frame of the socket: 10 ms of sound with their time, or null.
 * @param {ArrayBuffer} raw
 */
export function sound(raw) {
  if (raw.byteLength <= HEADER_BYTES) return null;
  const view = new DataView(raw);
  if (view.getUint8(0) !== SOUND) return null;
  return { pts: Number(view.getBigUint64(8)), data: new Uint8Array(raw, HEADER_BYTES) };
}

export class SocketPeer {
  #state = output(/** @type {import("./peer.js").PeerState} */ ("opening"));
  #media = output(/** @type {MediaStream | null} */ (null));
  #round_trip_ms = output(/** @type {number | null} */ (null));
  /** @type {ReturnType<typeof stream<wire.Message>>} */
  #messages = stream();
  /** @type {ReturnType<typeof stream<import("./presented.js").PresentedFrame>>} */
  #frames = stream();
  state = this.#state.seen;
  media = this.#media.seen;
  round_trip_ms = this.#round_trip_ms.seen;
  /** Nothing is lost on this way. */
  loss = output(/** @type {number | null} */ (0)).seen;
  messages = this.#messages.seen;
  /** The pictures as they are drawn: a canvas has no RTP of its own. */
  frames = this.#frames.seen;
  blocked = false;

  #closer = new Closer();
  #heard_at = performance.now();
  #canvas = document.createElement("canvas");
  #socket;
  /** @type {VideoDecoder | null} */
  #decoder = null;
  #waiting = true;
  #clock = 90_000;
  /** @type {(() => void) | null} */
  #hush = null;
  #sound = sounds() ? new SocketSound() : null;

  /** @param {string} url */
  constructor(url) {
    this.#socket = new WebSocket(url, "mundo.v1");
    this.#socket.binaryType = "arraybuffer";
    this.#closer.listen(this.#socket, "open", () => {
      this.#heard_at = performance.now();
      this.#beat();
      this.#state.write("open");
    });
    this.#closer.listen(this.#socket, "message", ({ data }) => this.#hear(data));
    this.#closer.listen(this.#socket, "close", () => this.close());
    this.#closer.every(PING_MS, () => this.#beat());
  }

  /** @param {import("./steering.js").Snapshot} snapshot */
  steer(snapshot) {
    if (this.#socket.bufferedAmount > MOST_QUEUED_BYTES) return false;
    return this.#send(JSON.stringify({ type: "control", ...JSON.parse(wire.control(snapshot)) }));
  }

  /**
   * @param {string} text
   * @param {number} ref
   */
  say(text, ref) {
    return this.#send(wire.text(text, ref));
  }

  /** @param {wire.Ask} wish */
  ask(wish) {
    return this.#send(wire.ask(wish));
  }

  /** Pictures are shown when they come: there is no buffer to fill. */
  smooth() {}

  /** @param {MediaStreamTrack | null} track what the world shall hear */
  async listenTo(track) {
    this.#hush?.();
    this.#hush = null;
    if (!track || this.state.value === "lost") return;
    const context = new AudioContext({ sampleRate: SOUND_RATE });
    this.#hush = () => void context.close();
    await context.audioWorklet.addModule(new URL("./pcm_worklet.js", import.meta.url));
    const samples = new AudioWorkletNode(context, "pcm", { numberOfOutputs: 0 });
    samples.port.onmessage = ({ data }) => this.#send(data);
    context.createMediaStreamSource(new MediaStream([track])).connect(samples);
  }

  close() {
    if (this.state.value === "lost") return;
    this.#closer.close();
    this.#state.write("lost");
    this.#hush?.();
    this.#sound?.close();
    if (this.#decoder?.state !== "closed") this.#decoder?.close();
    for (const track of this.media.value?.getTracks() ?? []) track.stop();
    this.#media.write(null);
    this.#socket.close();
  }

  /** @param {string | ArrayBuffer} data */
  #send(data) {
    if (this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(data);
    return true;
  }

  #beat() {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (performance.now() - this.#heard_at > SILENCE_MS) this.close();
    else this.#send(wire.ping(performance.now()));
  }

  /** @param {string | ArrayBuffer} data */
  #hear(data) {
    this.#heard_at = performance.now();
    if (data instanceof ArrayBuffer) return this.#show(data);
    const message = wire.read(data);
    if (!message) return;
    if (message.type === "media") this.#configure(message);
    else if (message.type === "pong") this.#round_trip_ms.write(performance.now() - message.t);
    else if (message.type === "receipt") message.rtp = message.pts % CLOCK;
    this.#messages.emit(message);
  }

  /** @param {wire.Media} media */
  #configure({ codec, width, height, clock }) {
    [this.#canvas.width, this.#canvas.height] = [width || 480, height || 270];
    const context = this.#canvas.getContext("2d", { alpha: false });
    this.#decoder = new VideoDecoder({
      output: (frame) => {
        const { displayWidth, displayHeight, timestamp } = frame;
        if (this.#canvas.width !== displayWidth) [this.#canvas.width, this.#canvas.height] = [displayWidth, displayHeight];
        context?.drawImage(frame, 0, 0);
        frame.close();
        const now = performance.now();
        this.#frames.emit({
          rtp: Math.round((timestamp * clock) / 1e6) % CLOCK, shown_at: now, received_at: undefined,
          width: displayWidth, height: displayHeight,
        });
      },
      error: () => this.close(),
    });
    this.#decoder.configure({ codec, optimizeForLatency: true });
    this.#clock = clock;
    const media = this.#canvas.captureStream();
    if (this.#sound) media.addTrack(this.#sound.track);
    this.#media.write(media);
  }

  /** @param {ArrayBuffer} raw */
  #show(raw) {
    const heard = sound(raw);
    if (heard) return this.#sound?.take(heard.pts, heard.data);
    const one = picture(raw);
    const decoder = this.#decoder;
    if (!one || decoder?.state !== "configured") return;
    if (decoder.decodeQueueSize > MOST_UNDECODED) this.#waiting = true;
    if (this.#waiting && !one.keyframe) return;
    this.#waiting = false;
    decoder.decode(new EncodedVideoChunk({
      type: one.keyframe ? "key" : "delta", timestamp: Math.round((one.pts * 1e6) / this.#clock), data: one.data,
    }));
  }
}
