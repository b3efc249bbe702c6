"""Where episodes happen and what is done in them: worlds held out from training, and hands with a purpose.
Drawn from seeds alone. Knows the simulator's walk; nothing of pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.evaluation.subjects import Act, Scene, Wish, terrain_of
from model.worlds.captions import change, describe
from model.worlds.clips import CLIPS_A_WORLD, HELD_OUT, held_out, start
from model.worlds.terrain import PLACES
from model.worlds.walker import Controls, Walk, step
from model.worlds.weather import TIMES, WEATHERS, settled

FIRST_WORLD = 100 * HELD_OUT
LEVEL_RAD = 0.05  # how far from the horizon an episode's first look may be
TRIES = 40


def world_of(seed: int) -> int:
    """A world that no training sees; places take turns."""
    world = FIRST_WORLD + HELD_OUT * seed
    assert held_out(world * CLIPS_A_WORLD)
    return world


def scene(seed: int, time: str = "", weather: str = "", place: str = "", level: bool = True) -> Scene:
    """Somewhere in a held-out world, under the named sky or a drawn one."""
    rng = np.random.default_rng([seed, 11])
    world = world_of(seed)
    place = place or PLACES[world % len(PLACES)]
    time = time or str(rng.choice(TIMES, p=(0.15, 0.5, 0.15, 0.2)))
    weather = weather or str(rng.choice(WEATHERS, p=(0.4, 0.2, 0.12, 0.14, 0.14)))
    terrain = terrain_of(place, world)
    at = start(terrain, rng)
    pitch = float(np.clip(at.pitch, -LEVEL_RAD, LEVEL_RAD)) if level else at.pitch
    walk = Walk(at.x, at.y, at.z, at.yaw, pitch)
    words = describe(place, time, weather, rng)
    return Scene(world, place, walk, settled(time, weather, rng), words, clock=float(rng.uniform(0, 60)))


def walked(scene: Scene, acts: Sequence[Act]) -> list[Walk]:
    """Where the simulator's person stands in every frame, the first included; nothing is drawn."""
    terrain, walks = terrain_of(scene.place, scene.world), [scene.walk]
    for act in acts:
        walks.append(step(terrain, walks[-1], act.controls))
    return walks


def out_and_back(rng: np.random.Generator, frames: int) -> list[Act]:
    """Some way out, walking, sidestepping and turning; then the same backwards, so that what was seen comes into view
    again; and at last another way out."""
    out = frames * 5 // 12
    first, second = (_way(rng, length) for length in (out, frames - 2 * out))
    return [Act(controls) for controls in [*first, *(undone(c) for c in reversed(first)), *second]]


def _way(rng: np.random.Generator, frames: int) -> list[Controls]:
    """Moves held for half a second each, within what a neck and a first view allow."""
    way: list[Controls] = []
    while len(way) < frames:
        move = str(rng.choice(["forward", "back", "left", "right", "stand"], p=(0.4, 0.1, 0.15, 0.15, 0.2)))
        turn, tilt = (float(rng.choice((-1, 0, 0, 1)) * rng.uniform(0.02, 0.04)) for _ in range(2))
        held = {move: True} if move != "stand" else {}
        yaw, pitch = (sum(getattr(c, name) for c in way) for name in ("look_x", "look_y"))
        turn = -abs(turn) if yaw > 0.4 else abs(turn) if yaw < -0.4 else turn
        tilt = -abs(tilt) if pitch > 0.2 else abs(tilt) if pitch < -0.2 else tilt
        way += [Controls(**held, look_x=turn, look_y=0.6 * tilt)] * min(12, frames - len(way))
    return way


def undone(c: Controls) -> Controls:
    """What leads back."""
    return Controls(
        forward=c.back, back=c.forward, left=c.right, right=c.left, look_x=-c.look_x, look_y=-c.look_y, run=c.run
    )


def wander(rng: np.random.Generator, frames: int) -> list[Act]:
    """An active walk without end: always turning one way or the other, mostly moving."""
    acts: list[Act] = []
    while len(acts) < frames:
        turn = float(rng.choice((-1, 1)) * rng.uniform(0.02, 0.06)) if rng.uniform() < 0.7 else 0.0
        moves = {"forward": rng.uniform() < 0.75, "run": rng.uniform() < 0.15}
        acts += [Act(Controls(**moves, look_x=turn))] * int(rng.integers(8, 25))
    return acts[:frames]


def wishing(acts: list[Act], every: int, rng: np.random.Generator) -> list[Act]:
    """The same with a prompt every so many frames: by turns the time and the weather change."""
    out = list(acts)
    for count, frame in enumerate(range(every, len(acts), every)):
        time = str(rng.choice(TIMES)) if count % 2 else ""
        weather = "" if count % 2 else str(rng.choice(WEATHERS))
        text = change(time or None, weather or None, rng)
        out[frame] = Act(acts[frame].controls, Wish(text, time, weather))
    return out
