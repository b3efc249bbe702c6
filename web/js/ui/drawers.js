// What the page can do beside the world: sheets, pictures, recordings, pause. Each is loaded when it is first wanted.
// Knows which there are at this moment, by the role and by what browser and gateway can; not how they work.

import { Closer, stream } from "../outputs.js";
import { keyName } from "../bindings.js";
import { language, WORDS } from "../strings.js";
import { FILMING } from "../words/cameras.js";

/** @typedef {"share" | "picture" | "record" | "pause" | "film" | "camera" | "moves" | "keep" | "figures" | "help" | "fullscreen" | "mute"} Drawer */
/**
 * @typedef {{ api: import("../api.js").Api, world: import("../world.js").World, video: HTMLVideoElement,
 *   settings: import("../settings.js").Settings, notices: import("./notices.js").Notices,
 *   figures: import("./figures.js").FiguresPanel, kept: boolean }} DrawerInputs
 */
/** @typedef {{ close: () => void, toggle?: () => void }} Part */

export class Drawers {
  /** @type {ReturnType<typeof stream<string>>} */
  #again = stream();
  /** Something that was said before is to be said again. */
  again = this.#again.seen;
  #closer = new Closer();
  #root;
  #inputs;
  /** @type {Map<string, any>} what was loaded, by name */
  #parts = new Map();
  #closed = false;

  /**
   * @param {HTMLElement} root
   * @param {DrawerInputs} inputs
   */
  constructor(root, inputs) {
    this.#root = root;
    this.#inputs = inputs;
    const { world, settings } = inputs;
    this.#closer.add(
      () => (this.#closed = true),
      () => this.#parts.forEach((part) => part.close()),
      settings.chosen.on(() => this.#loud()),
      world.visible.on(() => this.#loud()),
    );
    // a browser stops a picture whose sound begins before anybody has touched the page
    for (const touch of ["pointerdown", "keydown"]) this.#closer.listen(document, touch, () => this.#loud());
    if (world.role.value !== "viewer") void this.#part("film");
  }

  /**
   * What there is at this moment, with its key and whether it is on.
   * @returns {{ name: Drawer, picture: Parameters<typeof import("./element.js").icon>[0], label: string, key?: string,
   *   on?: boolean }[]}
   */
  offered() {
    const { world, settings, kept, figures } = this.#inputs;
    const words = WORDS.world;
    const drives = world.role.value === "driver";
    const recording = this.#parts.get("record")?.running === true;
    const key = (/** @type {import("../bindings.js").Action} */ action) =>
      keyName(settings.bindings.key(action), WORDS.keys.names);
    /** @type {ReturnType<Drawers["offered"]>} */
    const all = [
      { name: "picture", picture: "camera", label: words.picture, key: key("picture") },
      { name: "record", picture: "record", label: recording ? words.record_stop : words.record, key: key("record"), on: recording },
    ];
    if (drives) {
      all.push({ name: "film", picture: "film", label: words.film, key: key("film") },
        { name: "camera", picture: "turn", label: FILMING[language].cameras.now(FILMING[language].cameras.names[world.filming.camera.value]), key: key("camera") },
        { name: "moves", picture: "camera_moves", label: FILMING[language].moves.label, key: key("moves") });
    }
    if (kept && drives && world.together.owner.value) {
      all.push({ name: "keep", picture: "keep", label: words.keep },
        { name: "pause", picture: "pause", label: words.pause, key: key("pause") });
    }
    if (this.#sounds) {
      const { muted } = settings.chosen.value;
      all.push({ name: "mute", picture: muted ? "silent" : "sound", label: words.mute, key: key("mute"), on: muted });
    }
    all.push({ name: "figures", picture: "figures", label: words.figures, key: key("figures"), on: figures.shown.value });
    if (document.fullscreenEnabled) {
      all.push({ name: "fullscreen", picture: "wide", label: words.fullscreen, key: key("fullscreen"),
        on: document.fullscreenElement !== null });
    }
    all.push({ name: "help", picture: "keys", label: words.keys, key: "?" });
    return all;
  }

  /** @param {string} name a drawer; one that is not offered now is left alone */
  open(name) {
    const { world, figures, settings } = this.#inputs;
    if (name === "share" ? !world.together.owner.value : !this.offered().some((one) => one.name === name)) return;
    if (name === "figures") figures.toggle();
    else if (name === "mute") settings.choose({ muted: !settings.chosen.value.muted });
    else if (name === "pause") {
      if (world.phase.value === "held") world.goOn();
      else world.hold();
    } else if (name === "camera") world.filming.next();
    else if (name === "fullscreen") void this.#fill();
    else if (name === "keep") void this.#keep();
    else void this.#part(name).then((part) => part?.toggle());
  }

  /** Whatever is open gives way to the world. */
  away() {
    for (const name of ["film", "moves"]) this.#parts.get(name)?.away();
  }

  close() {
    this.#closer.close();
  }

  #loud() {
    const { settings, video } = this.#inputs;
    const { volume, muted } = settings.chosen.value;
    const silent = muted || !this.#sounds || !(navigator.userActivation?.hasBeenActive ?? true);
    video.volume = volume;
    if (video.muted !== silent) video.muted = silent;
    // a picture that is given its sound before a browser has begun it is begun by nobody
    if (video.paused && video.srcObject) video.play().catch(() => undefined);
  }

  get #sounds() {
    const media = /** @type {MediaStream | null} */ (this.#inputs.video.srcObject);
    return (media?.getAudioTracks().length ?? 0) > 0;
  }

  /**
   * @param {string} name
   * @returns {Promise<any>} the part, or undefined where the stage closed meanwhile
   */
  async #part(name) {
    if (this.#parts.has(name)) return this.#parts.get(name);
    const made = await this.#load(name);
    if (this.#closed) return void made.close();
    if (this.#parts.has(name)) made.close();
    else this.#parts.set(name, made);
    return this.#parts.get(name);
  }

  /**
   * @param {string} name
   * @returns {Promise<Part>}
   */
  async #load(name) {
    const { api, world, settings, notices, video } = this.#inputs;
    if (name === "share") {
      const { ShareSheet } = await import("./share_sheet.js");
      return new ShareSheet(this.#root, { api, session: world.session });
    }
    if (name === "help") {
      const { KeysSheet } = await import("./keys_sheet.js");
      return new KeysSheet(this.#root, { world, settings });
    }
    if (name === "film") {
      const { Film } = await import("./film.js");
      const film = new Film(this.#root, { world, video });
      film.again.on((text) => this.#again.emit(text));
      return film;
    }
    if (name === "moves") {
      const { MovesBar } = await import("./moves_bar.js");
      return new MovesBar(this.#root, { world, bindings: settings.bindings });
    }
    const { PictureTaker, Recorder } = await import("./capture.js");
    if (name === "record") return new Recorder(this.#root, { video, notices, world });
    return new PictureTaker(this.#root, { video, notices, world, taken: () => this.#parts.get("film")?.mark("picture") });
  }

  async #fill() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await document.documentElement.requestFullscreen().catch(() => undefined);
  }

  async #keep() {
    const { api, world, notices } = this.#inputs;
    const { inWords } = await import("../strings.js");
    await api.keep(world.session).then(
      ({ name, prompt }) => {
        this.#parts.get("film")?.mark("kept");
        notices.say(WORDS.world.kept(name || prompt || WORDS.arrival.nameless));
      },
      (error) => notices.say(inWords(error)));
  }
}
