import assert from "node:assert/strict";
import { test } from "node:test";

import { wait } from "../../../web/js/backoff.js";
import { output, stream, Closer } from "../../../web/js/outputs.js";
import { follow } from "../../../web/js/phases.js";
import { picture } from "../../../web/js/socket_peer.js";
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
  const sent = JSON.parse(wire.control({ seq: 2, buttons: 5, look_x: 0.123456789, look_y: 0, t: 17.4, changed_at: 16, looked_at: null }));
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

test("a picture over a socket has its frame, its time and its bytes; anything else is none", () => {
  const raw = new DataView(new ArrayBuffer(19));
  raw.setUint8(0, 1);
  raw.setUint8(1, 1);
  raw.setUint32(4, 77);
  raw.setBigUint64(8, 2n ** 33n + 5n);
  raw.setUint8(18, 9);
  assert.deepEqual(picture(raw.buffer), { keyframe: true, frame: 77, pts: 2 ** 33 + 5, data: new Uint8Array([0, 0, 9]) });
  assert.equal(picture(new ArrayBuffer(16)), null);
  raw.setUint8(0, 2);
  assert.equal(picture(raw.buffer), null);
});

test("what is told of people, lines and suggestions is read, and what lacks a part is not", () => {
  assert.equal(wire.read('{"type":"session","state":"queued","queue_position":2,"wait_s":null}').queue_position, 2);
  assert.equal(wire.read('{"type":"people","list":[],"holder":null}').list.length, 0);
  assert.equal(wire.read('{"type":"people","holder":null}'), null);
  assert.equal(wire.read('{"type":"suggestions","list":null}'), null);
  assert.equal(wire.read('{"type":"notice","kind":"time"}'), null);
});
