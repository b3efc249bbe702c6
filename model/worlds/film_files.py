"""Films as arrays with all of their truth, and as files.
Knows arrays and what describes them; refuses to know how a film comes about."""

from __future__ import annotations

import json
from dataclasses import asdict, astuple
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from configs.paths import vocabulary
from model.worlds import clips
from model.worlds.film_sounds import FILM_SOURCES, film_sound
from model.worlds.films import FRAMES, Shown, music_of, narrator, shoot
from model.worlds.music import loudness
from model.worlds.narration import Labels
from model.worlds.noises import Wave
from model.worlds.painter import Painter
from model.worlds.physics import constants
from model.worlds.profiles import Profile

Arrays = dict[str, NDArray[np.generic]]


def record(
    seed: int, worlds: Profile, painter: Painter, frames: int = FRAMES, music: Wave | None = None
) -> tuple[Arrays, dict[str, Any]]:
    """The film of a seed: rgb [T,H,W,3] uint8, distance_m [T,H,W] float16, normals [T,H,W,3] int8 (of 127), materials
    [T,H,W] uint8, seen_before [T,H,W] bool, camera [T,7] (x, y, z, yaw, pitch, roll, span), walk [T,9], heaven [T,13],
    controls [T,12], clock_s [T], labels [T,9] int16 (as the vocabulary's lists, -1: not to be seen), sound and music
    [T*1000] int16 at 24 kHz, audible [T, sources] bool, loudness [T] of the music, in [0, 1]; and by frame its labels,
    caption, action, events and what is heard, with the physics. The film's own music is played where none is given."""
    music = music_of(seed, frames) if music is None else music
    shown = list(shoot(seed, worlds, painter, frames, music))
    arrays = _pictures(shown) | _numbers(shown) | _sounds(shown, seed, music)
    place, (language, split) = shown[0].labels.place, narrator(seed)
    assert place is not None
    return arrays, {
        "seed": seed,
        "language": language,
        "split": split,
        "physics": constants(place),
        "sources": FILM_SOURCES,
        "frames": [_said(s) for s in shown],
    }


def _pictures(shown: list[Shown]) -> Arrays:
    pictures = [s.painting for s in shown]
    return {
        "rgb": np.stack([p.rgb for p in pictures]),
        "distance_m": np.stack([p.distance_m for p in pictures]).astype(np.float16),
        "normals": np.stack([p.facing for p in pictures]),
        "materials": np.stack([p.materials for p in pictures]),
        "seen_before": np.stack([s.seen_before for s in shown]),
    }


def _numbers(shown: list[Shown]) -> Arrays:
    return {
        "camera": np.array([astuple(s.moment.shot.camera) for s in shown], np.float32),
        "walk": np.array([astuple(s.moment.walk) for s in shown], np.float32),
        "heaven": np.array([astuple(s.moment.shot.heaven) for s in shown], np.float32),
        "controls": np.array([astuple(s.controls) for s in shown], np.float32),
        "clock_s": np.array([s.moment.shot.clock for s in shown], np.float32),
        "labels": np.array([label_ids(s.labels) for s in shown], np.int16),
    }


def _sounds(shown: list[Shown], seed: int, music: Wave) -> Arrays:
    heard = [one for s in shown for one in s.moment.heard]
    made = film_sound(heard, [s.moment.ambience for s in shown], seed)
    played = np.zeros(len(made.pcm), np.float32)
    played[: min(len(music), len(played))] = music[: len(played)]
    return {
        "sound": np.round(made.pcm * 32767).astype(np.int16),
        "audible": made.audible,
        "music": np.round(played * 32767).astype(np.int16),
        "loudness": loudness(music, len(shown)),
    }


def label_ids(labels: Labels) -> list[int]:
    """Each label's place in its list of the vocabulary, in the order of Labels; -1 for what is left unsaid."""
    return [-1 if name is None else vocabulary()[kind].index(name) for kind, name in asdict(labels).items()]


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


def write(path: Path, arrays: Arrays, said: dict[str, Any]) -> None:
    """Writes what `record` gives, or what was made of it, whole or not at all."""
    clips.write(path, arrays, {"film": json.dumps(said, ensure_ascii=False)})


def read(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """What `write` wrote."""
    with safe_open(path, "numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["film"])  # noqa: SIM118
