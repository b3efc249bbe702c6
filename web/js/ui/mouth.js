// Words for a world: the prompt line, the microphone and what this browser understood of it.
// Knows the dock; what words do is the world's.

import { Microphone } from "../microphone.js";
import { Closer, stream } from "../outputs.js";
import { Transcript } from "../transcript.js";
import { figure, inWords as refusalInWords, WORDS } from "../strings.js";
import { el } from "./element.js";
import { PromptLine } from "./prompt_line.js";
import { TalkButton } from "./talk_button.js";

const SHOWN_MS = 6000;

/**
 * What the world made of what was said, with how sure it is; nothing where it was silence.
 * @param {import("../wire.js").Heard} heard
 */
export function inWords({ words, kind, confidence, obeyed, reason }) {
  if (kind === "silence") return "";
  if (reason) return WORDS.microphone.refused(words, refusalInWords({ detail: reason }));
  const percent = `${figure(Math.round(100 * confidence))} %`;
  if (obeyed) return WORDS.microphone.heard(words, percent);
  return kind === "speech" ? WORDS.microphone.unsure(words, percent) : WORDS.microphone.not_for_me;
}

export class Mouth {
  /** @type {ReturnType<typeof stream<string>>} */
  #said = stream();
  said = this.#said.seen;
  #closer = new Closer();
  #world;

  /**
   * @param {HTMLElement} dock
   * @param {{ world: import("../world.js").World, keyboard: import("./keyboard.js").Keyboard,
   *   notices: import("./notices.js").Notices, settings: import("../settings.js").Settings, drives: boolean }} inputs
   */
  constructor(dock, { world, keyboard, notices, settings, drives }) {
    this.#world = world;
    const line = new PromptLine(dock, { prompts: world.prompts, bindings: settings.bindings, drives });
    this.#closer.add(
      () => line.close(),
      line.said.on((text) => this.say(text)),
      keyboard.keys.on((key) => key === "prompt" && line.open()),
    );
    if (drives) this.#talk(dock, { keyboard, notices, settings });
  }

  /** @param {string} text */
  say(text) {
    this.#world.say(text);
    this.#said.emit(text);
  }

  close() {
    this.#closer.close();
  }

  /**
   * @param {HTMLElement} dock
   * @param {{ keyboard: import("./keyboard.js").Keyboard, notices: import("./notices.js").Notices,
   *   settings: import("../settings.js").Settings }} inputs
   */
  #talk(dock, { keyboard, notices, settings }) {
    const microphone = new Microphone();
    const button = new TalkButton(dock, microphone, notices);
    const transcript = new Transcript();
    const understood = el("p", { class: "understood", role: "status", hidden: true });
    dock.append(understood);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const show = (/** @type {string} */ text, title = "") => {
      clearTimeout(timer);
      understood.textContent = text;
      understood.title = title;
      understood.hidden = !text;
    };
    this.#closer.add(
      () => microphone.close(), () => button.close(), () => transcript.close(), () => understood.remove(),
      microphone.track.on((track) => void this.#world.listenTo(track)),
      microphone.state.on((state) => {
        if (state === "talking" && settings.chosen.value.transcribe) transcript.begin(document.documentElement.lang);
        else transcript.end();
      }),
      transcript.interim.on((text) => show(text, WORDS.world.understood)),
      this.#world.heard.on((heard) => {
        const text = inWords(heard);
        if (!text) return;
        show(text);
        timer = setTimeout(() => show(""), SHOWN_MS);
      }),
      () => clearTimeout(timer),
      transcript.understood.on((text) => this.say(text)),
      keyboard.keys.on((key) => {
        if (key === "talk") void microphone.talk();
        else if (key === "hush") microphone.hush();
      }),
    );
  }
}
