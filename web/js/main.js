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

/** @param {{ invited: boolean, reason?: unknown }} how */
function arrive({ invited, reason }) {
  address("/");
  document.title = WORDS.title;
  const arrival = change(() => new Arrival(root, { api, invited }));
  if (reason) {
    if (invited) arrival.refuse(reason);
    else arrival.invite(reason);
  }
  arrival.choices.on((choice) => void begin(choice));
}

/**
 * Shows that a world is being asked for, asks, and enters; a refusal leads back to the arrival.
 * @param {import("./mundo.js").Connecting} wish
 */
async function begin(wish) {
  try {
    await open(wish);
  } catch (reason) {
    arrive({ invited: /** @type {{ status?: number }} */ (reason).status !== 401, reason });
  }
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
    arrive({ invited: !watching });
  });
}

/** Where the address leads: a share's token, an invite, a world of ours, or the arrival. */
async function route() {
  const query = new URLSearchParams(location.search);
  const token = location.hash.slice(1);
  const [invite, session] = [query.get("invite"), query.get("world")];
  if (watching && token) await begin({ token });
  else if (invite) {
    try {
      await api.redeemInvite(invite);
      arrive({ invited: true });
    } catch (reason) {
      arrive({ invited: false, reason });
    }
  } else if (session) await begin({ session });
  else arrive({ invited: true });
}

const mundo = new Mundo(open);
Object.assign(window, { mundo });
addEventListener("pageshow", (event) => event.persisted && location.reload());
if (supported()) void route();
else change(() => new Veil(root)).show({ kind: "no_webrtc" });
