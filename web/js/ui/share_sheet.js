// The sheet that makes a watch link, copies it, and takes it back.
// Knows the world's id and the gateway's shares; nothing of who follows the link.

import { Closer } from "../outputs.js";
import { inWords, WORDS } from "../strings.js";
import { el, iconButton } from "./element.js";

const words = WORDS.share;
const HOURS = 24;

export class ShareSheet {
  #closer = new Closer();
  #dialog = el("dialog", { class: "sheet glass", "aria-labelledby": "share-title" });
  #link = el("input", { type: "text", readonly: true, "aria-label": words.link_label, value: words.making });
  #copy = el("button", { type: "button", class: "primary", onclick: () => void this.#copied() }, words.copy);
  #stop = el("button", { type: "button", class: "quiet", onclick: () => void this.#revoke() }, words.stop);
  #note = el("p", { class: "note", role: "status" });
  /** @type {import("../api.js").Share | null} */
  #share = null;
  #inputs;

  /**
   * @param {HTMLElement} parent
   * @param {{ api: import("../api.js").Api, session: string }} inputs
   */
  constructor(parent, inputs) {
    this.#inputs = inputs;
    this.#dialog.append(
      iconButton("close", words.close, () => this.#dialog.close()),
      el("h2", { id: "share-title" }, words.title), el("p", {}, words.body),
      el("div", { class: "field" }, this.#link, this.#copy), this.#note, this.#stop,
    );
    parent.append(this.#dialog);
    this.#closer.listen(this.#dialog, "click", (event) => event.target === this.#dialog && this.#dialog.close());
    this.#closer.add(() => this.#dialog.remove());
  }

  /** Opens the sheet; the link is made the first time and copied at once where the browser lets us. */
  async open() {
    if (!this.#dialog.open) this.#dialog.showModal();
    if (this.#share) return;
    this.#copy.disabled = this.#stop.disabled = true;
    this.#link.value = words.making;
    try {
      const { api, session } = this.#inputs;
      this.#share = await api.share(session, { role: "viewer", expires_s: HOURS * 3600 });
    } catch (error) {
      this.#link.value = "";
      this.#note.textContent = inWords(error);
      return;
    }
    this.#copy.disabled = this.#stop.disabled = false;
    this.#link.value = new URL(this.#share.url, location.href).href;
    this.#note.textContent = words.valid(HOURS);
    await this.#copied();
  }

  close() {
    this.#closer.close();
  }

  async #copied() {
    this.#link.select();
    const done = await navigator.clipboard?.writeText(this.#link.value).then(() => true, () => false);
    if (done || document.execCommand("copy")) this.#copy.textContent = words.copied;
  }

  async #revoke() {
    if (!this.#share) return;
    const { api, session } = this.#inputs;
    try {
      await api.revokeShare(session, this.#share.id);
    } catch (error) {
      this.#note.textContent = inWords(error);
      return;
    }
    this.#share = null;
    this.#link.value = "";
    this.#note.textContent = words.stopped;
    this.#copy.textContent = words.copy;
    this.#copy.disabled = this.#stop.disabled = true;
  }
}
