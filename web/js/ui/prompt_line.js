// The line that speaks to the world, and above it what became of each thing said.
// Knows the prompts' log and the text field; what is said leaves by `said`.

import { keyName } from "../bindings.js";
import { Closer, stream } from "../outputs.js";
import { figure, inWords, WORDS } from "../strings.js";
import { el, icon } from "./element.js";

const MOST_CHARS = 400;
const COUNT_FROM = 340;
/** How long what is settled stays on screen. */
const LINGER_MS = 7000;
const SHOWN = 3;
const REMEMBERED = 40;
/** What was said in this page, newest last: it outlives the line, which comes and goes with the role. @type {string[]} */
const history = [];

export class PromptLine {
  /** @type {ReturnType<typeof stream<string>>} */
  #said = stream();
  said = this.#said.seen;
  #closer = new Closer();
  #input;
  #count = el("span", { class: "count", "aria-live": "polite" });
  #trail = el("ol", { class: "trail" });
  /** @type {Map<number, { item: HTMLElement, shown: string }>} */
  #items = new Map();
  /** @type {Set<ReturnType<typeof setTimeout>>} */
  #timers = new Set();
  /** Where in the history the line is; its length is the line being written. */
  #at = history.length;
  #draft = "";

  /**
   * @param {HTMLElement} parent
   * @param {{ prompts: import("../outputs.js").Output<readonly import("../prompts.js").Prompt[]>,
   *   bindings: import("../bindings.js").Bindings, drives: boolean }} inputs
   */
  constructor(parent, { prompts, bindings, drives }) {
    const words = WORDS.world;
    this.#input = el("input", {
      type: "text", class: "say", name: "say", autocomplete: "off", enterkeyhint: "send",
      placeholder: drives ? words.say_placeholder : words.suggest_placeholder,
      "aria-label": drives ? words.say_label : words.suggest_label,
    });
    const form = el("form", { class: "line", onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
      this.#input, this.#count, el("kbd", { "aria-hidden": "true" }, keyName(bindings.key("prompt"), WORDS.keys.names)),
      el("button", { class: "round send", type: "submit", "aria-label": words.say_send, tabindex: -1 }, icon("send")));
    const log = el("div", { class: "log", role: "log", "aria-live": "polite" }, this.#trail);
    parent.append(log, form);
    this.#closer.add(() => form.remove(), () => log.remove());
    this.#closer.add(() => this.#timers.forEach(clearTimeout));
    this.#closer.listen(this.#input, "keydown", (event) => this.#key(event));
    this.#closer.listen(this.#input, "input", () => this.#counted());
    for (const prompt of prompts.value.filter(settled)) this.#items.set(prompt.ref, { item: el("li"), shown: shownOf(prompt) });
    this.#closer.add(prompts.on((list) => this.#show(list)));
  }

  open() {
    this.#input.focus();
  }

  close() {
    this.#closer.close();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") this.#input.blur();
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      this.#recall(event.key === "ArrowUp" ? -1 : 1);
    }
  }

  /** @param {number} step back (-1) or forth in what was said before */
  #recall(step) {
    const to = Math.min(history.length, Math.max(0, this.#at + step));
    if (to === this.#at) return;
    if (this.#at === history.length) this.#draft = this.#input.value;
    this.#at = to;
    this.#input.value = history[to] ?? this.#draft;
    this.#input.setSelectionRange(-1, -1);
    this.#counted();
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const text = this.#input.value.trim();
    this.#input.value = this.#draft = "";
    if (text) {
      if (history.at(-1) !== text) history.push(text);
      if (history.length > REMEMBERED) history.shift();
      this.#said.emit(text);
    }
    this.#at = history.length;
    this.#counted();
    this.#input.blur();
  }

  #counted() {
    const length = this.#input.value.length;
    this.#count.textContent = length >= COUNT_FROM ? WORDS.prompt.left(MOST_CHARS - length) : "";
    this.#count.classList.toggle("over", length > MOST_CHARS);
  }

  /** @param {readonly import("../prompts.js").Prompt[]} list */
  #show(list) {
    for (const prompt of list) {
      const shown = shownOf(prompt);
      const known = this.#items.get(prompt.ref);
      if (known?.shown === shown) continue;
      const item = known?.item ?? el("li");
      this.#items.set(prompt.ref, { item, shown });
      item.dataset.stage = prompt.stage;
      item.classList.toggle("seen", prompt.seen_ms !== undefined);
      item.replaceChildren(el("q", {}, shorten(prompt.text)), el("span", { class: "life", "aria-hidden": "true" }),
        el("span", { class: "word" }, wordsOf(prompt)));
      if (!known) this.#trail.append(item);
      if (settled(prompt)) this.#linger(item);
    }
    while (this.#trail.children.length > SHOWN) this.#trail.firstElementChild?.remove();
  }

  /** @param {HTMLElement} item */
  #linger(item) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      item.remove();
    }, LINGER_MS);
    this.#timers.add(timer);
  }
}

/** @param {import("../prompts.js").Prompt} prompt */
function shownOf({ stage, seen_ms }) {
  return `${stage} ${seen_ms ?? ""}`;
}

/**
 * Whether nothing more becomes of it.
 * @param {import("../prompts.js").Prompt} prompt
 */
function settled({ stage, seen_ms }) {
  return ["refused", "passed", "dismissed"].includes(stage) || seen_ms !== undefined;
}

/** @param {import("../prompts.js").Prompt} prompt */
function wordsOf({ stage, frame = 0, seen_ms, reason, slug }) {
  const words = WORDS.prompt;
  if (stage === "refused") return words.refused(inWords({ slug, detail: reason }));
  if (stage !== "heard") return words[stage];
  return seen_ms === undefined ? words.heard(figure(frame)) : words.seen(figure(frame), WORDS.figures.ms(seen_ms));
}

/** @param {string} text */
function shorten(text) {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
