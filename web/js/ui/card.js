// One card of the wall: a picture that begins to move when it is looked at, and a name.
// Knows where its picture and loop lie; knows nothing of what choosing it does.

import { el, icon } from "./element.js";

/**
 * @typedef {{ title: string, index: number, picture: string | null, instead?: string, loop?: string, more?: string,
 *   choose: () => void, dwell: (picture: string | null) => void }} CardInputs
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
  const film = loop ? moving(image, loop) : { play: () => undefined, stop: () => undefined };
  const look = () => {
    dwell(image.getAttribute("src"));
    film.play();
  };
  const away = () => {
    if (button.matches(":hover, :focus-visible")) return;
    dwell(null);
    film.stop();
  };
  button.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && look());
  button.addEventListener("focus", () => button.matches(":focus-visible") && look());
  button.addEventListener("pointerleave", away);
  button.addEventListener("blur", away);
  button.addEventListener("click", () => {
    image.classList.add("chosen");
    choose();
  });
  const item = el("li", {}, button);
  item.style.setProperty("--order", String(index));
  return item;
}

/**
 * The loop over the still; loaded when it is first looked at, and never where motion is not wanted.
 * @param {HTMLElement} image
 * @param {string} source
 */
function moving(image, source) {
  /** @type {HTMLVideoElement | null} */
  let film = null;
  return {
    play() {
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
      if (!film) {
        film = el("video", { src: source, loop: true, playsinline: true, "aria-hidden": "true", tabindex: -1 });
        film.muted = true;
        film.addEventListener("playing", () => film?.classList.add("on"));
        image.after(film);
      }
      void film.play().catch(() => undefined);
    },
    stop() {
      film?.pause();
      film?.classList.remove("on");
    },
  };
}
