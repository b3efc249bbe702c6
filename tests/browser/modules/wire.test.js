import assert from "node:assert/strict";
import { test } from "node:test";

import { wait } from "../../../web/js/backoff.js";
import { output, stream, Closer } from "../../../web/js/outputs.js";
import { follow } from "../../../web/js/phases.js";
import { inWords, WORDS } from "../../../web/js/strings.js";
import { loudness } from "../../../web/js/microphone.js";
import * as wire from "../../../web/js/wire.js";

test("what is no message of the channel is null, never an exception", () => {
  for (const junk of [null, new ArrayBuffer(3), "", "{", "3", "null", "[]", '{"type":"toString"}', '{"type":"pong"}']) {
    assert.equal(wire.read(junk), null);
  }
  assert.deepEqual(wire.read('{"type":"pong","t":1,"server_ms":2}'), { type: "pong", t: 1, server_ms: 2 });
});

test("a snapshot travels without what only the page needs to know", () => {
  const sent = JSON.parse(wire.control({ seq: 2, buttons: 5, look_x: 0.123456789, look_y: 0, t: 17.4, changed_at: 16 }));
  assert.deepEqual(sent, { seq: 2, buttons: 5, look_x: 0.12346, look_y: 0, t: 17 });
});

test("waits double, stay bounded, and are spread", () => {
  assert.deepEqual([0, 1, 2, 9, 1000].map((attempt) => wait(attempt, 0.5)), [250, 500, 1000, 4000, 4000]);
  assert.ok(wait(3, 0) < wait(3, 0.5) && wait(3, 0.5) < wait(3, 1));
});

test("a phase that may not follow says what may", () => {
  assert.equal(follow("live", "reconnecting"), "reconnecting");
  assert.throws(() => follow("ended", "live"), /nothing, not live/);
  assert.throws(() => follow("idle", "live"), /connecting or ended, not live/);
});

test("an output tells its value at once and then each change, until one stops listening", () => {
  const { seen, write } = output(1);
  const told = [];
  const stop = seen.on((value) => told.push(value));
  write(2);
  write(2);
  stop();
  write(3);
  assert.deepEqual([told, seen.value], [[1, 2], 3]);
});

test("a listener may stop listening while it is told", () => {
  const { seen, emit } = stream();
  const told = [];
  const stop = seen.on((item) => {
    told.push(item);
    stop();
  });
  emit("a");
  emit("b");
  assert.deepEqual(told, ["a"]);
});

test("a closer undoes in reverse order, once", () => {
  const closer = new Closer();
  const undone = [];
  closer.add(() => undone.push(1), () => undone.push(2));
  closer.close();
  closer.close();
  assert.deepEqual(undone, [2, 1]);
});

test("a refusal is said in words: ours for a known kind, the gateway's otherwise", () => {
  assert.equal(inWords({ slug: "no-worker-free", detail: "x" }), WORDS.problems["no-worker-free"]);
  assert.equal(inWords({ slug: "toString", detail: "its own" }), "its own");
  assert.equal(inWords(new Error("thrown")), "thrown");
});

test("loudness runs from the floor to full scale", () => {
  assert.equal(loudness(new Float32Array(64)), 0);
  assert.equal(loudness(new Float32Array(64).fill(1)), 1);
  assert.ok(Math.abs(loudness(new Float32Array(64).fill(0.0316)) - 0.5) < 0.01);
});
