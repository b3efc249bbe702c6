// The world, full-bleed, with what lies around its edges: dock, figures, share sheet, hints and veil.
// Wires the parts of the page to one World; knows no network.

import { Microphone } from "../microphone.js";
import { Closer, stream } from "../outputs.js";
import { WORDS } from "../strings.js";
import { World } from "../world.js";
import { el, iconButton } from "./element.js";
import { FiguresPanel } from "./figures.js";
import { Keyboard } from "./keyboard.js";
import { Notices } from "./notices.js";
import { Pointer } from "./pointer.js";
import { PromptLine } from "./prompt_line.js";
import { ShareSheet } from "./share_sheet.js";
import { Still } from "./still.js";
import { TalkButton } from "./talk_button.js";
import { Veil } from "./veil.js";

const words = WORDS.world;
/** The edges fade after so long without a movement. */
const RESTFUL_MS = 3500;

export class Stage {
  /** @type {ReturnType<typeof stream<"leave" | "again">>} */
  #wishes = stream();
  wishes = this.#wishes.seen;
  world;

  #closer = new Closer();
  #root = el("main", { class: "stage" });
  #video = el("video", { autoplay: true, muted: true, playsinline: true, tabindex: 0, "aria-label": words.label });
  #top = el("header", { class: "edge top" });
  #dock = el("div", { class: "edge dock" });
  #announce = el("p", { class: "hidden", role: "status" });
  #veil;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resting;

  /**
   * @param {HTMLElement} parent
   * @param {{ api: import("../api.js").Api, session: string, role: import("../world.js").Role, picture?: string }} inputs
   */
  constructor(parent, { api, session, role, picture }) {
    this.#video.muted = true;
    this.#root.append(this.#video, el("div", { class: "shade", "aria-hidden": "true" }), this.#top, this.#dock, this.#announce);
    parent.append(this.#root);
    this.#veil = this.#keep(new Veil(this.#root, { picture }));
    this.world = new World({ api, session, role, video: this.#video });
    const notices = this.#keep(new Notices(this.#root));
    const figures = this.#keep(new FiguresPanel(this.#root, { stats: () => this.world.stats(), model: api.model() }));
    const keyboard = this.#keep(new Keyboard(this.world.hands));
    this.#closer.add(
      keyboard.keys.on((key) => key === "figures" && figures.toggle()),
      this.world.refusals.on((reason) => notices.say(reason)),
      this.#veil.wishes.on((wish) => this.#wishes.emit(wish)),
    );
    this.#header(figures, role === "driver" ? this.#keep(new ShareSheet(this.#root, { api, session })) : null);
    if (role === "driver") this.#drive(keyboard, notices);
    this.#cover();
    this.#rest();
    this.#closer.add(() => this.world.close(), () => this.#root.remove(), () => clearTimeout(this.#resting));
    this.#video.focus({ preventScroll: true });
  }

  close() {
    this.#closer.close();
  }

  /**
   * @param {FiguresPanel} figures
   * @param {ShareSheet | null} sheet
   */
  #header(figures, sheet) {
    const people = el("span", { class: "people" });
    const badge = el("span", { class: "badge" });
    this.#top.append(
      el("p", { class: "wordmark" }, WORDS.name), badge, people, el("span", { class: "spring" }),
      iconButton("figures", words.figures, () => figures.toggle(), { "aria-pressed": "false" }),
      ...(sheet ? [iconButton("share", words.share, () => void sheet.open())] : []),
      iconButton("leave", words.leave, () => this.#wishes.emit("leave")),
    );
    const toggle = this.#top.querySelector("[aria-pressed]");
    this.#closer.add(
      this.world.phase.on((phase) =>
        (badge.textContent = phase === "live" && !sheet ? words.watching : words.badge[phase])),
      figures.shown.on((shown) => toggle?.setAttribute("aria-pressed", String(shown))),
      this.world.viewers.on((count) => (people.textContent = count > 0 ? words.viewers(count) : "")),
    );
  }

  /**
   * What only a driver has: hands, voice and words.
   * @param {Keyboard} keyboard
   * @param {Notices} notices
   */
  #drive(keyboard, notices) {
    const { world } = this;
    const pointer = this.#keep(new Pointer(this.#video, world.hands));
    const hint = this.#hint();
    const line = this.#keep(new PromptLine(this.#dock, { prompts: world.prompts }));
    const microphone = this.#keep(new Microphone());
    this.#keep(new TalkButton(this.#dock, microphone, notices));
    this.#closer.add(
      line.said.on((text) => {
        world.say(text);
        hint.classList.add("gone");
        this.#video.focus({ preventScroll: true });
      }),
      microphone.track.on((track) => void world.listenTo(track)),
      pointer.locked.on((locked) => {
        this.#root.classList.toggle("locked", locked);
        if (locked) hint.classList.add("gone");
      }),
      keyboard.keys.on((key) => {
        if (key === "prompt") {
          pointer.unlock();
          line.open();
        } else if (key === "talk") void microphone.talk();
        else if (key === "hush") microphone.hush();
      }),
    );
  }

  /** The veil follows the link's phase and the first frame; a still picture bridges a loss. */
  #cover() {
    const { world } = this;
    const still = this.#keep(new Still(this.#video));
    const update = () => {
      const phase = world.phase.value;
      this.#root.dataset.phase = phase;
      this.#root.classList.toggle("unseen", !world.visible.value || phase === "ended");
      if (phase === "live") still.yield();
      else if (world.visible.value) still.keep();
      if (phase === "ended") this.#veil.show({ kind: "ended", reason: world.reason.value });
      else if (phase === "reconnecting") this.#veil.show({ kind: "reconnecting", attempt: world.attempt.value });
      else if (world.resuming.value) this.#veil.show({ kind: "resuming" });
      else if (!world.visible.value) this.#veil.show({ kind: phase === "live" ? "first_frame" : "connecting" });
      else this.#veil.show({ kind: "clear" });
      if (phase === "live" && world.visible.value) this.#announce.textContent = words.announce_live;
    };
    this.#closer.add(world.phase.on(update), world.attempt.on(update), world.visible.on(update),
      world.resuming.on(update));
  }

  #rest() {
    const wake = () => {
      this.#root.classList.remove("restful");
      clearTimeout(this.#resting);
      this.#resting = setTimeout(() => this.#root.classList.add("restful"), RESTFUL_MS);
    };
    for (const type of ["pointermove", "pointerdown", "focusin"]) this.#closer.listen(this.#root, type, wake);
    wake();
  }

  /** How to walk, until it is known. */
  #hint() {
    const coarse = matchMedia("(pointer: coarse)").matches;
    const hint = el("div", { class: "hint glass" }, el("p", {}, coarse ? words.help_touch : words.help_look),
      el("ul", {}, ...words.keys.map(([key, what]) => el("li", {}, el("kbd", {}, key), ` ${what}`))));
    this.#dock.append(hint);
    if (coarse) this.#closer.listen(this.#video, "pointerup", () => hint.classList.add("gone"));
    return hint;
  }

  /**
   * @template {{ close: () => void }} T
   * @param {T} part
   * @returns {T}
   */
  #keep(part) {
    this.#closer.add(() => part.close());
    return part;
  }
}
