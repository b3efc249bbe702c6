// The line that speaks to the world, and above it what became of each thing said.
// Knows the prompts' log and the text field; what is said leaves by `said`.

import { Closer, stream } from "../outputs.js";
import { WORDS } from "../strings.js";
import { el, icon } from "./element.js";

const MOST_CHARS = 400;
const COUNT_FROM = 340;
/** How long what is settled stays on screen. */
const LINGER_MS = 7000;
const SHOWN = 3;

export class PromptLine {
  /** @type {ReturnType<typeof stream<string>>} */
  #said = stream();
  said = this.#said.seen;
  #closer = new Closer();
  #input = el("input", {
    type: "text", class: "say", name: "say", autocomplete: "off", enterkeyhint: "send",
    placeholder: WORDS.world.say_placeholder, "aria-label": WORDS.world.say_label,
  });
  #count = el("span", { class: "count", "aria-live": "polite" });
  #trail = el("ol", { class: "trail", role: "log", "aria-live": "polite" });
  /** @type {Map<number, { item: HTMLElement, stage: string }>} */
  #items = new Map();
  /** @type {Set<ReturnType<typeof setTimeout>>} */
  #timers = new Set();

  /**
   * @param {HTMLElement} parent
   * @param {{ prompts: import("../outputs.js").Output<readonly import("../prompts.js").Prompt[]> }} inputs
   */
  constructor(parent, { prompts }) {
    const form = el("form", { class: "line", onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
      this.#input, this.#count, el("kbd", { "aria-hidden": "true" }, WORDS.world.say_key),
      el("button", { class: "round send", type: "submit", "aria-label": WORDS.world.say_send, tabindex: -1 }, icon("send")));
    parent.append(this.#trail, form);
    this.#closer.add(() => form.remove(), () => this.#trail.remove());
    this.#closer.add(() => this.#timers.forEach(clearTimeout));
    this.#closer.listen(this.#input, "keydown", (event) => event.key === "Escape" && this.#input.blur());
    this.#closer.listen(this.#input, "input", () => this.#counted());
    this.#closer.add(prompts.on((list) => this.#show(list)));
  }

  open() {
    this.#input.focus();
  }

  close() {
    this.#closer.close();
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const text = this.#input.value.trim();
    if (text) this.#said.emit(text);
    this.#input.value = "";
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
      const known = this.#items.get(prompt.ref);
      if (known?.stage === prompt.stage) continue;
      const item = known?.item ?? el("li");
      this.#items.set(prompt.ref, { item, stage: prompt.stage });
      item.dataset.stage = prompt.stage;
      item.replaceChildren(el("q", {}, shorten(prompt.text)), el("span", { class: "word" }, wordsOf(prompt)));
      if (!known) this.#trail.append(item);
      if (["heard", "refused", "passed"].includes(prompt.stage)) this.#linger(item);
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
function wordsOf({ stage, frame, reason }) {
  if (stage === "heard") return WORDS.prompt.heard(frame ?? 0);
  if (stage === "refused") return WORDS.prompt.refused(reason ?? "");
  return WORDS.prompt[stage];
}

/** @param {string} text */
function shorten(text) {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
