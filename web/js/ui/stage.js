// The world, full-bleed, with what lies around its edges, and the veil.
// Wires the parts of the page to one World; knows no network.

import { Closer, stream } from "../outputs.js";
import { Settings } from "../settings.js";
import { announced, hear, inWords, WORDS } from "../strings.js";
import { World } from "../world.js";
import { CameraSign } from "./camera_sign.js";
import { Captions } from "./captions.js";
import { Drawers } from "./drawers.js";
import { el } from "./element.js";
import { FiguresPanel } from "./figures.js";
import { Hands } from "./hands.js";
import { Header } from "./header.js";
import { Keyboard } from "./keyboard.js";
import { Mouth } from "./mouth.js";
import { Notices } from "./notices.js";
import { PeoplePanel } from "./people_panel.js";
import { Rest } from "./rest.js";
import { Still } from "./still.js";
import { Veil } from "./veil.js";

/**
 * @typedef {{ api: import("../api.js").Api, session: string, role: import("../world.js").Role, owner: boolean,
 *   kept?: string, picture?: string, glimpse?: string, title?: string }} StageInputs
 */

export class Stage {
  /** @type {ReturnType<typeof stream<"leave" | "again" | "walk_on">>} */
  #wishes = stream();
  wishes = this.#wishes.seen;
  world;

  #closer = new Closer();
  #role = new Closer();
  #root = el("main", { class: "stage" });
  #video = el("video", { autoplay: true, muted: true, playsinline: true, tabindex: 0, "aria-label": WORDS.world.label });
  #dock = el("div", { class: "edge dock" });
  #announce = el("p", { class: "hidden", role: "status" });
  #settings = new Settings();
  #inputs;
  #parts;

  /** @param {StageInputs} inputs */
  constructor(/** @type {HTMLElement} */ parent, inputs) {
    const { api, session, role, owner, picture, glimpse, title } = inputs;
    this.#inputs = inputs;
    this.#video.muted = true;
    this.#root.append(this.#video, el("div", { class: "shade", "aria-hidden": "true" }), this.#dock, this.#announce);
    parent.append(this.#root);
    const veil = this.#keep(new Veil(this.#root, { picture, glimpse, title }));
    const world = (this.world = new World({ api, session, role, owner, video: this.#video }));
    const settings = this.#settings;
    const notices = this.#keep(new Notices(this.#root));
    hear().catch(() => undefined);  // its own words will do
    const figures = this.#keep(new FiguresPanel(this.#root, { stats: () => world.stats(), model: api.model(), settings }));
    const keyboard = this.#keep(new Keyboard(world.hands, settings.bindings));
    const drawers = this.#keep(new Drawers(this.#root, {
      api, world, settings, notices, video: this.#video, kept: inputs.kept !== undefined, figures,
    }));
    const header = this.#keep(new Header(this.#root, { world, drawers }));
    this.#parts = { notices, keyboard, drawers };
    this.#keep(new CameraSign(this.#root, { world, bindings: settings.bindings }));
    this.#keep(new PeoplePanel(this.#root, { world }));
    this.#keep(new Captions(this.#dock, { world, settings }));
    const rest = this.#keep(new Rest(this.#root, this.#video));
    this.#closer.add(
      settings.chosen.on(({ smooth }) => world.smooth(smooth)),
      keyboard.keys.on((key) => {
        if (key === "let_go") drawers.away();
        else drawers.open(key);
      }),
      header.left.on(() => this.#wishes.emit("leave")),
      world.refusals.on((reason) => notices.say(inWords(reason))),
      world.together.notices.on((notice) => notices.say(announced(notice))),
      veil.wishes.on((wish) => {
        if (wish === "go_on") world.goOn();
        else this.#wishes.emit(wish);
      }),
      world.role.on((now) => this.#become(now, rest)),
      world.visible.on(() => rest.wake()),
      () => this.#role.close(),
    );
    this.#cover(veil);
    this.#sayLate();
    this.#closer.add(() => world.close(), () => this.#root.remove());
    this.#video.focus({ preventScroll: true });
  }

  close() {
    this.#closer.close();
  }

  /**
   * What a role has: who drives has hands, voice and words; who suggests has words.
   * @param {import("../world.js").Role} role
   * @param {Rest} rest
   */
  #become(role, rest) {
    this.#role.close();
    this.#root.dataset.role = role;
    if (this.world.visible.value) this.#announce.textContent = WORDS.world.announce_role[role];
    if (role === "viewer") return;
    const { keyboard, notices, drawers } = this.#parts;
    const mouth = new Mouth(this.#dock, {
      world: this.world, keyboard, notices, settings: this.#settings, drives: role === "driver",
    });
    this.#role.add(
      () => mouth.close(),
      mouth.said.on(() => this.#video.focus({ preventScroll: true })),
      drawers.again.on((text) => mouth.say(text)),
    );
    if (role !== "driver") return;
    const hands = new Hands(this.#video, this.#dock, { world: this.world, settings: this.#settings });
    this.#role.add(
      () => hands.close(),
      hands.locked.on((locked) => {
        this.#root.classList.toggle("locked", locked);
        rest.still(locked);
      }),
      mouth.said.on(() => hands.known()),
      keyboard.keys.on((key) => (key === "prompt" || key === "help" || key === "share") && hands.unlock()),
    );
  }

  /** Whether pictures follow looks late, for everybody in a world of ours: on each connection, and when it changes. */
  #sayLate() {
    const { world } = this;
    let said = /** @type {boolean | null} */ (null);
    const say = () => {
      const { late_look } = this.#settings.chosen.value;
      if (world.phase.value !== "live") said = null;
      else if (said !== late_look && world.together.owner.value) world.ask({ type: "late_look", on: (said = late_look) });
    };
    this.#closer.add(this.#settings.chosen.on(say), world.phase.on(say), world.together.owner.on(say));
  }

  /**
   * The veil follows the link's phase, the gateway's and the first frame; a still picture bridges a loss.
   * @param {Veil} veil
   */
  #cover(veil) {
    const { world } = this;
    const still = this.#keep(new Still(this.#video));
    const update = () => {
      const phase = world.phase.value;
      const { state, position, wait_s } = world.together.standing.value;
      this.#root.dataset.phase = phase;
      this.#root.classList.toggle("unseen", !world.visible.value || phase === "ended" || phase === "held");
      const resuming = state === "resuming" || state === "paused";
      if (phase === "live" && !resuming) still.yield();
      else if (world.visible.value) still.keep();
      if (phase === "ended") veil.show({ kind: "ended", reason: world.reason.value, kept: Boolean(this.#inputs.kept) });
      else if (phase === "held") veil.show({ kind: "held" });
      else if (phase === "reconnecting" && (world.visible.value || world.attempt.value > 2)) veil.show({ kind: "reconnecting", attempt: world.attempt.value });
      else if (state === "queued") veil.show({ kind: "queued", position: position ?? 1, wait_s });
      else if (resuming && world.visible.value) veil.show({ kind: "resuming" });
      else if (!world.visible.value) veil.show({ kind: phase === "live" ? "first_frame" : "connecting" });
      else veil.show({ kind: "clear" });
      if (phase === "live" && world.visible.value) this.#announce.textContent = WORDS.world.announce_live;
    };
    this.#closer.add(world.phase.on(update), world.attempt.on(update), world.visible.on(update),
      world.together.standing.on(update));
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
