// One card of the wall: a picture, moving where there is a loop of it, and a name.
// Knows where its picture and loop lie; knows nothing of what choosing it does.

import { el, icon } from "./element.js";

const IDLE_WITHIN_MS = 2000;

/**
 * @typedef {{ title: string, index: number, picture: string | null, instead?: string, loop?: string, more?: string,
 *   choose: (glimpse: string | undefined) => void, dwell: (picture: string | null) => void }} CardInputs
 *   `instead`: shown where `picture` is not to be had; `loop`: a film of a few seconds
 */

/** @param {CardInputs} inputs */
export function card({ title, index, picture, instead, loop, more, choose, dwell }) {
  const image = el("img", { alt: "", width: 480, height: 270, decoding: "async" });
  const button = el("button", { type: "button", class: "card" },
    el("span", { class: "card-title" }, title, ...(more ? [el("small", {}, more)] : [])), icon("send"));
  if (picture ?? instead) {
    image.addEventListener("error", () => instead && image.getAttribute("src") !== instead && (image.src = instead));
    image.src = picture ?? instead ?? "";
    button.prepend(image);
  }
  if (loop) moving(image, loop);
  const look = () => dwell(image.getAttribute("src"));
  const away = () => {
    if (!button.matches(":hover, :focus-visible")) dwell(null);
  };
  button.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && look());
  button.addEventListener("focus", () => button.matches(":focus-visible") && look());
  button.addEventListener("pointerleave", away);
  button.addEventListener("blur", away);
  button.addEventListener("click", () => {
    image.classList.add("chosen");
    choose(image.naturalWidth ? image.src : undefined);
  });
  const item = el("li", {}, button);
  item.style.setProperty("--order", String(index));
  return item;
}

/**
 * The loop over the still: loaded once the page is, played while it is in view, and never where motion or data are to
 * be spared.
 * @param {HTMLImageElement} image
 * @param {string} source
 */
function moving(image, source) {
  const { saveData } = /** @type {{ connection?: { saveData?: boolean } }} */ (navigator).connection ?? {};
  if (saveData || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const film = el("video", { loop: true, playsinline: true, "aria-hidden": "true", tabindex: -1,
    onplaying: () => film.classList.add("on") });
  film.muted = true;
  image.after(film);
  const seen = new IntersectionObserver(([{ isIntersecting }]) => {
    if (!film.isConnected) return seen.disconnect();
    if (!isIntersecting) return film.pause();
    if (!film.src) film.src = source;
    void film.play().catch(() => undefined);
  });
  void calm(image).then(() => seen.observe(film));
}

/**
 * The still is there, and the page has nothing better to do.
 * @param {HTMLImageElement} image
 */
async function calm(image) {
  await image.decode().catch(() => undefined);
  if (document.readyState !== "complete") await new Promise((resolve) => addEventListener("load", resolve, { once: true }));
  if ("requestIdleCallback" in window) await new Promise((resolve) => requestIdleCallback(resolve, { timeout: IDLE_WITHIN_MS }));
}
