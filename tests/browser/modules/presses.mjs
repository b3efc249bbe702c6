// Ten thousand random presses and releases, as the page would send them: one JSON line with all that left, and what
// is held in the end. A test puts them through a lossy, reordering line to the gateway's own rule.
import { BUTTONS } from "../../../web/js/buttons.js";
import { IDLE_MS, Steering } from "../../../web/js/steering.js";
import { control } from "../../../web/js/wire.js";

const PRESSES = 10_000;
const TICK_MS = 8;
let seed = Number(process.argv[2]);
const dice = () => (seed = (seed * 48271) % 2147483647) / 2147483647;

const steering = new Steering();
const sent = [];
let now = 0;
const send = () => {
  const snapshot = steering.due(now);
  if (snapshot) sent.push(control(snapshot));
};
for (let press = 0; press < PRESSES; press += 1) {
  const code = BUTTONS[Math.floor(dice() * BUTTONS.length)];
  if (dice() < 0.5) steering.press(code, now);
  else steering.release(code, now);
  const before = sent.length;
  send();
  const last = JSON.parse(sent.at(-1) ?? "{}");
  if (last.buttons !== steering.buttons) throw new Error(`a change left ${sent.length - before} messages at once`);
  for (const until = now + dice() * 30; now < until; now += TICK_MS) send();
}
const held = steering.buttons;
for (const until = now + 5 * IDLE_MS; now < until; now += TICK_MS) send();
console.log(JSON.stringify({ sent, held }));
