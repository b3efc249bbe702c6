"""Single views of many worlds under every time and weather, drawn once and kept: what the attribute judge learns from.
Knows the simulator and its labels; nothing of networks."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.worlds.clips import HELD_OUT, start
from model.worlds.renderer import Renderer, View
from model.worlds.terrain import PLACES, bake
from model.worlds.weather import TIMES, WEATHERS, settled

FIRST_WORLD = 2000  # worlds that no clip shows
A_WORLD = 10  # views of each world: half of the 20 skies


def worlds(count: int, held_out: bool) -> list[int]:
    """That many world numbers, of those that training may see or of those held out (by the rule of the clips)."""
    found = range(FIRST_WORLD, FIRST_WORLD + (count + 8) * HELD_OUT)
    return [world for world in found if (world % HELD_OUT == 0) == held_out][:count]


def draw(world: int, renderer: Renderer) -> dict[str, Tensor]:
    """A_WORLD views of a world: y [N, 288, 512], u, v [N, 144, 256] uint8, depth code [N, 144, 256]; time, weather,
    place, pitch [N]."""
    rng = np.random.default_rng([world, 7])
    terrain = bake(PLACES[world % len(PLACES)], world)
    renderer.enter(terrain)
    skies = rng.permutation(len(TIMES) * len(WEATHERS))[:A_WORLD]
    rows: dict[str, list[Tensor]] = {name: [] for name in ("y", "u", "v", "depth", "time", "weather", "place", "pitch")}
    for chosen in skies:
        time, weather = divmod(int(chosen), len(WEATHERS))
        sky, at = settled(TIMES[time], WEATHERS[weather], rng), start(terrain, rng)
        picture = renderer.draw(
            View(at.x, at.y, at.z, at.yaw, at.pitch, **asdict(sky), clock=float(rng.uniform(0, 60)))
        )
        for name in ("y", "u", "v", "depth"):
            rows[name].append(torch.from_numpy(getattr(picture, name).astype("int32" if name == "depth" else "uint8")))
        facts = {"time": time, "weather": weather, "place": PLACES.index(terrain.place), "pitch": at.pitch}
        for name, value in facts.items():
            rows[name].append(torch.tensor(value))
    return {name: torch.stack(values) for name, values in rows.items()}


def gather(folder: Path, chosen: list[int]) -> dict[str, Tensor]:
    """The views of these worlds, drawn where the folder lacks them."""
    folder.mkdir(parents=True, exist_ok=True)
    renderer: Renderer | None = None
    parts = []
    for world in chosen:
        path = folder / f"{world:06d}.safetensors"
        if not path.is_file():
            renderer = renderer or Renderer()
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            save_file(draw(world, renderer), temporary)
            temporary.rename(path)
        parts.append(load_file(path))
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
