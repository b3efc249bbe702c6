import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";

import { Bindings, DEFAULTS, keyName, WORLD } from "../../../web/js/bindings.js";
import { handsOf } from "../../../web/js/gamepad.js";
import { BUTTONS } from "../../../web/js/buttons.js";
import { after, CAMERAS, cameraOf } from "../../../web/js/cameras.js";
import { pick } from "../../../web/js/strings.js";

const fresh = (kept = null) => {
  const store = { kept };
  return { store, bindings: new Bindings({ load: () => store.kept, keep: (keys) => (store.kept = keys) }) };
};

test("the world's actions are the vocabulary's, each with its button, but for cameras, which are named", () => {
  const file = new URL("../../../configs/vocabulary.json", import.meta.url);
  const { buttons: { KeyC, ...buttons } } = JSON.parse(readFileSync(file, "utf8"));
  assert.equal(KeyC, "next_camera");
  assert.deepEqual(Object.fromEntries(Object.entries(WORLD).map(([action, code]) => [code, action])), buttons);
});

test("a key does what it did until it is changed; the action that had the new key takes the old one", () => {
  const { bindings } = fresh();
  assert.equal(bindings.button("KeyW"), "KeyW");
  bindings.change("forward", "KeyE");
  assert.deepEqual([bindings.button("KeyE"), bindings.button("KeyW")], ["KeyW", null]);
  bindings.change("back", "KeyE");
  assert.deepEqual([bindings.button("KeyE"), bindings.button("KeyS")], ["KeyS", "KeyW"]);
});

test("cameras are counted as the vocabulary counts them, and follow each other in a round", () => {
  const { camera } = JSON.parse(readFileSync(new URL("../../../configs/vocabulary.json", import.meta.url), "utf8"));
  for (const name of CAMERAS) assert.equal(cameraOf({ camera: camera.indexOf(name) }), name);
  assert.deepEqual([cameraOf({}), cameraOf({ camera: camera.indexOf("third") })], ["first", "first"]);
  assert.deepEqual(CAMERAS.map(after), ["drone", "orbit", "first"]);
});

test("a page's key may become a walking key, and the page takes the walking key", () => {
  const { bindings } = fresh();
  bindings.change("forward", "KeyH");
  assert.deepEqual([bindings.button("KeyH"), bindings.page("KeyW"), bindings.page("KeyH")], ["KeyW", "figures", null]);
});

test("what was changed is kept, and forgotten on request", () => {
  const { store, bindings } = fresh();
  bindings.change("jump", "KeyJ");
  assert.equal(new Bindings({ load: () => store.kept, keep: () => undefined }).button("KeyJ"), "Space");
  bindings.reset();
  assert.equal(bindings.button("KeyJ"), null);
  assert.equal(bindings.button("Space"), "Space");
});

test("nonsense that was kept is left alone, and no two actions ever share a key", () => {
  for (const kept of [null, 7, "x", [], { forward: 3, dance: "KeyW" }, { forward: "KeyS", back: "KeyW" }, { jump: "KeyW" }]) {
    const { bindings } = fresh(kept);
    const keys = Object.keys(DEFAULTS).map((action) => bindings.key(action));
    assert.equal(new Set(keys).size, keys.length, JSON.stringify(kept));
  }
  assert.throws(() => fresh().bindings.change("jump", ""), /jump/);
});

test("both sides of a keyboard mean the same, and keys have names that people know", () => {
  const { bindings } = fresh();
  assert.equal(bindings.button("ShiftRight"), "ShiftLeft");
  assert.equal(bindings.page("NumpadEnter"), "prompt");
  assert.deepEqual(["KeyW", "ArrowUp", "Digit4", "Space"].map((code) => keyName(code, { Space: "Espaço" })),
    ["W", "↑", "4", "Espaço"]);
});

test("a gamepad's sticks walk, run and look; what rests does nothing", () => {
  const buttons = Array.from({ length: 17 }, () => ({ pressed: false }));
  assert.deepEqual(handsOf({ axes: [0.1, -0.1, 0.05, 0], buttons }, true), { held: [], look: [0, -0] });
  const walking = handsOf({ axes: [0.5, -0.5, 1, -1], buttons }, true);
  assert.deepEqual(walking.held, ["KeyW", "KeyD"]);
  assert.ok(walking.look[0] > 1 && walking.look[1] > 1, "right and up are positive");
  assert.deepEqual(handsOf({ axes: [0, -1], buttons }, true).held, ["KeyW", "ShiftLeft"]);
  assert.deepEqual(handsOf({ axes: [0, -1], buttons }, false).held, ["KeyW"], "who flies would sink");
  const pressed = buttons.map((one, index) => ({ pressed: [0, 1].includes(index) }));
  const { held } = handsOf({ axes: [], buttons: pressed }, true);
  assert.ok(held.every((code) => BUTTONS.includes(code)) && held.length === 2);
});

test("the language is the first that the browser asks for and that there is", () => {
  assert.deepEqual([["pt-BR", "en"], ["de", "pt"], ["en-GB", "pt"], ["de-AT"], []].map(pick), ["pt", "pt", "en", "en", "en"]);
});
