"""Clips: short trajectories seen under two skies, with their truth. Drawn from a seed, written and read as files.
Knows nothing of networks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, astuple
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from model.worlds.policy import hands
from model.worlds.renderer import Renderer, View
from model.worlds.terrain import PLACES, Terrain, bake
from model.worlds.walker import EYE_M, Controls, Walk, floor, free, step
from model.worlds.weather import TIMES, WEATHERS, Sky, settled, toward

FRAMES, SKIES = 16, 2
CLIPS_A_WORLD = 4
STRIDES, STRIDE_SHARES = (1, 4, 8, 14), (0.3, 0.2, 0.28, 0.22)  # steps of the walk between two frames of a clip
HELD_OUT = 17  # every 17th world is never trained on (coprime with the number of places)
Track = tuple[list[Sky], NDArray[np.int32]]  # a sky a frame, and what was asked for, as _skies says


def held_out(seed: int) -> bool:
    """Whether a clip's world is kept for validation: whole worlds are held out."""
    return (seed // CLIPS_A_WORLD) % HELD_OUT == 0


def start(terrain: Terrain, rng: np.random.Generator) -> Walk:
    """Somewhere free and dry to stand, looking anywhere."""
    for _ in range(400):
        x, z = rng.uniform(0, 512, 2)
        dry = terrain.place == "desert" or terrain.height(x, z) > 0.15
        if dry and free(terrain, x, z) and (terrain.height(x, z) < 26 or rng.uniform() < 0.1):
            pitch = float(np.clip(rng.normal(-0.03, 0.12), -0.5, 0.5))
            return Walk(float(x), floor(terrain, x, z) + EYE_M, float(z), float(rng.uniform(-np.pi, np.pi)), pitch)
    raise RuntimeError(f"no free place to stand in this {terrain.place}")


def stride_of(seed: int) -> int:
    """How many steps of the walk lie between two frames of a clip: 1 for clips held out; of the others, most show
    seconds of a walk, for a near thing once seen from afar and a turn's whole round."""
    if held_out(seed):
        return 1
    return int(np.random.default_rng([seed, 2]).choice(STRIDES, p=STRIDE_SHARES))


def _walk(terrain: Terrain, stride: int, rng: np.random.Generator) -> tuple[list[Walk], list[Controls]]:
    """FRAMES + 1 places (the first is the one before the clip) and the controls that led to each."""
    walk, hand = start(terrain, rng), hands(rng)
    for _ in range(int(rng.integers(0, 24))):
        walk = step(terrain, walk, next(hand))
    walks, controls = [walk], []
    for _ in range(FRAMES):
        for _ in range(stride):
            last = next(hand)
            walk = step(terrain, walk, last)
        controls.append(last)
        walks.append(walk)
    return walks, controls


def _skies(rng: np.random.Generator) -> tuple[list[Sky], NDArray[np.int32]]:
    """FRAMES + 1 skies, and per sky [time before, weather before, time asked, weather asked (-1: not named),
    frame at which the prompt came (negative: before the clip)]."""
    time, weather = int(rng.integers(len(TIMES))), int(rng.choice(len(WEATHERS), p=[0.32, 0.12, 0.16, 0.2, 0.2]))
    sky = settled(TIMES[time], WEATHERS[weather], rng)
    if rng.uniform() < 0.5:
        return [sky] * (FRAMES + 1), np.array([time, weather, time, weather, -(10**6)], np.int32)
    kind = rng.choice(["time", "weather", "both"], p=[0.45, 0.45, 0.1])
    to_time = int(rng.integers(len(TIMES))) if kind != "weather" else -1
    to_weather = int(rng.integers(len(WEATHERS))) if kind != "time" else -1
    goal = settled(TIMES[to_time if to_time >= 0 else time], WEATHERS[to_weather if to_weather >= 0 else weather], rng)
    if to_time < 0 or to_time == time:
        goal = Sky(sky.tod, *astuple(goal)[1:])
    if to_weather < 0 or to_weather == weather:
        goal = Sky(goal.tod, *astuple(sky)[1:])
    at = int(rng.integers(-80, FRAMES - 2))
    for _ in range(max(0, -at)):
        sky = toward(sky, goal)
    skies = [sky]
    for frame in range(FRAMES):
        if frame >= at:
            sky = toward(sky, goal)
        skies.append(sky)
    return skies, np.array([time, weather, to_time, to_weather, at], np.int32)


def _beside(first: Track, rng: np.random.Generator) -> Track:
    """A second sky over the same walk: half of them share the sun or the weather of the first, so that each alone is
    seen to change; the others share nothing."""
    if rng.uniform() < 0.5:
        return _skies(rng)
    skies, (time, weather, to_time, to_weather, at) = first[0], (int(part) for part in first[1])
    moves = at > -(10**6)
    if rng.uniform() < 0.65:
        other = int(rng.choice([w for w in range(len(WEATHERS)) if w != weather]))
        there = astuple(settled(TIMES[time], WEATHERS[other], rng))[1:]
        track = [Sky(sky.tod, *there) for sky in skies]
        asked = [time, other, to_time, -1, at] if moves and to_time >= 0 else [time, other, time, other, -(10**6)]
    else:
        other = int(rng.choice([t for t in range(len(TIMES)) if t != time]))
        turn = settled(TIMES[other], WEATHERS[weather], rng).tod
        track = [Sky(turn, *astuple(sky)[1:]) for sky in skies]
        asked = [other, weather, -1, to_weather, at] if moves and to_weather >= 0 else [other, weather] * 2 + [-(10**6)]
    return track, np.array(asked, np.int32)


def draw(seed: int, renderer: Renderer) -> dict[str, NDArray[np.generic]]:
    """The clip of a seed. Arrays: y [2,T,288,512], u, v [2,T,144,256] uint8, depth [T,144,256] uint16,
    walk [T+1,9] (x, y, z, yaw, pitch, vx, vy, vz, ground), controls [T,12], sky [2,T+1,6], prompt [2,5], place [1],
    stride [1]: the steps of the walk between two frames. Nothing falls in them and no star is out: what a picture shows
    of that would hang in the air, so the engine lays it over what is shown."""
    if seed < 0:
        raise ValueError(f"a clip's seed is a non-negative integer; got {seed}")
    world = seed // CLIPS_A_WORLD
    terrain = bake(PLACES[world % len(PLACES)], world)
    renderer.enter(terrain)
    rng = np.random.default_rng([seed, 1])
    stride = stride_of(seed)
    walks, controls = _walk(terrain, stride, rng)
    tracks = [_skies(rng)]
    tracks.append(_beside(tracks[0], rng))
    clock = float(rng.uniform(0, 60))
    views = [
        View(w.x, w.y, w.z, w.yaw, w.pitch, **asdict(tracks[s][0][t]), clock=clock + t * stride / 24, specks=False)
        for s in range(SKIES)
        for t, w in enumerate(walks[1:], 1)
    ]
    pictures = list(renderer.draw_each(views))
    shape = (SKIES, FRAMES)
    return {
        "y": np.stack([p.y for p in pictures]).reshape(*shape, *pictures[0].y.shape),
        "u": np.stack([p.u for p in pictures]).reshape(*shape, *pictures[0].u.shape),
        "v": np.stack([p.v for p in pictures]).reshape(*shape, *pictures[0].v.shape),
        "depth": np.stack([p.depth for p in pictures[:FRAMES]]),
        "walk": np.array([astuple(w) for w in walks], np.float32),
        "controls": np.array([astuple(c) for c in controls], np.float32),
        "sky": np.array([[astuple(sky) for sky in track[0]] for track in tracks], np.float32),
        "prompt": np.stack([track[1] for track in tracks]),
        "place": np.array([PLACES.index(terrain.place)], np.int32),
        "stride": np.array([stride], np.int32),
    }


def path_of(folder: Path, seed: int) -> Path:
    """Where the clip of a seed lies in a cache folder."""
    return folder / f"{seed:08d}.safetensors"


def write(path: Path, arrays: Mapping[str, NDArray[np.generic]], told: dict[str, str] | None = None) -> None:
    """Writes arrays by name, with what is told of them, whole or not at all."""
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary, told)
    temporary.rename(path)


def list_clips(folder: Path, validation: bool = False) -> list[Path]:
    """The clips of a folder by seed: those to train on, or those held out."""
    paths = sorted(folder.glob("[0-9]*.safetensors"))
    return [p for p in paths if held_out(int(p.stem)) == validation]


def read(path: Path, keys: tuple[str, ...] = ()) -> dict[str, torch.Tensor]:
    """A clip's arrays by name (all without `keys`), mapped, not copied until used."""
    with safe_open(path, "pt") as file:
        return {k: file.get_tensor(k) for k in (keys or file.keys())}
