import assert from "node:assert/strict";
import { test } from "node:test";

import { PromptLog } from "../../../web/js/prompts.js";

const stages = (log) => log.list.value.map((prompt) => prompt.stage);

test("a prompt is sent, accepted, and heard at the frame that first obeyed it", () => {
  const log = new PromptLog();
  const ref = log.add("let it snow");
  log.sent(ref);
  log.accepted(ref, 3);
  log.obeyed({ frame: 40, text_id: 2 });
  assert.deepEqual(stages(log), ["accepted"]);
  log.obeyed({ frame: 41, text_id: 3 });
  log.obeyed({ frame: 42, text_id: 3 });
  assert.deepEqual(log.list.value[0], { ref, text: "let it snow", stage: "heard", said_at: 0, text_id: 3, frame: 41 });
});

test("an older prompt that was never obeyed is passed over by the next", () => {
  const log = new PromptLog();
  const [first, second] = [log.add("fog"), log.add("night falls")];
  log.accepted(first, 1);
  log.accepted(second, 2);
  log.obeyed({ frame: 9, text_id: 2 });
  assert.deepEqual(stages(log), ["passed", "heard"]);
});

test("a refusal keeps its reason, and comes after nothing", () => {
  const log = new PromptLog();
  const ref = log.add("x".repeat(500));
  log.sent(ref);
  log.refused(ref, "too long");
  log.accepted(ref, 4);
  assert.deepEqual([stages(log), log.list.value[0].reason], [["refused"], "too long"]);
});

test("what was sent and never answered is sent again by the next connection", () => {
  const log = new PromptLog();
  const [lost, safe] = [log.add("fog"), log.add("rain")];
  log.sent(lost);
  log.accepted(safe, 1);
  log.lost();
  assert.deepEqual(log.waiting().map((prompt) => prompt.ref), [lost]);
});
