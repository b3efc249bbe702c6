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
  more: "M5.500 12h.100M12 12h.100M18.500 12h.100",
  camera: "M4 8h3.500l1.500-2.500h6L16.500 8H20v11H4zM12 16.500a3.250 3.250 0 1 0 0-6.500 3.250 3.250 0 0 0 0 6.500",
  camera_moves: "M3.500 8h11v8h-11zM14.500 11l6-3v8l-6-3M6 20h6M9 16v4",
  turn: "M4 12a8 8 0 0 1 14-5.300L20 8.500M20 4v4.500h-4.500M20 12a8 8 0 0 1-14 5.300L4 15.500M4 20v-4.500h4.500",
  record: "M12 18a6 6 0 1 0 0-12 6 6 0 0 0 0 12",
  pause: "M8.500 5v14M15.500 5v14",
  play: "M8 5.500v13l10.500-6.500z",
  film: "M4 5h16v14H4zM8 5v14M16 5v14M4 9.700h4M4 14.300h4M16 9.700h4M16 14.300h4",
  keep: "M7 4h10v16l-5-4-5 4z",
  keys: "M3 7h18v10H3zM7 10.500h.01M10.500 10.500h.01M14 10.500h.01M17.500 10.500h.01M8 13.800h8",
  wide: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  jump: "M6 14l6-6 6 6M6 19l6-6 6 6",
  sink: "M6 10l6 6 6-6M6 5l6 6 6-6",
  pen: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  down: "M12 4v11M7.500 11 12 15.500 16.500 11M5 20h14",
  yes: "M5 12.500 10 17.500 19 7",
  sound: "M4 10v4h3.500L12 18V6L7.500 10zM15.500 9a4.500 4.500 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11",
  silent: "M4 10v4h3.500L12 18V6L7.500 10zM16 10l4 4M20 10l-4 4",
  people: "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6M3.500 19a5.500 5.500 0 0 1 11 0M16 11a2.500 2.500 0 1 0-1-4.800M17 13.600a5 5 0 0 1 3.500 4.900",
  wheel: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16M12 14a2 2 0 1 0 0-4 2 2 0 0 0 0 4M4 12h6M14 12h6M12 14v6",
  close: "M6 6l12 12M18 6 6 18",
  picture: "M4 5h16v14H4zM4 16l5-5 4.500 4.500 2.500-2.500 4 4M15.500 9.500h.100",
};

/** @param {keyof typeof ICONS} name */
export function icon(name) {
  return drawn(name, ICONS[name]);
}

/**
 * An icon whose strokes are not among those that every page needs.
 * @param {string} name
 * @param {string} strokes
 */
export function drawn(name, strokes) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.dataset.icon = name;
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", strokes);
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
