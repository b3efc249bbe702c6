// The gateway's HTTP face (/api/v1), call by call; an answer that is no success becomes a typed Problem.
// Knows no element and keeps no state: who we are is in an HttpOnly cookie that no script reads.

/**
 * `title` by language; `loop`: a film of the place, of a few seconds, where the gateway has one.
 * @typedef {{ id: string, title: Record<string, string>, picture?: string, loop?: string }} Template
 */
/**
 * `picture`: a PNG, JPEG or WebP in base64, whose middle is the first frame.
 * @typedef {{ prompt?: string, template?: string, picture?: string, seed?: number, saved?: string }} Wish
 */
/** @typedef {{ id: string, state: string, world?: string, owner?: boolean, role?: string }} Session `world`: kept as */
/** @typedef {{ url: string, id: string }} Share */
/** @typedef {{ may_start: boolean, session: string | null, open?: boolean }} Me */
/**
 * A world that is kept for us; times are seconds since 1970.
 * @typedef {{ id: string, name: string, prompt: string, template: string, thumbnail: string | null,
 *   visited_at: number, session: string | null }} Kept
 */

/** A refusal of the gateway, RFC 9457; `slug` is the stable end of its type, "unreachable" when nobody answered. */
export class Problem extends Error {
  /**
   * @param {string} slug
   * @param {number} status
   * @param {string} detail
   * @param {number | null} [retry_after_s]
   */
  constructor(slug, status, detail, retry_after_s = null) {
    super(detail || slug);
    this.name = "Problem";
    this.slug = slug;
    this.status = status;
    this.detail = detail;
    this.retry_after_s = retry_after_s;
  }

  /** Whether trying the same again may succeed. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const WORLD_FILE = "application/vnd.mundo.world";

export class Api {
  #base;

  /** @param {string} [base] where the gateway is, "" for where the page comes from */
  constructor(base = "") {
    this.#base = base;
  }

  /**
   * @param {string} code
   * @returns {Promise<void>}
   */
  async redeemInvite(code) {
    await this.#send("POST", "/invites/redeem", { code });
  }

  /**
   * @param {string} token
   * @returns {Promise<{ session: string, role: string }>}
   */
  async redeemShare(token) {
    return (await this.#send("POST", "/shares/redeem", { token })).json();
  }

  /**
   * What our cookie is good for.
   * @returns {Promise<Me>}
   */
  async me() {
    return (await this.#send("GET", "/me")).json();
  }

  /** @returns {Promise<Template[]>} */
  async templates() {
    return (await this.#send("GET", "/templates")).json();
  }

  /**
   * @param {Wish} wish
   * @returns {Promise<Session>}
   */
  async openSession(wish) {
    return (await this.#send("POST", "/sessions", wish)).json();
  }

  /**
   * @param {string} id
   * @returns {Promise<Session & { rung?: string, frame?: number, viewers?: number }>}
   */
  async session(id) {
    return (await this.#send("GET", `/sessions/${encodeURIComponent(id)}`)).json();
  }

  /**
   * @param {string} id
   * @param {string} sdp
   * @returns {Promise<string>} the answer
   */
  async offer(id, sdp) {
    return (await this.#send("POST", `/sessions/${encodeURIComponent(id)}/offer`, sdp)).text();
  }

  /**
   * Where a world is to be had without UDP.
   * @param {string} id
   */
  socket(id) {
    const url = new URL(`${this.#base}/api/v1/sessions/${encodeURIComponent(id)}/socket`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    return url.href;
  }

  /**
   * @param {string} id
   * @param {{ role: "viewer" | "suggester" | "driver", expires_s?: number }} wish
   * @returns {Promise<Share>}
   */
  async share(id, wish) {
    return (await this.#send("POST", `/sessions/${encodeURIComponent(id)}/shares`, wish)).json();
  }

  /**
   * @param {string} id
   * @param {string} share
   */
  async revokeShare(id, share) {
    await this.#send("DELETE", `/sessions/${encodeURIComponent(id)}/shares/${encodeURIComponent(share)}`);
  }

  /**
   * Our kept worlds, last visited first; none where the gateway keeps none.
   * @returns {Promise<Kept[]>}
   */
  async worlds() {
    try {
      return await (await this.#send("GET", "/worlds")).json();
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return [];
      throw error;
    }
  }

  /**
   * @param {string} id
   * @param {string} name
   * @returns {Promise<Kept>}
   */
  async rename(id, name) {
    return (await this.#send("PATCH", `/worlds/${encodeURIComponent(id)}`, { name })).json();
  }

  /** @param {string} id a kept world, gone for good */
  async forget(id) {
    await this.#send("DELETE", `/worlds/${encodeURIComponent(id)}`);
  }

  /**
   * Where a kept world is to be had as a file.
   * @param {string} id
   */
  exported(id) {
    return `${this.#base}/api/v1/worlds/${encodeURIComponent(id)}/export`;
  }

  /**
   * @param {Blob} file a world that was exported
   * @returns {Promise<Kept>}
   */
  async import(file) {
    return (await this.#send("POST", "/worlds/import", file)).json();
  }

  /**
   * A copy of this very moment, to come back to.
   * @param {string} id
   * @returns {Promise<Kept>}
   */
  async keep(id) {
    return (await this.#send("POST", `/sessions/${encodeURIComponent(id)}/saves`, {})).json();
  }

  /** @param {string} id */
  async closeSession(id) {
    await this.#send("DELETE", `/sessions/${encodeURIComponent(id)}`);
  }

  /**
   * The model that the gateway's worlds run on and the steps in which it samples a frame; null while it is not ready.
   * @returns {Promise<{ name: string, steps: number } | null>}
   */
  async model() {
    const answer = await fetch(`${this.#base}/readyz`).then((response) => response.json()).catch(() => null);
    return typeof answer?.model === "string" ? { name: answer.model, steps: Number(answer.steps) } : null;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object | string | Blob} [body] an object goes as JSON, text as SDP, a file as a world
   * @returns {Promise<Response>}
   */
  async #send(method, path, body) {
    const file = body instanceof Blob;
    const type = file ? WORLD_FILE : typeof body === "string" ? "application/sdp" : "application/json";
    let response;
    try {
      response = await fetch(`${this.#base}/api/v1${path}`, {
        method,
        credentials: "same-origin",
        ...(body === undefined ? {} : {
          headers: { "content-type": type },
          body: typeof body === "string" || file ? body : JSON.stringify(body),
        }),
      });
    } catch (error) {
      throw new Problem("unreachable", 0, error instanceof Error ? error.message : String(error));
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  }
}

/**
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
async function problemOf(response) {
  const retry = Number.parseFloat(response.headers.get("retry-after") ?? "");
  const body = await response.json().catch(() => null);
  const type = typeof body?.type === "string" ? body.type : "";
  const slug = type.startsWith("urn:mundo:problem:") ? type.slice("urn:mundo:problem:".length) : "unknown";
  const detail = typeof body?.detail === "string" ? body.detail : (body?.title ?? response.statusText);
  return new Problem(slug, response.status, String(detail), Number.isFinite(retry) ? retry : null);
}
