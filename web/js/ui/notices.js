// Short notices that come and go: refusals, trouble with the microphone.
// Knows no reason itself.

import { Closer } from "../outputs.js";
import { el } from "./element.js";

const LINGER_MS = 6000;

export class Notices {
  #closer = new Closer();
  #root = el("div", { class: "notices", role: "alert" });

  /** @param {HTMLElement} parent */
  constructor(parent) {
    parent.append(this.#root);
    this.#closer.add(() => this.#root.remove());
  }

  /** @param {string} text */
  say(text) {
    const notice = el("p", { class: "notice glass" }, text);
    this.#root.replaceChildren(notice);
    const timer = setTimeout(() => notice.remove(), LINGER_MS);
    this.#closer.add(() => clearTimeout(timer));
  }

  close() {
    this.#closer.close();
  }
}
