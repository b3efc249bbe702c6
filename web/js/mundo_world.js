// `<mundo-world src="...">`: a world in any page, with the typed API of `window.mundo` on the element itself.
// Knows one video and its hands; asks nothing of the page around it, and leaves nothing when it is removed.

import { Api } from "./api.js";
import { Mundo } from "./mundo.js";
import { Closer } from "./outputs.js";
import { Settings } from "./settings.js";
import { roleOf } from "./together.js";
import { Keyboard } from "./ui/keyboard.js";
import { Pointer } from "./ui/pointer.js";
import { World } from "./world.js";

const STYLE = `
  :host { display: block; position: relative; aspect-ratio: 16 / 9; overflow: hidden; background: #070a14; }
  :host([hidden]) { display: none; }
  video { width: 100%; height: 100%; object-fit: cover; display: block; }
  :host([controls]) video { cursor: crosshair; touch-action: none; }
  video:focus-visible { outline: 2px solid #b4daff; outline-offset: -2px; }
`;

/** @typedef {import("./mundo.js").Connecting} Connecting */
/** @typedef {import("./mundo.js").Happenings} Happenings */
/** @typedef {import("./mundo.js").MundoState} MundoState */
/** @typedef {import("./world.js").Figures} Figures */

/**
 * Attributes: `src`, a share link to follow as soon as the element is in the page; `controls`, whether keys, mouse and
 * fingers on it steer. Everything else is in the methods.
 */
export class MundoWorld extends HTMLElement {
  #closer = new Closer();
  #video = document.createElement("video");
  #mundo = new Mundo((wish) => this.#open(wish));
  #turn = 0;

  constructor() {
    super();
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    Object.assign(this.#video, { autoplay: true, muted: true, playsInline: true, tabIndex: 0 });
    root.append(this.#video);
  }

  connectedCallback() {
    this.#video.setAttribute("aria-label", this.getAttribute("aria-label") ?? "Mundo");
    const src = this.getAttribute("src");
    if (!src) return;
    const token = new URL(src, document.baseURI).hash.slice(1);
    this.connect({ token }).catch((error) => this.dispatchEvent(new ErrorEvent("error", { error, message: String(error) })));
  }

  disconnectedCallback() {
    this.close();
  }

  /**
   * Goes into a world: a share's token, a session of ours, a kept world, or a new one. Rejects with a Problem.
   * @param {Connecting} wish
   */
  connect(wish) {
    return this.#mundo.connect(wish);
  }

  /**
   * Holds exactly these buttons (`event.code`s), turns by so many radians (right, up) and takes a camera by name.
   * @param {{ buttons?: readonly string[], look?: readonly [number, number], camera?: string }} wish
   */
  steer(wish) {
    this.#mundo.steer(wish);
  }

  /**
   * Says something to the world; its life is in `state.prompts`, by the ref returned.
   * @param {string} text
   */
  say(text) {
    return this.#mundo.say(text);
  }

  /** @returns {Figures | null} */
  stats() {
    return this.#mundo.stats();
  }

  /** @returns {MundoState} */
  get state() {
    return this.#mundo.state;
  }

  /**
   * Listens to `frame`, `receipt`, `state` or `refused`.
   * @template {keyof Happenings} K
   * @param {K} name
   * @param {(item: Happenings[K]) => void} listener
   * @returns {() => void} stops listening
   */
  on(name, listener) {
    return this.#mundo.on(name, listener);
  }

  /** Leaves the world; the element can connect again. */
  close() {
    this.#turn += 1;
    this.#mundo.enter(null);
    this.#closer.close();
    this.#video.srcObject = null;
  }

  /** @param {Connecting} wish */
  async #open({ invite, token, session, prompt, template, seed, saved }) {
    this.close();
    const turn = this.#turn;
    const src = this.getAttribute("src");
    const api = new Api(src ? new URL(src, document.baseURI).origin : "");
    if (invite) await api.redeemInvite(invite);
    const share = token ? await api.redeemShare(token) : null;
    const id = share?.session ?? session ?? (await api.openSession({ prompt, template, seed, saved })).id;
    if (turn !== this.#turn) return;
    const world = new World({ api, session: id, role: roleOf(share?.role ?? "driver"), owner: !share, video: this.#video });
    this.#closer.add(() => world.close());
    if (this.hasAttribute("controls")) this.#steered(world);
    this.#mundo.enter(world);
  }

  /** @param {World} world */
  #steered(world) {
    const settings = new Settings();
    const keyboard = new Keyboard(world.hands, settings.bindings, this.#video);
    const pointer = new Pointer(this.#video, world.hands, () => ({ ...settings.chosen.value, runs: world.filming.camera.value === "first" }));
    this.#closer.add(keyboard.keys.on((key) => key === "camera" && world.filming.next()));
    this.#closer.add(() => keyboard.close(), () => pointer.close());
  }
}

if (!customElements.get("mundo-world")) customElements.define("mundo-world", MundoWorld);
