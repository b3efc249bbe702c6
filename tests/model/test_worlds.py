"""The synthetic worlds: their truth, their determinism, and what they refuse."""

from dataclasses import astuple, replace

import numpy as np
import pytest
import torch

from model.conditioning import state
from model.heavens import heavens
from model.omni import unpatch
from model.worlds import clips
from model.worlds.clips import FRAMES, SKIES, draw, held_out, list_clips, path_of, read, write
from model.worlds.policy import hands
from model.worlds.renderer import Renderer, View
from model.worlds.terrain import CELL_M, PLACES, bake
from model.worlds.walker import EYE_M, FRAME_S, GRAVITY_M_S2, Controls, Walk, free, step
from model.worlds.weather import TIMES, WEATHERS, settled, toward


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def standing(terrain, x=100.0, z=100.0):
    while not free(terrain, x, z) or (terrain.place != "desert" and terrain.height(x, z) < 0):
        x += 3.7
    return Walk(x, terrain.height(x, z) + EYE_M, z, 0.3, 0.0)


def test_a_seed_gives_the_same_clip_twice(renderer):
    first, second = draw(5, renderer), draw(5, renderer)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert first["y"].shape == (SKIES, FRAMES, 288, 512)


def test_a_clip_survives_its_file(renderer, tmp_path):
    write(path_of(tmp_path, 7), draw(7, renderer))
    (path,) = list_clips(tmp_path, validation=held_out(7))
    assert np.array_equal(read(path)["u"].numpy(), draw(7, renderer)["u"])


@pytest.mark.parametrize("time", ["dawn", "dusk"])
@pytest.mark.parametrize("aside", [-0.35, 0.0, 0.35])
def test_the_sun_is_where_the_state_says(renderer, time, aside):
    """The brightest column of a picture is that where networks are told that the sun is."""
    world = bake("desert", 5)
    renderer.enter(world)
    turn, yaw = state.TYPICAL_TIME[time], state.to_the_sun(time) + aside
    seen = renderer.draw(View(200, world.height(200, 200) + 30, 200, yaw, 0.0, turn, 0.0, specks=False)).y
    told = unpatch(heavens(torch.tensor(turn), torch.tensor([yaw, 0.0])))[3]  # the narrowest around the sun
    assert abs(int(seen.astype(float).mean(0).argmax()) / 16 - int(told.amax(0).argmax())) < 1.5


def test_a_full_turn_returns_to_the_same_picture(renderer):
    terrain = bake("meadow", 3)
    renderer.enter(terrain)
    at = standing(terrain)
    view = View(at.x, at.y, at.z, 0.4, 0.0)
    a, b = renderer.draw_rgb(view), renderer.draw_rgb(replace(view, yaw=0.4 + 2 * np.pi))
    assert np.abs(a.astype(int) - b).mean() < 0.5


def test_depth_is_the_distance_to_flat_water(renderer):
    terrain = bake("coast", 3)
    renderer.enter(terrain)
    j, i = np.unravel_index(terrain.ground[:, :, 0].argmin(), (1024, 1024))
    depth = renderer.draw(View((i + 0.5) / 2, 20.0, (j + 0.5) / 2, 0.0, -1.5)).depth / 65535
    assert 1.2 / depth[72, 128] ** 2 - 1.2 == pytest.approx(20.0, rel=0.02)


@pytest.mark.parametrize(
    ("change", "named"),
    [({"fog": 1.5}, "fog"), ({"x": float("nan")}, "x"), ({"clock": -1.0}, "clock"), ({"snow": float("inf")}, "snow")],
)
def test_a_bad_view_is_refused_by_name(change, named):
    with pytest.raises(ValueError, match=f"^{named} must"):
        View(**({"x": 0.0, "y": 1.7, "z": 0.0, "yaw": 0.0, "pitch": 0.0} | change))


def test_unknown_names_and_sizes_are_refused():
    with pytest.raises(ValueError, match="'atlantis'"):
        bake("atlantis", 0)
    with pytest.raises(ValueError, match="'noon'"):
        settled("noon", "clear", np.random.default_rng(0))
    with pytest.raises(ValueError, match="0 x 288"):
        Renderer(0, 288)


def test_a_window_is_cut_out_of_the_whole_picture(renderer):
    terrain = bake("meadow", 3)
    view = View(40.0, terrain.height(40, 30) + 1.7, 30.0, 0.5, -0.1)
    whole, window = Renderer(512, 288), Renderer(512, 288, (128, 96))
    for each in (whole, window):
        each.enter(terrain)
    full, part = whole.draw(view), window.draw(view, (200, 64))
    assert np.array_equal(part.y, full.y[64:160, 200:328])
    assert np.array_equal(part.depth, full.depth[32:80, 100:164])
    with pytest.raises(ValueError, match="begins within"):
        window.draw(view, (400, 0))


def test_a_picture_four_times_as_fine_shows_the_same_world():
    terrain = bake("desert", 1)
    view = View(60.0, terrain.height(60, 60) + 1.7, 60.0, 0.3, 0.0)
    coarse, fine = Renderer(), Renderer(2048, 1152)
    for each in (coarse, fine):
        each.enter(terrain)
    box = fine.draw(view).y.reshape(288, 4, 512, 4).mean((1, 3))
    assert np.square(coarse.draw(view).y - box).mean() < 219**2 / 10**3.3  # 33 dB


@pytest.mark.parametrize("place", PLACES)
def test_nobody_walks_through_trunks_or_into_lakes(place):
    terrain = bake(place, 11)
    for seed in range(12):
        hand = hands(np.random.default_rng(seed))
        walk = standing(terrain, 40.0 * seed, 30.0 * seed)
        for _ in range(240):
            walk = step(terrain, walk, next(hand))
            assert free(terrain, walk.x, walk.z)


def test_a_jump_falls_with_gravity():
    terrain = bake("desert", 2)
    walk = step(terrain, standing(terrain), Controls(jump=True))
    speeds = [walk.vy]
    while not (walk := step(terrain, walk, Controls())).ground:
        speeds.append(walk.vy)
    assert len(speeds) > 10
    assert np.diff(speeds) / FRAME_S == pytest.approx(-GRAVITY_M_S2, rel=0.01)


def test_a_sky_reaches_what_was_asked_and_stays_there():
    rng = np.random.default_rng(1)
    for time in TIMES:
        for weather in WEATHERS:
            sky, goal = settled("day", "clear", rng), settled(time, weather, rng)
            for _ in range(6 * 24):
                sky = toward(sky, goal)
            assert astuple(sky) == pytest.approx(astuple(goal), abs=1e-6)


def test_plants_stand_inside_their_cells():
    terrain = bake("mountains", 1)
    feet, _, _, _ = terrain.plants
    inside = feet[:, (0, 2)] / CELL_M % 1
    assert inside.min() > 0.3
    assert inside.max() < 0.7


def test_half_of_the_second_skies_share_the_sun_or_the_weather():
    shared = {"sun": 0, "weather": 0}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        first = clips._skies(rng)
        skies, asked = clips._beside(first, rng)
        assert len(skies) == len(first[0]) and asked.shape == (5,)
        sun = all(a.tod == b.tod for a, b in zip(skies, first[0], strict=True))
        weather = all(astuple(a)[1:] == astuple(b)[1:] for a, b in zip(skies, first[0], strict=True))
        assert not (sun and weather)
        shared["sun"] += sun
        shared["weather"] += weather
    assert 40 < shared["sun"] < 95 and 15 < shared["weather"] < 60
