"""The probe against what the simulator shows in worlds it was never trained on. Without EGL the renderer says so."""

import itertools
from dataclasses import astuple, replace

import numpy as np
import pytest

from configs.paths import WEIGHTS
from model.checkpoint import CheckpointError
from model.evaluation.probe import Probe
from model.worlds.clips import CLIPS_A_WORLD, HELD_OUT, held_out
from model.worlds.renderer import Renderer, View
from model.worlds.terrain import PLACES, Terrain, bake
from model.worlds.walker import EYE_M, Controls, Walk, floor, free, step
from model.worlds.weather import settled

SKIES = (("day", "clear"), ("dusk", "overcast"), ("day", "fog"), ("day", "rain"), ("day", "snow"), ("night", "clear"))


@pytest.fixture(scope="module")
def probe() -> Probe:
    return Probe.load()


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def stand(terrain: Terrain, rng: np.random.Generator) -> Walk:
    while True:
        x, z = rng.uniform(0, 512, 2)
        if free(terrain, x, z) and terrain.height(x, z) > 0.15:
            return Walk(x, floor(terrain, x, z) + EYE_M, z, rng.uniform(-np.pi, np.pi), -0.03)


def walked(terrain: Terrain, walk: Walk, frames: int) -> Walk:
    for _ in range(frames):
        walk = step(terrain, walk, Controls(forward=True))
    return walk


def streamed(renderer: Renderer, walk: Walk, sky: tuple[float, ...], clock: float = 5.0) -> np.ndarray:
    view = View(walk.x, walk.y, walk.z, walk.yaw, walk.pitch, *sky, clock)
    return np.ascontiguousarray(renderer.draw_rgb(view)[8:278, 16:496])


def unseen_worlds() -> list[Terrain]:
    worlds = [HELD_OUT * k for k in range(100, 104)]
    assert all(held_out(CLIPS_A_WORLD * world) for world in worlds)
    return [bake(PLACES[world % len(PLACES)], world) for world in worlds]


def test_weather_and_night_are_read_from_the_picture(probe: Probe, renderer: Renderer):
    rng, right, readings = np.random.default_rng(5), 0, 0
    for terrain in unseen_worlds():
        renderer.enter(terrain)
        for time, weather in SKIES:
            picture = streamed(renderer, stand(terrain, rng), astuple(settled(time, weather, rng)))
            reading = probe.read(picture)
            truth = {name: name == weather for name in ("snow", "rain", "fog")} | {"night": time == "night"}
            right += sum((reading[name] > 0.5) == true for name, true in truth.items())
            readings += len(truth)
    assert right >= 0.9 * readings, f"{right} of {readings}"


def test_turning_is_read_from_two_pictures(probe: Probe, renderer: Renderer):
    rng, turns = np.random.default_rng(6), 0
    for terrain, sign in itertools.product(unseen_worlds(), (-1, 1)):
        renderer.enter(terrain)
        sky, before = astuple(settled("day", "clear", rng)), stand(terrain, rng)
        turned = replace(before, yaw=before.yaw + sign * 0.3)
        moved = probe.motion(streamed(renderer, before, sky), streamed(renderer, turned, sky, 5.25))
        turns += moved["turn"] * sign > 0.1
    assert turns >= 7, f"{turns} of 8"


def test_walking_is_read_from_two_pictures(probe: Probe, renderer: Renderer):
    rng, walks = np.random.default_rng(6), 0
    for terrain in [*unseen_worlds(), *unseen_worlds()]:
        renderer.enter(terrain)
        sky, before = astuple(settled("day", "clear", rng)), stand(terrain, rng)
        before = walked(terrain, before, 6)
        after = walked(terrain, before, 6)
        moved = probe.motion(streamed(renderer, before, sky), streamed(renderer, after, sky, 5.25))["forward"]
        still = probe.motion(streamed(renderer, before, sky), streamed(renderer, before, sky, 5.25))["forward"]
        walks += moved > still + 0.2
    assert walks >= 6, f"{walks} of 8"


def test_the_place_logits_are_named_and_the_readings_are_shares(probe: Probe):
    reading = probe.read(np.full((270, 480, 3), 128, np.uint8))
    assert all(0 <= reading[name] <= 1 for name in ("snow", "rain", "fog", "night"))
    assert {f"place.{place}" for place in PLACES} <= set(reading)
    assert sum(p.numel() for p in probe.parameters()) <= 150_000


def test_what_is_no_picture_is_refused_by_shape(probe: Probe):
    with pytest.raises(ValueError, match=r"uint8 \[H, W, 3\], got float64 \(270, 480, 3\)"):
        probe.read(np.zeros((270, 480, 3)))


def test_a_missing_probe_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"expected a probe checkpoint at .*nothing.safetensors"):
        Probe.load(tmp_path / "nothing.safetensors")
    assert (WEIGHTS / "probe.safetensors").is_file()
