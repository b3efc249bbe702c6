"""Nobody walks through what is solid: random walks held against where trunks, rocks and walls stand."""

from __future__ import annotations

from dataclasses import replace
from math import pi

import numpy as np
import pytest

from configs.paths import vocabulary
from model.worlds.bodies import roll_down, throw
from model.worlds.lands import Land, land
from model.worlds.physics import BODY_M, EYE_M, WADE_M
from model.worlds.policy import hands
from model.worlds.scenery import Spot
from model.worlds.stage import Stage, Wish
from model.worlds.terrain import TILE_M, TRUNK_RADIUS
from model.worlds.walker import Walk, free, step
from model.worlds.weather import settled

PLACES = vocabulary()["place"]


def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The shorter way between coordinates on the repeating tile."""
    return np.abs((a - b + TILE_M / 2) % TILE_M - TILE_M / 2)


def clearance_m(world: Land, way: np.ndarray) -> float:
    """Metres from a way [T, 2] (x, z) to the surface of the nearest trunk, rock or wall; negative inside."""
    feet, size, kind, _ = world.plants
    radius = size * np.array([TRUNK_RADIUS.get(int(k), 0.0) for k in kind])
    solid = radius > 0
    across = apart(way[:, None, 0], feet[None, solid, 0]), apart(way[:, None, 1], feet[None, solid, 2])
    nearest = float((np.hypot(*across) - radius[solid]).min()) if solid.any() else np.inf
    for house in world.houses:
        beyond = apart(way[:, 0], house.x) - house.half_x, apart(way[:, 1], house.z) - house.half_z
        nearest = min(nearest, float(np.maximum(*beyond).min()))
    return nearest


def somewhere(world: Land, rng: np.random.Generator) -> tuple[float, float]:
    """A free and dry place; in a town's streets, where there are some."""
    low, high = (190.0, 320.0) if world.houses else (0.0, TILE_M)
    while True:
        x, z = (float(part) for part in rng.uniform(low, high, 2))
        if free(world, x, z) and (world.dry or world.height(x, z) > 0):
            return x, z


def check_walks(walks: int, frames: int) -> None:
    went_m = 0.0
    for place in PLACES:
        world = land(place, 3)
        for seed in range(walks // len(PLACES)):
            rng = np.random.default_rng([seed, PLACES.index(place)])
            (x, z), hand = somewhere(world, rng), hands(rng)
            walk, way = Walk(x, world.height(x, z) + EYE_M, z, float(rng.uniform(-pi, pi)), 0.0), [(x, z)]
            for _ in range(frames):
                walk = step(world, walk, replace(next(hand), forward=True, run=True))
                way.append((walk.x, walk.z))
                assert world.dry or world.height(walk.x, walk.z) >= -WADE_M
            line = np.array(way)
            assert clearance_m(world, np.concatenate([line, (line[1:] + line[:-1]) / 2])) > 0.8 * BODY_M
            went_m += float(np.hypot(*np.diff(line, axis=0).T).sum())
    assert went_m > 2.0 * walks * frames / 24, "these walks hardly move"


def test_nobody_walks_through_houses_trees_or_rocks() -> None:
    check_walks(96, 60)


@pytest.mark.soak
def test_nobody_walks_through_a_wall_in_a_thousand_walks() -> None:
    check_walks(1000, 240)


def test_the_check_sees_who_stands_in_a_wall_or_a_tree() -> None:
    town, forest = land("town", 3), land("forest", 3)
    house, feet = town.houses[0], forest.plants[0][0]
    assert clearance_m(town, np.array([[house.x + 0.5 * house.half_x, house.z]])) < 0
    assert clearance_m(forest, np.array([[feet[0] + TILE_M, feet[2]]])) < 0


def test_foxes_keep_out_of_walls_and_boats_off_the_land() -> None:
    sky, rng = settled("day", "clear", np.random.default_rng(0)), np.random.default_rng(5)
    for subject, place in (("fox", "town"), ("boat", "coast")):
        world = land(place, 3)
        for seed in range(3):
            x, z = somewhere(world, rng)
            while subject == "boat" and max(world.height(x + a, z + b) for a in (-8, 0, 8) for b in (-8, 0, 8)) > -0.6:
                x, z = (float(part) for part in rng.uniform(0, TILE_M, 2))
            stage, hand, way = Stage(world, subject, seed), hands(rng), []
            stage.reset(Spot(x, z, float(rng.uniform(-pi, pi))), Wish(sky, camera="third"))
            for _ in range(72):
                moment = stage.step(replace(next(hand), forward=True), Wish(sky, camera="third"))
                way.append((moment.walk.x, moment.walk.z))
            if subject == "boat":
                assert max(world.height(*at) for at in way) < -0.3
            else:
                assert clearance_m(world, np.array(way)) > 0.8 * BODY_M


@pytest.mark.parametrize("place", ["town", "forest"])
def test_balls_and_boulders_stay_out_of_what_is_solid(place: str) -> None:
    world, rng = land(place, 3), np.random.default_rng(1)
    for _ in range(12):
        x, z = somewhere(world, rng)
        push = rng.uniform(-5, 5, 2)
        flying = throw(world, np.array([x, world.height(x, z) + 1.5, z]), np.array([push[0], 5.0, push[1]]), 96).at
        low = flying[:, 1] - [world.height(*at) for at in flying[:, (0, 2)]] < 2.0
        assert clearance_m(world, flying[low][:, (0, 2)]) > 0
        if not world.blocked(x, z, 1.0):
            rolling = roll_down(world, (x, z), (float(push[0]), float(push[1])), 96).at
            assert clearance_m(world, rolling[:, (0, 2)]) > 0
