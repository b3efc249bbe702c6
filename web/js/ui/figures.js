// The honest figures, a corner of the world that H shows and hides.
// Knows how figures are written; measures nothing itself.

import { Closer, output } from "../outputs.js";
import { figure, language, WORDS } from "../strings.js";
import { FILMING } from "../words/cameras.js";
import { el } from "./element.js";

const PERIOD_MS = 500;
/** The last minute. */
const POINTS = 120;
const MOST_FPS = 30;
const ROWS = /** @type {const} */ (["photon", "photon_p95", "look", "look_p95", "round_trip", "loss", "rung", "picture", "camera", "model", "step",
  "decode", "encode", "memory", "frame"]);

export class FiguresPanel {
  #shown = output(false);
  shown = this.#shown.seen;
  #closer = new Closer();
  #root = el("aside", { class: "figures glass", "aria-label": WORDS.world.figures });
  #fps = el("strong", { "data-figure": "fps" }, WORDS.figures.none);
  #spark = el("canvas", { width: 240, height: 56, "aria-hidden": "true" });
  /** @type {number[]} */
  #history = [];
  /** @type {Record<string, HTMLElement>} */
  #cells = {};
  #settings;

  /**
   * @param {HTMLElement} parent
   * @param {{ stats: () => import("../world.js").Figures, model: ReturnType<import("../api.js").Api["model"]>,
   *   settings: import("../settings.js").Settings }} inputs
   */
  constructor(parent, { stats, model, settings }) {
    const words = WORDS.figures;
    this.#settings = settings;
    const list = el("dl", {}, ...ROWS.flatMap((name) => {
      this.#cells[name] = el("dd", { "data-figure": name }, words.none);
      return [el("dt", {}, words[name]), this.#cells[name]];
    }));
    this.#root.append(el("p", { class: "fps" }, this.#fps, ` ${words.fps}`), this.#spark, list);
    parent.append(this.#root);
    void model.then((known) => {
      if (known) this.#cells.model.textContent = `${known.name}, ${known.steps}`;
    });
    this.#closer.add(() => this.#root.remove());
    this.#closer.every(PERIOD_MS, () => this.#update(stats()));
    this.#closer.add(settings.chosen.on(({ figures }) => {
      this.#shown.write(figures);
      this.#root.hidden = !figures;
    }));
  }

  toggle() {
    this.#settings.choose({ figures: !this.shown.value });
  }

  close() {
    this.#closer.close();
  }

  /** @param {import("../world.js").Figures} figures */
  #update(figures) {
    this.#history.push(figures.fps);
    if (this.#history.length > POINTS) this.#history.shift();
    if (!this.shown.value) return;
    const { worker } = figures;
    const words = WORDS.figures;
    const cell = (/** @type {string} */ name, /** @type {string} */ text) => (this.#cells[name].textContent = text);
    this.#fps.textContent = figures.fps ? figures.fps.toFixed(1) : words.none;
    cell("photon", ms(figures.input_to_photon_p50_ms));
    cell("photon_p95", ms(figures.input_to_photon_p95_ms));
    cell("look", ms(figures.look_to_photon_p50_ms));
    cell("look_p95", ms(figures.look_to_photon_p95_ms));
    cell("round_trip", ms(figures.round_trip_ms));
    cell("loss", figures.loss === null ? words.none : words.percent(figures.loss));
    cell("picture", figures.width ? `${figures.width} × ${figures.height}` : words.none);
    cell("rung", figures.rung?.rung ?? words.none);
    cell("camera", FILMING[language].cameras.names[figures.camera]);
    cell("frame", figure(figures.frame));
    cell("step", ms(worker?.step_ms));
    cell("decode", ms(worker?.decode_ms));
    cell("encode", ms(worker?.encode_ms));
    cell("memory", worker ? words.mib(worker.memory_mib) : words.none);
    this.#draw();
  }

  #draw() {
    const context = this.#spark.getContext("2d");
    if (!context) return;
    const { width, height } = this.#spark;
    const style = getComputedStyle(this.#spark);
    context.clearRect(0, 0, width, height);
    context.beginPath();
    this.#history.forEach((fps, index) => {
      const x = (width * (index + POINTS - this.#history.length)) / (POINTS - 1);
      const y = height - 3 - (height - 6) * Math.min(1, fps / MOST_FPS);
      if (index === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    });
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.strokeStyle = style.color;
    context.stroke();
  }
}

/** @param {number | null | undefined} value */
function ms(value) {
  return value === null || value === undefined ? WORDS.figures.none : WORDS.figures.ms(value);
}
