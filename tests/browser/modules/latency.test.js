import assert from "node:assert/strict";
import { test } from "node:test";

import { Latency } from "../../../web/js/latency.js";
import { Rate, Recent } from "../../../web/js/quantiles.js";

const TICKS = 3750;
const receipt = (frame, control_seq, rtp, look_seq = control_seq) =>
  ({ frame, pts: frame * TICKS, control_seq, look_seq, text_id: 0, rtp });
const shown = (rtp, shown_at, received_at) => ({ rtp, shown_at, received_at });

test("an input is measured to the first shown frame that obeyed it", () => {
  const latency = new Latency();
  latency.sent({ seq: 5, changed_at: 100, looked_at: null });
  latency.sent({ seq: 6, changed_at: null, looked_at: null });
  latency.receipt(receipt(1, 4, 1000 + TICKS), 120);
  latency.receipt(receipt(2, 6, 1000 + 2 * TICKS), 160);
  assert.deepEqual(latency.presented(shown(1000 + TICKS, 140)).latency_ms, []);
  const frame = latency.presented(shown(1000 + 2 * TICKS, 181));
  assert.deepEqual([frame.index, frame.latency_ms], [2, [81]]);
  assert.equal(latency.presses.quantile(0.5), 81);
  assert.deepEqual(latency.presented(shown(1000 + 2 * TICKS, 200)).latency_ms, []);
});

test("a look is measured by itself, to a frame that shows it before its own inputs do", () => {
  const latency = new Latency();
  latency.sent({ seq: 5, changed_at: 100, looked_at: 100 });
  latency.sent({ seq: 6, changed_at: null, looked_at: 110 });
  latency.receipt(receipt(1, 4, 1000 + TICKS, 5), 120);
  latency.receipt(receipt(2, 5, 1000 + 2 * TICKS, 6), 160);
  const [early, later] = [latency.presented(shown(1000 + TICKS, 140)), latency.presented(shown(1000 + 2 * TICKS, 181))];
  assert.deepEqual([early.latency_ms, early.look_ms], [[], [40]]);
  assert.deepEqual([later.latency_ms, later.look_ms], [[81], [71]]);
  assert.deepEqual([latency.presses.count, latency.looks.count], [1, 2]);
});

test("a frame without its receipt measures nothing", () => {
  const latency = new Latency();
  latency.sent({ seq: 1, changed_at: 0, looked_at: null });
  latency.receipt(receipt(1, 1, 7), 10);
  assert.equal(latency.presented(shown(99, 50)), null);
  assert.equal(latency.presses.count, 0);
});

test("the rtp clock may pass its end between two frames", () => {
  const latency = new Latency();
  const origin = 2 ** 32 - TICKS;
  latency.receipt(receipt(0, -1, origin), 0);
  latency.receipt(receipt(2, -1, (origin + 2 * TICKS) % 2 ** 32), 80);
  assert.equal(latency.presented(shown(TICKS, 100)).index, 2);
});

test("without rtp in the receipts the offset is found by when things arrived", () => {
  const latency = new Latency();
  const offset = 123456;
  let last = null;
  for (let frame = 0; frame < 12; frame += 1) {
    const at = frame * 41.7;
    latency.receipt(receipt(frame, frame, undefined), at + (frame === 3 ? 30 : 1));
    last = latency.presented(shown(frame * TICKS + offset, at + 20, at));
  }
  assert.equal(last.index, 11);
});

test("a new connection forgets inputs and offset, and keeps what was measured", () => {
  const latency = new Latency();
  latency.sent({ seq: 1, changed_at: 0, looked_at: null });
  latency.receipt(receipt(1, 1, 500), 5);
  latency.presented(shown(500, 30));
  latency.sent({ seq: 2, changed_at: 40, looked_at: null });
  latency.restart();
  latency.receipt(receipt(9, 9, 77), 100);
  assert.deepEqual(latency.presented(shown(77, 120)).latency_ms, []);
  assert.equal(latency.presses.count, 1);
});

test("quantiles are of the last values only", () => {
  const recent = new Recent(4);
  assert.equal(recent.quantile(0.5), null);
  for (const value of [100, 1, 2, 3, 4]) recent.add(value);
  assert.deepEqual([recent.quantile(0), recent.quantile(0.5), recent.quantile(0.95)], [1, 2, 4]);
});

test("a rate is of its window, and nothing after a silence", () => {
  const rate = new Rate(1000);
  for (let at = 0; at <= 3000; at += 50) rate.add(at);
  assert.ok(Math.abs(rate.at(3000) - 20) < 0.5);
  assert.equal(rate.at(9000), 0);
});
