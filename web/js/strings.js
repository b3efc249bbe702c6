// The page's words in the language of the person: chosen once from the browser's languages, or by the switch.
// Knows which languages there are; the words themselves are in words/, one file a language.

import { WORDS as ENGLISH } from "./words/en.js";

const REMEMBERED = "mundo.language";

/** What each language calls itself. */
export const LANGUAGES = Object.freeze({ en: "English", pt: "Português" });

/** @typedef {keyof typeof LANGUAGES} Language */

export let WORDS = ENGLISH;
/** @type {Language} */
export let language = "en";

/**
 * The first of the wanted languages (as in Accept-Language) that there is; English where there is none.
 * @param {readonly string[]} wanted
 * @returns {Language}
 */
export function pick(wanted) {
  for (const tag of wanted) {
    const primary = tag.toLowerCase().split("-")[0];
    if (Object.hasOwn(LANGUAGES, primary)) return /** @type {Language} */ (primary);
  }
  return "en";
}

/** The language that was chosen before, or that the browser asks for. */
export function preferred() {
  const chosen = localStorage.getItem(REMEMBERED);
  return pick(chosen ? [chosen, ...navigator.languages] : navigator.languages);
}

/**
 * Speaks a language from now on; what is on the screen already is for its owner to write anew.
 * @param {Language} wanted
 * @param {boolean} [remember] whether a person chose it
 */
export async function speak(wanted, remember = false) {
  WORDS = wanted === "en" ? ENGLISH : (await import(`./words/${wanted}.js`)).WORDS;
  language = wanted;
  document.documentElement.lang = wanted;
  if (remember) localStorage.setItem(REMEMBERED, wanted);
}

/** @type {typeof import("./words/gateway.js").SAID | null} */
let said = null;

/** Learns what the gateway says of a world that runs; until then, and of what is not there, its own words are shown. */
export async function hear() {
  said = (await import("./words/gateway.js")).SAID;
}

/**
 * What the gateway announces.
 * @param {{ kind: string, text: string, left_s?: number }} notice
 */
export function announced({ kind, text, left_s = 0 }) {
  return said?.[language]?.notices[kind]?.(left_s) ?? text;
}

/** @param {number} number */
export function figure(number) {
  return number.toLocaleString(language);
}

/**
 * A refusal in words.
 * @param {unknown} error a Problem, a reason `{slug, detail}`, or anything thrown
 * @returns {string}
 */
export function inWords(error) {
  const { slug, detail, message } = /** @type {{ slug?: string, detail?: string, message?: string }} */ (error ?? {});
  if (slug && Object.hasOwn(WORDS.problems, slug)) return WORDS.problems[slug];
  for (const saying of [detail, detail?.split(":")[0]]) {
    const sayings = said?.[language]?.sayings;
    if (saying && sayings && Object.hasOwn(sayings, saying)) return sayings[saying];
  }
  return detail || message || String(error);
}
