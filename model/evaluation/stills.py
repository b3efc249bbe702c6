"""Single views of many worlds under every time and weather, drawn once and kept: what the attribute judge learns from.
Knows the simulator and its labels; nothing of networks."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from model.camera import unproject
from model.planes import distance
from model.worlds.clips import HELD_OUT, start
from model.worlds.renderer import Renderer, View
from model.worlds.terrain import PLACES, TEXELS, TILE_M, Terrain, bake
from model.worlds.walker import Walk
from model.worlds.weather import TIMES, WEATHERS, settled

FIRST_WORLD = 2000  # worlds that no clip shows
FIRST_HELD_OUT = 11000  # worlds that nobody looked at while the judges were made
A_WORLD = 10  # views of each world: half of the 20 skies
LEVEL_M, SLACK = 0.1, 0.004  # how far from a lake's level a point may lie, and how much farther a metre of distance
REACH_M = 200.0  # beyond, all is sky


def worlds(count: int, held_out: bool) -> list[int]:
    """That many world numbers, of those that training may see or of those held out (by the rule of the clips)."""
    first = FIRST_HELD_OUT if held_out else FIRST_WORLD
    found = range(first, first + (count + 8) * HELD_OUT)
    return [world for world in found if (world % HELD_OUT == 0) == held_out][:count]


def draw(world: int, renderer: Renderer) -> dict[str, Tensor]:
    """A_WORLD views of a world: y [N, 288, 512], u, v [N, 144, 256] uint8, depth code [N, 144, 256]; time, weather,
    place, pitch, water (its share of the frame) [N]."""
    rng = np.random.default_rng([world, 7])
    terrain = bake(PLACES[world % len(PLACES)], world)
    renderer.enter(terrain)
    skies = rng.permutation(len(TIMES) * len(WEATHERS))[:A_WORLD]
    names = ("y", "u", "v", "depth", "time", "weather", "place", "pitch", "water")
    rows: dict[str, list[Tensor]] = {name: [] for name in names}
    for chosen in skies:
        time, weather = divmod(int(chosen), len(WEATHERS))
        sky, at = settled(TIMES[time], WEATHERS[weather], rng), start(terrain, rng)
        picture = renderer.draw(
            View(at.x, at.y, at.z, at.yaw, at.pitch, **asdict(sky), clock=float(rng.uniform(0, 60)))
        )
        for name in ("y", "u", "v", "depth"):
            rows[name].append(torch.from_numpy(getattr(picture, name).astype("int32" if name == "depth" else "uint8")))
        water = water_share(terrain, at, rows["depth"][-1])
        facts = {
            "time": time,
            "weather": weather,
            "place": PLACES.index(terrain.place),
            "pitch": at.pitch,
            "water": water,
        }
        for name, value in facts.items():
            rows[name].append(torch.tensor(value))
    return {name: torch.stack(values) for name, values in rows.items()}


def water_share(terrain: Terrain, at: Walk, code: Tensor) -> float:
    """How much of a frame shows water. `code`: the depth code [144, 256] of the view."""
    return float(shows_water(terrain, at, code).float().mean())


def shows_water(terrain: Terrain, at: Walk, code: Tensor) -> Tensor:
    """Which pixels of a frame show water, bool [144, 256]: what lies at the level of the lakes, where the ground is
    below it. `code`: the depth code [144, 256] of the view."""
    distance_m = distance(code.float() / 65535)
    x, y, z = unproject(distance_m[None], torch.tensor([[at.x, at.y, at.z, at.yaw, at.pitch]]))[0]
    column, row = ((part / TILE_M * TEXELS).floor().long() % TEXELS for part in (x, z))
    below = torch.from_numpy(terrain.ground[..., 0])[row, column] < 0
    near = y.abs() < LEVEL_M + SLACK * distance_m
    return below & near & (distance_m < REACH_M) & (terrain.place != "desert")
