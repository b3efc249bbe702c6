// Every word that the page says, in one place.
// Knows no element; a function where a number or a name goes in.

export const WORDS = Object.freeze({
  name: "Mundo",
  title: "Mundo · worlds that answer",
  watching_title: "Mundo · watching",

  arrival: {
    headline: "A world that answers.",
    lede: "Type, speak or walk. Every frame is imagined while you are in it.",
    invite_label: "Invite code",
    invite_placeholder: "Your invite code",
    enter: "Come in",
    entering: "One moment…",
    walk_on: "Walk on in your world",
    describe_headline: "Where to?",
    describe_label: "Describe a world",
    describe_placeholder: "Describe a world…",
    describe_go: "Open",
    examples_label: "Examples",
    examples: [
      "a meadow with pines at dawn",
      "dunes under a full moon",
      "snowy mountains, clear sky",
      "a foggy coast at dusk",
      "rain over green hills",
    ],
    wall_label: "Places to begin",
  },

  world: {
    label: "The world. W A S D walk, the arrow keys look, Enter opens the prompt line.",
    say_label: "Tell the world what happens",
    say_placeholder: "Tell the world what happens…",
    say_send: "Send",
    talk: "Talk to the world",
    talk_hint: "Hold V, or click",
    talking: "The world is listening",
    share: "Share",
    say_key: "Enter",
    figures: "Figures",
    leave: "Leave",
    help_look: "Click to look around",
    help_touch: "Left thumb walks, right thumb looks",
    keys: [["W A S D", "walk"], ["Space", "jump"], ["Shift", "run"], ["Enter", "say"], ["V", "talk"], ["H", "figures"]],
    badge: {
      idle: "", connecting: "Connecting", live: "Live", reconnecting: "Reconnecting", ended: "Ended",
    },
    watching: "Watching",
    viewers: (/** @type {number} */ count) => `${count} watching`,
    announce_live: "You are in the world.",
  },

  prompt: {
    waiting: "waiting for the connection",
    sent: "sent",
    accepted: "on its way",
    heard: (/** @type {number} */ frame) => `heard at frame ${frame.toLocaleString("en")}`,
    passed: "overtaken by the next",
    refused: (/** @type {string} */ reason) => `refused: ${reason}`,
    left: (/** @type {number} */ left) => (left >= 0 ? `${left} characters left` : `${-left} characters too many`),
  },

  share: {
    title: "Let someone watch",
    body: "Whoever has this link sees what you see, as you see it. They cannot steer.",
    link_label: "Watch link",
    copy: "Copy link",
    copied: "Copied",
    making: "Making a link…",
    valid: (/** @type {number} */ hours) => `Works for ${hours} hours.`,
    stop: "Stop sharing",
    stopped: "The link no longer works.",
    close: "Close",
  },

  figures: {
    fps: "frames/s",
    photon: "input to photon, p50",
    photon_p95: "input to photon, p95",
    round_trip: "round trip",
    picture: "picture",
    model: "model",
    step: "step",
    decode: "decode",
    encode: "encode",
    memory: "worker memory",
    frame: "frame",
    none: "–",
    ms: (/** @type {number} */ ms) => `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`,
    mib: (/** @type {number} */ mib) => `${mib.toFixed(0)} MiB`,
  },

  status: {
    asking: "Opening the world",
    asking_more: "Finding a place for it to live",
    connecting: "Opening the world",
    connecting_more: "Connecting",
    first_frame: "Opening the world",
    first_frame_more: "Imagining the first frame",
    resuming: "Resuming",
    resuming_more: "The world is coming back",
    reconnecting: "Reconnecting",
    reconnecting_more: (/** @type {number} */ attempt) => (attempt > 1 ? `attempt ${attempt}` : "the world waits for you"),
    ended: "This world has ended",
    again: "Open another world",
    no_webrtc: "This browser cannot show a world",
    no_webrtc_more: "Mundo needs WebRTC video. A current Chrome, Edge, Firefox or Safari has it.",
  },

  microphone: {
    denied: "The microphone is not allowed here. Allow it beside the address, then try again.",
    missing: "There is no microphone on this device.",
    failed: (/** @type {string} */ why) => `The microphone does not answer: ${why}`,
  },

  /** What a refusal of the gateway means to a person, by the slug of its type; otherwise its own detail is shown. */
  problems: /** @type {Record<string, string>} */ ({
    unreachable: "The server does not answer. Is the network there?",
    "sign-in-needed": "To come in you need an invite.",
    "invite-refused": "This invite does not open the door. It is unknown, expired or used up.",
    "no-such-session": "That world has ended.",
    "no-worker-free": "Every world is taken right now. Try again in a moment.",
    left: "You left it.",
  }),
});

/**
 * A refusal in words.
 * @param {unknown} error a Problem, a reason `{slug, detail}`, or anything thrown
 * @returns {string}
 */
export function inWords(error) {
  const { slug, detail, message } = /** @type {{ slug?: string, detail?: string, message?: string }} */ (error ?? {});
  const known = slug && Object.hasOwn(WORDS.problems, slug) ? WORDS.problems[slug] : "";
  return known || detail || message || String(error);
}
