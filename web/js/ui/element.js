// Elements by function call: tag, attributes, children; and the few icons as inline SVG.
// Knows no part of the page.

/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes */

/**
 * An attribute that is false, null or undefined is left out; a function listens to `on...`.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** Strokes on a 24 by 24 grid. */
const ICONS = {
  microphone: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3M6 11a6 6 0 0 0 12 0M12 17v4",
  muted: "M9 5.5A3 3 0 0 1 15 6v4M15 12.5A3 3 0 0 1 9 11V9M6 11a6 6 0 0 0 9.5 4.9M18 11q0 1-.3 2M12 17v4M4 3l16 18",
  share: "M12 15V4M8 7.5 12 3.500l4 4M7 11H5.500v9h13v-9H17",
  figures: "M4 20V11M10 20V4M16 20v-7M21 20H3",
  leave: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  send: "M5 12h13M12.500 6.500 18 12l-5.500 5.500",
  close: "M6 6l12 12M18 6 6 18",
};

/** @param {keyof typeof ICONS} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * A round button with an icon; a click by pointer gives the focus back, so that walking keys stay with the world.
 * @param {keyof typeof ICONS} name
 * @param {string} label
 * @param {(event: MouseEvent) => void} press
 * @param {Attributes} [attributes]
 */
export function iconButton(name, label, press, attributes = {}) {
  const button = el("button", {
    type: "button", class: "round", "aria-label": label, title: label, ...attributes,
    onclick: (/** @type {MouseEvent} */ event) => {
      if (event.detail > 0) button.blur();
      press(event);
    },
  }, icon(name));
  return button;
}
