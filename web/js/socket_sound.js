// Sound over a socket: Opus packets decoded here, and played one after the other as a track of its own.
// Knows WebCodecs and Web Audio; nothing of sockets.

const RATE = 48_000;
const CLOCK = 90_000;
/** How far ahead of the loudspeaker sound is laid out: less stutters, more is late. */
const LEAD_S = 0.06;
/** More than this waits nowhere: what is later is dropped. */
const MOST_S = 0.3;

/** Whether this browser can. */
export function sounds() {
  return typeof AudioDecoder === "function" && typeof AudioContext === "function";
}

export class SocketSound {
  #context = new AudioContext({ sampleRate: RATE });
  #out = this.#context.createMediaStreamDestination();
  #next_s = 0;
  #decoder = new AudioDecoder({ output: (data) => this.#play(data), error: () => this.close() });

  constructor() {
    this.#decoder.configure({ codec: "opus", sampleRate: RATE, numberOfChannels: 1 });
  }

  /** The sound as a track for a <video>. */
  get track() {
    return this.#out.stream.getAudioTracks()[0];
  }

  /**
   * @param {number} pts in 90 kHz
   * @param {Uint8Array} data 10 ms
   */
  take(pts, data) {
    if (this.#decoder.state !== "configured") return;
    if (this.#context.state === "suspended") void this.#context.resume();
    this.#decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: Math.round((pts * 1e6) / CLOCK), data }));
  }

  close() {
    if (this.#decoder.state !== "closed") this.#decoder.close();
    if (this.#context.state !== "closed") void this.#context.close();
  }

  /** @param {AudioData} data */
  #play(data) {
    const { numberOfFrames, sampleRate } = data;
    const buffer = new AudioBuffer({ length: numberOfFrames, sampleRate, numberOfChannels: 1 });
    data.copyTo(buffer.getChannelData(0), { planeIndex: 0, format: "f32-planar" });
    data.close();
    if (this.#context.state !== "running") return;
    const now_s = this.#context.currentTime;
    if (this.#next_s > now_s + MOST_S) return;
    if (this.#next_s < now_s) this.#next_s = now_s + LEAD_S;
    const node = new AudioBufferSourceNode(this.#context, { buffer });
    node.connect(this.#out);
    node.start(this.#next_s);
    this.#next_s += numberOfFrames / sampleRate;
  }
}
