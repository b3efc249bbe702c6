"""Films as files, with all of their truth: `python -m model.worlds.film_files --seeds A:B --out DIR`, resumably.
Knows arrays and what describes them; refuses to know how a film comes about."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict, astuple
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from model.worlds.films import FRAMES, Shown, shoot
from model.worlds.painter import Painter
from model.worlds.physics import constants
from model.worlds.profiles import Profile, profile
from model.worlds.shots import Frame

Arrays = dict[str, NDArray[np.generic]]


def record(
    seed: int, worlds: Profile, painter: Painter, language: str = "en", frames: int = FRAMES
) -> tuple[Arrays, dict[str, Any]]:
    """The film of a seed: rgb [T,H,W,3] uint8, distance_m [T,H,W] float16, normals [T,H,W,3] int8 (of 127), materials
    [T,H,W] uint8, seen_before [T,H,W] bool, camera [T,7] (x, y, z, yaw, pitch, roll, span), walk [T,9], heaven [T,13],
    controls [T,12], clock_s [T]; and by frame its labels, caption, action, events, sounds, with the physics."""
    shown = list(shoot(seed, worlds, painter, language, frames))
    pictures = [s.painting for s in shown]
    arrays: Arrays = {
        "rgb": np.stack([p.rgb for p in pictures]),
        "distance_m": np.stack([p.distance_m for p in pictures]).astype(np.float16),
        "normals": np.round(np.stack([p.normals for p in pictures]) * 127).astype(np.int8),
        "materials": np.stack([p.materials for p in pictures]),
        "seen_before": np.stack([s.seen_before for s in shown]),
        "camera": np.array([astuple(s.moment.shot.camera) for s in shown], np.float32),
        "walk": np.array([astuple(s.moment.walk) for s in shown], np.float32),
        "heaven": np.array([astuple(s.moment.shot.heaven) for s in shown], np.float32),
        "controls": np.array([astuple(s.controls) for s in shown], np.float32),
        "clock_s": np.array([s.moment.shot.clock for s in shown], np.float32),
    }
    place = shown[0].labels.place
    assert place is not None
    return arrays, {
        "seed": seed,
        "language": language,
        "physics": constants(place),
        "frames": [_said(s) for s in shown],
    }


def _said(shown: Shown) -> dict[str, Any]:
    moment = shown.moment
    ambience = {name: value if isfinite(value) else None for name, value in asdict(moment.ambience).items()}
    return {
        "caption": shown.caption,
        "labels": asdict(shown.labels),
        "action": moment.action,
        "events": [asdict(event) for event in moment.events],
        "heard": [asdict(heard) | {"heard_s": heard.heard_s} for heard in moment.heard],
        "ambience": ambience,
    }


def path_of(folder: Path, seed: int) -> Path:
    """Where the film of a seed lies."""
    return folder / f"{seed:08d}.film.safetensors"


def write(folder: Path, seed: int, worlds: Profile, painter: Painter, frames: int = FRAMES) -> Path:
    """Shoot a film and write it, whole or not at all. Odd seeds speak Portuguese."""
    arrays, said = record(seed, worlds, painter, ("en", "pt")[seed % 2], frames)
    path = path_of(folder, seed)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(contiguous, temporary, {"film": json.dumps(said, ensure_ascii=False)})
    temporary.rename(path)
    return path


def read(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """What `write` wrote."""
    with safe_open(path, "numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["film"])  # noqa: SIM118


def main() -> None:
    """Parse, shoot what is not there yet, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", required=True, help="A:B, the seeds A to B-1")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--profile", default="full")
    parser.add_argument("--frames", type=int, default=FRAMES)
    arguments = parser.parse_args()
    first, last = (int(part) for part in arguments.seeds.split(":"))
    if not 0 <= first < last:
        parser.error(f"seeds are A:B with 0 <= A < B; got {arguments.seeds}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    worlds = profile(arguments.profile)
    painter = Painter(Frame(worlds.width, worlds.height))
    for seed in range(first, last):
        if not path_of(arguments.out, seed).exists():
            print(write(arguments.out, seed, worlds, painter, arguments.frames), flush=True)


if __name__ == "__main__":
    main()
