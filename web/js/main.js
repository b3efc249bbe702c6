// The page's beginning: where the address leads, and the change between arrival and world.
// Knows addresses and which screen is up; each screen is a part of its own.

import { Api } from "./api.js";
import { base64 } from "./base64.js";
import { styled, supported } from "./browser.js";
import { Mundo } from "./mundo.js";
import { preferred, speak, WORDS } from "./strings.js";
import { roleOf } from "./together.js";
import { Arrival } from "./ui/arrival.js";
import { Veil } from "./ui/veil.js";

const FONT_WITHIN_MS = 400;
const api = new Api();
const root = document.body;
const watching = location.pathname === "/watch";
/** The world's own modules: not needed to arrive, and there before they are. */
const stages = async () => (await Promise.all([import("./ui/stage.js"), styled("/web/css/world.css")]))[0];
/** @type {{ close: () => void } | null} */
let screen = null;
/** Counts changes of the screen: what was begun for an older one is not shown any more. */
let turn = 0;

/**
 * @template {{ close: () => void }} T
 * @param {() => T} next
 * @returns {T}
 */
function change(next) {
  turn += 1;
  mundo.enter(null);
  screen?.close();
  const made = next();
  screen = made;
  return made;
}

/**
 * A change of screen in which what was chosen grows to what is seen, where the browser can and motion is wanted.
 * @param {() => void} act
 */
async function grow(act) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (still || document.hidden || !document.startViewTransition || !document.querySelector(".chosen")) return act();
  const growing = document.startViewTransition(act);
  growing.ready.catch(() => undefined);
  growing.finished.catch(() => undefined);
  await growing.updateCallbackDone;
}

/** @param {string} path */
function address(path) {
  history.replaceState(null, "", path);
}

/**
 * The arrival, as far in as our cookie lets us.
 * @param {unknown} [reason] why we are here and not in a world
 * @param {string} [written] what was in the field already
 */
async function arrive(reason, written) {
  if (!(screen instanceof Arrival)) change(() => new Veil(root)); // a dusk without words, until we know who comes
  address("/");
  document.title = WORDS.title;
  const begun = turn;
  const me = await api.me().catch((error) => {
    reason ??= error;
    return { may_start: false, session: null };
  });
  if (begun !== turn) return;
  const arrival = change(() => new Arrival(root, { api, me, written }));
  if (reason) arrival.refuse(reason);
  arrival.choices.on((choice) => void begin(choice));
  arrival.tongues.on(async (tongue) => {
    await speak(tongue, true);
    await arrive(undefined, arrival.written);
  });
  void stages();
}

/**
 * Enters what is wished for; a refusal leads back to the arrival.
 * @param {import("./mundo.js").Connecting} wish
 */
async function begin(wish) {
  await open(wish).catch(arrive);
}

/** @param {import("./mundo.js").Connecting} wish */
async function open({ invite, token, session, file, picture, glimpse, title, ...wish }) {
  await grow(() => change(() => new Veil(root, { picture, glimpse, title })).show({ kind: "asking" }));
  const stage = stages();
  if (token) {
    const share = await api.redeemShare(token);
    await enter(await stage, { session: share.session, role: roleOf(share.role), owner: false });
    return;
  }
  if (invite) await api.redeemInvite(invite);
  const made = session ? await api.session(session) : await api.openSession(file ? { ...wish, picture: await base64(file) } : wish);
  const { Stage } = await stage;
  address(`/?world=${encodeURIComponent(made.id)}`);
  const owner = made.owner ?? true;
  await enter({ Stage }, { session: made.id, role: roleOf(made.role ?? "driver"), owner, kept: made.world, picture, glimpse, title });
}

/**
 * @param {Awaited<ReturnType<typeof stages>>} stages
 * @param {{ session: string, role: import("./world.js").Role, owner: boolean, kept?: string, picture?: string,
 *   glimpse?: string, title?: string }} place `kept`: as which world it is kept
 */
async function enter({ Stage }, place) {
  const { session, owner, kept } = place;
  document.title = place.role === "viewer" ? WORDS.watching_title : WORDS.title;
  const stage = change(() => new Stage(root, { api, ...place }));
  mundo.enter(stage.world);
  stage.wishes.on((wish) => {
    if (wish === "walk_on" && kept) void begin({ saved: kept, title: place.title });
    else {
      if (wish === "leave" && owner) void api.closeSession(session).catch(() => undefined);
      void arrive();
    }
  });
}

/** Where the address leads: a share's token, an invite, a world of ours, or the arrival. */
async function route() {
  const query = new URLSearchParams(location.search);
  const fragment = location.hash.slice(1);
  const invite = query.get("invite") ?? new URLSearchParams(fragment).get("invite");
  const session = query.get("world");
  if (watching && fragment) await begin({ token: fragment });
  else if (invite) await api.redeemInvite(invite).then(() => arrive(), arrive);
  else if (session) await begin({ session });
  else await arrive();
}

const mundo = new Mundo(open);
Object.assign(window, { mundo: mundo.face() });
addEventListener("hashchange", () => location.hash.length > 1 && supported() && void route());
addEventListener("pageshow", (event) => event.persisted && location.reload());
document.querySelector(".old")?.remove();
await speak(preferred());
await Promise.race([
  document.fonts.load("300 1em Spectral").catch(() => undefined),
  new Promise((resolve) => setTimeout(resolve, FONT_WITHIN_MS)),
]);
if (supported()) void route();
else change(() => new Veil(root)).show({ kind: "no_webrtc" });
