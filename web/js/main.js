// The page's beginning: where the address leads, and the change between arrival and world.
// Knows addresses and which screen is up; each screen is a part of its own.

import { Api } from "./api.js";
import { Mundo } from "./mundo.js";
import { supported } from "./peer.js";
import { WORDS } from "./strings.js";
import { Arrival } from "./ui/arrival.js";
import { Stage } from "./ui/stage.js";
import { Veil } from "./ui/veil.js";

const api = new Api();
const root = document.body;
const watching = location.pathname === "/watch";
/** @type {{ close: () => void } | null} */
let screen = null;

/**
 * @template {{ close: () => void }} T
 * @param {() => T} next
 * @returns {T}
 */
function change(next) {
  mundo.enter(null);
  screen?.close();
  const made = next();
  screen = made;
  return made;
}

/** @param {string} path */
function address(path) {
  history.replaceState(null, "", path);
}

/**
 * The arrival, as far in as our cookie lets us.
 * @param {unknown} [reason] why we are here and not in a world
 */
async function arrive(reason) {
  change(() => ({ close: () => undefined }));
  address("/");
  document.title = WORDS.title;
  const me = await api.me().catch((error) => {
    reason ??= error;
    return { may_start: false, session: null };
  });
  const arrival = change(() => new Arrival(root, { api, me }));
  if (reason) arrival.refuse(reason);
  arrival.choices.on((choice) => void begin(choice));
}

/**
 * Enters what is wished for; a refusal leads back to the arrival.
 * @param {import("./mundo.js").Connecting} wish
 */
async function begin(wish) {
  await open(wish).catch(arrive);
}

/** @param {import("./mundo.js").Connecting} wish */
async function open({ invite, token, session, picture, ...wish }) {
  change(() => new Veil(root, { picture })).show({ kind: "asking" });
  if (token) {
    const share = await api.redeemShare(token);
    enter(share.session, share.role === "driver" ? "driver" : "viewer", picture);
    return;
  }
  if (invite) await api.redeemInvite(invite);
  if (session) await api.session(session);
  const id = session ?? (await api.openSession(wish)).id;
  address(`/?world=${encodeURIComponent(id)}`);
  enter(id, "driver", picture);
}

/**
 * @param {string} session
 * @param {import("./world.js").Role} role
 * @param {string} [picture]
 */
function enter(session, role, picture) {
  document.title = role === "viewer" ? WORDS.watching_title : WORDS.title;
  const stage = change(() => new Stage(root, { api, session, role, picture }));
  mundo.enter(stage.world);
  stage.wishes.on((wish) => {
    if (wish === "leave" && role === "driver") void api.closeSession(session).catch(() => undefined);
    void arrive();
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
addEventListener("pageshow", (event) => event.persisted && location.reload());
if (supported()) void route();
else change(() => new Veil(root)).show({ kind: "no_webrtc" });
