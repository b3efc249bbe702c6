// The microphone's button: click to begin and to end, a ring that is as large as the voice is loud.
// Knows the Microphone part; knows no connection.

import { Closer } from "../outputs.js";
import { WORDS } from "../strings.js";
import { iconButton } from "./element.js";

export class TalkButton {
  #closer = new Closer();

  /**
   * @param {HTMLElement} parent
   * @param {import("../microphone.js").Microphone} microphone
   * @param {import("./notices.js").Notices} notices
   */
  constructor(parent, microphone, notices) {
    const button = iconButton("microphone", WORDS.world.talk, () => {
      if (microphone.state.value === "talking") microphone.hush();
      else void microphone.talk();
    }, { "aria-pressed": "false", title: WORDS.world.talk_hint });
    button.classList.add("talk");
    parent.append(button);
    this.#closer.add(
      () => button.remove(),
      microphone.state.on((state) => {
        button.dataset.state = state;
        button.setAttribute("aria-pressed", String(state === "talking"));
        button.setAttribute("aria-label", state === "talking" ? WORDS.world.talking : WORDS.world.talk);
      }),
      microphone.level.on((level) => button.style.setProperty("--level", level.toFixed(3))),
      microphone.trouble.on((trouble) => {
        button.classList.toggle("troubled", trouble !== null);
        if (trouble) notices.say(why(trouble));
      }),
    );
  }

  close() {
    this.#closer.close();
  }
}

/** @param {DOMException | Error} trouble */
function why({ name, message }) {
  if (name === "NotAllowedError" || name === "SecurityError") return WORDS.microphone.denied;
  if (name === "NotFoundError") return WORDS.microphone.missing;
  return WORDS.microphone.failed(message);
}
