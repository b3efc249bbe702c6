// The operator's page: sessions, load and invites, read again every few seconds.
// Keeps the token in this page's memory alone.

const EVERY_MS = 3000;
const at = (id) => document.getElementById(id);
let token = "";

async function ask(method, path, body) {
  const headers = { authorization: `Bearer ${token}`, ...(body ? { "content-type": "application/json" } : {}) };
  const answer = await fetch(`/api/v1/admin/${path}`, { method, headers, body: body && JSON.stringify(body) });
  const said = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(said?.detail ?? answer.statusText);
  return said;
}

function cell(told) {
  const { text, kind } = typeof told === "object" ? told : { text: told, kind: "" };
  return Object.assign(document.createElement("td"), { textContent: String(text), className: kind });
}

function row(cells, label, act) {
  const line = document.createElement("tr");
  line.append(...cells.map(cell));
  const last = document.createElement("td");
  if (label) {
    const button = Object.assign(document.createElement("button"), { textContent: label, className: "quiet" });
    button.addEventListener("click", () => void act().then(show, tell));
    last.append(button);
  }
  line.append(last);
  return line;
}

function fill(table, lines, none) {
  const empty = Object.assign(document.createElement("td"), { textContent: none, className: "none", colSpan: 6 });
  table.replaceChildren(...(lines.length ? lines : [empty]));
}

function figure(name, value, beside) {
  const tile = document.createElement("div");
  const shown = Object.assign(document.createElement("dd"), { textContent: `${value} ` });
  shown.append(Object.assign(document.createElement("small"), { textContent: beside }));
  tile.append(Object.assign(document.createElement("dt"), { textContent: name }), shown);
  return tile;
}

const tell = (error) => (at("said").textContent = error.message);
const kinds = (state) => ({ text: state, kind: state.split(" ")[0] });

function showMachine({ model, sessions, capacity, waiting, load, cores, draining }) {
  const living = sessions.filter((one) => ["live", "starting", "resuming"].includes(one.state)).length;
  const people = sessions.reduce((sum, one) => sum + one.viewers, 0);
  at("standing").textContent = draining ? "closing" : model ? `model ${model}` : "no worker";
  at("machine").replaceChildren(
    figure("Places", living, `of ${capacity}`), figure("Waiting", waiting, ""), figure("Sessions", sessions.length, ""),
    figure("Viewers", people, ""), figure("Load", load[0].toFixed(1), `of ${cores} cores`), figure("Load, 15 min", load[2].toFixed(1), ""),
  );
}

async function show() {
  const [machine, invites] = await Promise.all([ask("GET", "overview"), ask("GET", "invites")]);
  at("said").textContent = "";
  showMachine(machine);
  fill(at("sessions"), machine.sessions.map((one) => row(
    [one.id, kinds(one.queue_position ? `${one.state} (${one.queue_position})` : one.state), one.viewers, one.driver ? "yes" : "no", one.frame.toLocaleString("en")],
    "End", () => ask("DELETE", `sessions/${encodeURIComponent(one.id)}`),
  )), "Nobody is in a world.");
  fill(at("invites"), invites.map((one) => row(
    [one.id, one.note, `${one.uses} of ${one.max_uses}`, new Date(1000 * one.expires_at).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" }), kinds(one.standing)],
    one.standing === "revoked" ? "" : "Withdraw", () => ask("DELETE", `invites/${encodeURIComponent(one.id)}`),
  )), "There are no invites.");
}

at("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  token = at("token").value.trim();
  try {
    await show();
  } catch (error) {
    return tell(error);
  }
  at("enter").hidden = true;
  at("inside").hidden = false;
  setInterval(() => void show().catch(tell), EVERY_MS);
});

at("invite").addEventListener("submit", async (event) => {
  event.preventDefault();
  const wish = { uses: Number(at("uses").value), expires_s: 86400 * Number(at("days").value), note: at("note").value };
  try {
    at("code").textContent = (await ask("POST", "invites", wish)).code;
    await show();
  } catch (error) {
    tell(error);
  }
});
