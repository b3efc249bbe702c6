// The sheet that makes links for watching, suggesting and driving, shows and sends them, and takes them back.
// Knows the world's id and the gateway's shares; nothing of who follows a link.

import { Closer } from "../outputs.js";
import { inWords, WORDS } from "../strings.js";
import { el } from "./element.js";
import { openSheet } from "./sheet.js";

const HOURS = 24;
const ROLES = /** @type {const} */ (["viewer", "suggester", "driver"]);

/** @typedef {typeof ROLES[number]} Role */

export class ShareSheet {
  #closer = new Closer();
  #parent;
  #inputs;
  /** @type {Role} */
  #role = "viewer";
  /** Links made so far, one a role: opening the sheet again makes no more. @type {Map<Role, import("../api.js").Share>} */
  #shares = new Map();
  /** @type {HTMLDialogElement | null} */
  #dialog = null;
  #parts = this.#build();

  /**
   * @param {HTMLElement} parent
   * @param {{ api: import("../api.js").Api, session: string }} inputs
   */
  constructor(parent, inputs) {
    this.#parent = parent;
    this.#inputs = inputs;
    this.#closer.add(() => this.#dialog?.close());
  }

  toggle() {
    if (this.#dialog) return this.#dialog.close();
    const { link, copy, send, note, stop, body, code, roles } = this.#parts;
    this.#dialog = openSheet(this.#parent, {
      title: WORDS.share.title, kind: "share", closed: () => (this.#dialog = null),
      children: [roles, body, el("div", { class: "field" }, link, copy), code, el("footer", {}, note, send, stop)],
    });
    void this.#show(this.#role);
  }

  close() {
    this.#closer.close();
  }

  #build() {
    const words = WORDS.share;
    const roles = ROLES.map((role) => el("button", {
      type: "button", class: "option", "data-role": role, onclick: () => void this.#show(role),
    }, words.roles[role]));
    return {
      link: el("input", { type: "text", readonly: true, "aria-label": words.link_label, value: words.making }),
      copy: el("button", { type: "button", class: "primary", onclick: () => void this.#copied() }, words.copy),
      send: el("button", { type: "button", class: "quiet", onclick: () => void this.#send() }, words.send),
      stop: el("button", { type: "button", class: "quiet", onclick: () => void this.#revoke() }, words.stop),
      note: el("p", { class: "note", role: "status" }),
      body: el("p", {}),
      code: el("div", { class: "code" }),
      roles: el("div", { class: "choice", role: "group", "aria-label": words.role_label }, ...roles),
    };
  }

  /**
   * The link for a role: made the first time, and copied at once where the browser lets us.
   * @param {Role} role
   */
  async #show(role) {
    const { link, copy, send, note, stop, body, roles } = this.#parts;
    this.#role = role;
    for (const option of roles.children) {
      option.setAttribute("aria-pressed", String(option.getAttribute("data-role") === role));
    }
    body.textContent = WORDS.share.bodies[role];
    const known = this.#shares.get(role);
    copy.textContent = WORDS.share.copy;
    send.hidden = !navigator.share;
    if (!known) {
      copy.disabled = stop.disabled = send.disabled = true;
      link.value = WORDS.share.making;
      this.#parts.code.replaceChildren();
      try {
        const { api, session } = this.#inputs;
        this.#shares.set(role, await api.share(session, { role, expires_s: HOURS * 3600 }));
      } catch (error) {
        link.value = "";
        note.textContent = inWords(error);
        return;
      }
    }
    if (this.#role !== role) return;
    copy.disabled = stop.disabled = send.disabled = false;
    link.value = this.#url(role);
    note.textContent = WORDS.share.valid(HOURS);
    await this.#draw(link.value);
    if (!known) await this.#copied();
  }

  /** @param {Role} role */
  #url(role) {
    return new URL(this.#shares.get(role)?.url ?? "", location.href).href;
  }

  /** @param {string} url as a code that a phone's camera reads */
  async #draw(url) {
    const { correction, generate } = await import("../vendor/lean-qr/nano.mjs");
    const code = generate(url, { minCorrectionLevel: correction.L });
    let path = "";
    for (let y = 0; y < code.size; y += 1) {
      for (let x = 0; x < code.size; x += 1) if (code.get(x, y)) path += `M${x} ${y}h1v1h-1z`;
    }
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", `-2 -2 ${code.size + 4} ${code.size + 4}`);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", WORDS.share.code_label);
    const drawn = document.createElementNS("http://www.w3.org/2000/svg", "path");
    drawn.setAttribute("d", path);
    svg.append(drawn);
    this.#parts.code.replaceChildren(svg);
  }

  async #copied() {
    const { link, copy } = this.#parts;
    link.select();
    const done = await navigator.clipboard?.writeText(link.value).then(() => true, () => false);
    if (done || document.execCommand("copy")) copy.textContent = WORDS.share.copied;
  }

  async #send() {
    await navigator.share({ title: WORDS.name, url: this.#parts.link.value }).catch(() => undefined);
  }

  async #revoke() {
    const role = this.#role;
    const share = this.#shares.get(role);
    if (!share) return;
    const { link, copy, send, stop, note, code } = this.#parts;
    const { api, session } = this.#inputs;
    try {
      await api.revokeShare(session, share.id);
    } catch (error) {
      note.textContent = inWords(error);
      return;
    }
    this.#shares.delete(role);
    link.value = "";
    code.replaceChildren();
    note.textContent = WORDS.share.stopped;
    copy.textContent = WORDS.share.copy;
    copy.disabled = stop.disabled = send.disabled = true;
  }
}
