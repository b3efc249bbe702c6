import assert from "node:assert/strict";
import { test } from "node:test";

import { bit, bitmap, BUTTONS, held } from "../../../web/js/buttons.js";
import { ACTIVE_MS, IDLE_MS, Steering } from "../../../web/js/steering.js";
import { readFileSync } from "node:fs";

test("buttons are the vocabulary's, in its order", () => {
  const file = new URL("../../../configs/vocabulary.json", import.meta.url);
  assert.deepEqual([...BUTTONS], Object.keys(JSON.parse(readFileSync(file, "utf8")).buttons));
});

test("a bitmap names its buttons, and what is no button is refused by name", () => {
  assert.deepEqual(held(bitmap(["ShiftLeft", "KeyW"])), ["KeyW", "ShiftLeft"]);
  assert.equal(bit("ShiftRight"), bit("ShiftLeft"));
  assert.equal(bit("KeyQ"), 0);
  assert.throws(() => bitmap(["KeyQ"]), /KeyQ/);
});

test("a changed button is due at once, its repetition after the rhythm", () => {
  const steering = new Steering();
  assert.equal(steering.due(1000)?.changed_at, null);
  assert.equal(steering.due(1001), null);
  steering.press("KeyW", 1002);
  const first = steering.due(1003);
  assert.deepEqual([first?.buttons, first?.changed_at], [1, 1002]);
  assert.equal(steering.due(1004), null);
  const second = steering.due(1003 + ACTIVE_MS);
  assert.deepEqual([second?.buttons, second?.changed_at], [1, null]);
  assert.ok(second.seq > first.seq);
});

test("with idle hands snapshots are rare but never stop", () => {
  const steering = new Steering();
  let sent = 0;
  for (let now = 0; now < 10 * IDLE_MS; now += 5) sent += steering.due(now) ? 1 : 0;
  assert.equal(sent, 10);
});

test("looks add up to running totals, and a lost snapshot loses none", () => {
  const steering = new Steering();
  steering.look(0.1, 0, 0);
  steering.due(0);
  steering.look(0.2, -0.05, 20);
  const late = steering.due(40);
  assert.ok(Math.abs(late.look_x - 0.3) < 1e-9 && Math.abs(late.look_y + 0.05) < 1e-9);
  assert.deepEqual([late.looked_at, late.changed_at], [20, null]);
});

test("the first of several movements is the one that is measured", () => {
  const steering = new Steering();
  steering.due(0);
  steering.look(0.1, 0, 3);
  steering.look(0.1, 0, 9);
  assert.equal(steering.due(16).looked_at, 3);
});

test("a look leaves at once though a repetition left just now, the next one in its rhythm", () => {
  const steering = new Steering();
  steering.look(0.1, 0, 0);
  assert.equal(steering.due(0).looked_at, 0);
  assert.equal(steering.due(ACTIVE_MS).looked_at, null);
  steering.look(0.1, 0, ACTIVE_MS + 3);
  assert.equal(steering.due(ACTIVE_MS + 3).looked_at, ACTIVE_MS + 3);
  steering.look(0.1, 0, ACTIVE_MS + 7);
  assert.equal(steering.due(ACTIVE_MS + 7), null);
  assert.equal(steering.due(2 * ACTIVE_MS + 3).looked_at, ACTIVE_MS + 7);
});

test("a hand that never rests sends far fewer snapshots than a gateway takes", () => {
  const steering = new Steering();
  let sent = 0;
  for (let now = 0; now < 1000; now += 1) {
    steering.look(0.001, 0, now);
    sent += steering.due(now) ? 1 : 0;
  }
  assert.ok(sent <= 2 * (1000 / ACTIVE_MS), `${sent} in a second`);
});

test("letting everything go empties the bitmap once", () => {
  const steering = new Steering();
  steering.press("KeyW", 0);
  steering.press("Space", 0);
  steering.due(0);
  steering.releaseAll(5);
  assert.equal(steering.due(5).buttons, 0);
  steering.releaseAll(6);
  assert.equal(steering.due(7), null);
});

test("a look that is no number is refused", () => {
  assert.throws(() => new Steering().look(NaN, 0, 0), /finite/);
});
