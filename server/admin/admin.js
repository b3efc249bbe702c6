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

function row(cells, label, act) {
  const line = document.createElement("tr");
  for (const cell of cells) line.append(Object.assign(document.createElement("td"), { textContent: String(cell) }));
  const last = document.createElement("td");
  if (label) {
    const button = Object.assign(document.createElement("button"), { textContent: label });
    button.addEventListener("click", () => void act().then(show, tell));
    last.append(button);
  }
  line.append(last);
  return line;
}

const tell = (error) => (at("said").textContent = error.message);

async function show() {
  const [machine, invites] = await Promise.all([ask("GET", "overview"), ask("GET", "invites")]);
  at("said").textContent = "";
  at("machine").textContent = `${machine.model ?? "no worker"}, ${machine.sessions.length} sessions on ${machine.capacity} places, ` +
    `${machine.waiting} waiting, load ${machine.load.map((load) => load.toFixed(2)).join(" ")}` + (machine.draining ? ", closing" : "");
  at("sessions").replaceChildren(...machine.sessions.map((one) => row(
    [one.id, one.queue_position ? `${one.state} (${one.queue_position})` : one.state, one.viewers, one.driver ? "yes" : "no", one.frame],
    "End", () => ask("DELETE", `sessions/${encodeURIComponent(one.id)}`),
  )));
  at("invites").replaceChildren(...invites.map((one) => row(
    [one.id, one.note, `${one.uses} of ${one.max_uses}`, new Date(1000 * one.expires_at).toLocaleString(), one.standing],
    one.standing === "revoked" ? "" : "Withdraw", () => ask("DELETE", `invites/${encodeURIComponent(one.id)}`),
  )));
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
