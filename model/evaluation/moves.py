"""Short walks and leaps of many worlds, six pictures each, drawn once and kept: what the motion judge learns from.
Knows the simulator and its labels; nothing of networks."""

from __future__ import annotations

from dataclasses import asdict, astuple, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from model.evaluation import gathering
from model.evaluation.judges import GAP, LOOKED
from model.worlds.clips import start
from model.worlds.renderer import Renderer, View
from model.worlds.terrain import PLACES, Terrain, bake
from model.worlds.walker import Controls, Walk, step
from model.worlds.weather import TIMES, WEATHERS, settled

WALKS, LEAPS = 4, 2  # of each world, in this order
A_WORLD = WALKS + LEAPS
OF_WALKS, OF_LEAPS = range(WALKS), range(WALKS, A_WORLD)
LEAD = 26  # steps before the first picture
RISES, FALLS = range(LEAD - 1, LEAD + 2), range(LEAD - 16, LEAD - 11)  # when who leaps rises or falls in all pictures
FRAMES = LEAD + LOOKED[-1] + 1
TIME_SHARES, WEATHER_SHARES = (0.15, 0.5, 0.15, 0.2), (0.4, 0.25, 0.1, 0.13, 0.12)
MOVES, MOVE_SHARES = ("forward", "back", "left", "right", "stand"), (0.28, 0.2, 0.15, 0.15, 0.22)


def draw(world: int, renderer: Renderer) -> dict[str, Tensor]:
    """The walks of a world: y [A_WORLD, 6, 288, 512], u, v [A_WORLD, 6, 144, 256] uint8, depth code [A_WORLD, 6, 144,
    256] int32 of the frames LOOKED, walk [A_WORLD, 2 GAP + 2, 9] from the first of them on."""
    rng = np.random.default_rng([world, 9])
    terrain = bake(PLACES[world % len(PLACES)], world)
    renderer.enter(terrain)
    rows: dict[str, list[Tensor]] = {name: [] for name in ("y", "u", "v", "depth", "walk")}
    for number in range(A_WORLD):
        walks = walk(terrain, rng) if number < WALKS else leap(terrain, rng)
        sky = settled(str(rng.choice(TIMES, p=TIME_SHARES)), str(rng.choice(WEATHERS, p=WEATHER_SHARES)), rng)
        clock = float(rng.uniform(0, 60))
        looks = [(walks[frame], clock + frame / 24) for frame in LOOKED]
        views = [View(w.x, w.y, w.z, w.yaw, w.pitch, **asdict(sky), clock=at_s) for w, at_s in looks]
        shots = list(renderer.draw_each(views))
        for name, kind in (("y", "uint8"), ("u", "uint8"), ("v", "uint8"), ("depth", "int32")):
            rows[name].append(torch.from_numpy(np.stack([getattr(shot, name) for shot in shots]).astype(kind)))
        rows["walk"].append(torch.tensor([astuple(w) for w in walks], dtype=torch.float32))
    return {name: torch.stack(values) for name, values in rows.items()}


def walk(terrain: Terrain, rng: np.random.Generator) -> list[Walk]:
    """2 GAP + 2 places of somebody who moves with a purpose, and changes it half-way in a quarter of the walks."""
    at, hand = start(terrain, rng), hand_of(rng)
    other = hand_of(rng) if rng.uniform() < 0.25 else hand
    switch, jump = LEAD + int(rng.integers(1, 2 * GAP)), int(rng.integers(3, LEAD + 2 * GAP))
    jumps = rng.uniform() < 0.35
    return _steps(terrain, at, [hand if f < switch else other for f in range(FRAMES)], jump if jumps else None)


def leap(terrain: Terrain, rng: np.random.Generator) -> list[Walk]:
    """2 GAP + 2 places of somebody who is in the air, on the way up or on the way down."""
    jump = int(rng.choice(RISES if rng.uniform() < 0.5 else FALLS))
    return _steps(terrain, start(terrain, rng), [hand_of(rng)] * FRAMES, jump)


def _steps(terrain: Terrain, at: Walk, hands: list[Controls], jump: int | None) -> list[Walk]:
    walks = []
    for frame, controls in enumerate(hands):
        if frame < LEAD // 2:  # whoever turned for a second before has lost the horizon
            controls = replace(controls, look_x=0.0, look_y=0.0)
        at = step(terrain, at, replace(controls, jump=frame == jump))
        walks.append(at)
    return walks[LEAD:]


def hand_of(rng: np.random.Generator) -> Controls:
    """One way to move and to look, held."""
    held = {str(rng.choice(MOVES, p=MOVE_SHARES)), str(rng.choice(MOVES)) if rng.uniform() < 0.25 else "stand"}
    turn = float(rng.choice((-1, 0, 0, 1)) * rng.uniform(0.006, 0.05))
    tilt = float(rng.choice((-1, 0, 0, 1)) * rng.uniform(0.006, 0.025))
    keys = dict.fromkeys(held - {"stand"}, True)
    return Controls(**keys, run=bool(rng.uniform() < 0.2), look_x=turn, look_y=tilt)


def drawn(folder: Path, chosen: list[int]) -> list[Path]:
    """The files of these worlds' walks, drawn where the folder lacks them."""
    return gathering.files(folder, chosen, draw)
