// A sheet over the world: a dialog that is in the page only while it is open.
// Knows how it opens and closes; what is in it is its owner's.

import { WORDS } from "../strings.js";
import { el, iconButton } from "./element.js";

/**
 * Opens a sheet; the focus goes back to where it was when it closes.
 * @param {HTMLElement} parent
 * @param {{ title: string, kind: string, children: Node[], closed?: () => void }} inputs
 */
export function openSheet(parent, { title, kind, children, closed }) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const dialog = el("dialog", { class: `sheet glass ${kind}`, "aria-labelledby": `${kind}-title` },
    el("h2", { id: `${kind}-title` }, title), ...children,
    iconButton("close", WORDS.share.close, () => dialog.close()));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed?.();
    if (before?.isConnected) before.focus({ preventScroll: true });
  });
  parent.append(dialog);
  dialog.showModal();
  return dialog;
}
