"""Sound to train on: a walk's sound with the state and controls of every frame, drawn from a seed and kept as a file.
Knows the simulator; the running engine never imports it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.conditioning import control, state
from model.sound.spectra import HOP, SAMPLES
from model.worlds.sounds import Truth, live, sound
from model.worlds.terrain import PLACES

FRAMES = 480
HELD_OUT = 17  # every 17th seed is never trained on


@dataclass(frozen=True)
class Recording:
    """pcm [T * 1000] int16, given [T, 44] (state tokens and control features), audible [T, sources] bool."""

    pcm: Tensor
    given: Tensor
    audible: Tensor


def given(truth: Truth) -> Tensor:
    """What the sound head is told of each frame: [T, 44]."""
    walk, sky = torch.from_numpy(truth.walk[1:]), torch.from_numpy(truth.sky[1:])
    yaw, pitch, vx, vy, vz, ground = walk[:, 3:9].unbind(-1)
    c, s = yaw.cos(), yaw.sin()
    body = torch.stack([vx * c - vz * s, vy, vx * s + vz * c], -1)
    place = torch.zeros(len(walk), len(PLACES))
    place[:, PLACES.index(truth.place)] = 1
    tokens = state.tokens(body, ground, sky, place, pitch)
    return torch.cat([tokens.flatten(1), control.features(torch.from_numpy(truth.controls))], -1)


def draw(seed: int, noise: int | None = None) -> Recording:
    """The recording of a seed, 20 s. `noise`: the same happenings, in noise of another seed."""
    truth = live(seed, FRAMES)
    made = sound(truth, seed, noise)
    return Recording(
        torch.from_numpy(np.round(made.pcm * 32767).astype(np.int16)), given(truth), torch.from_numpy(made.audible)
    )


def recording(folder: Path, seed: int) -> Recording:
    """The same, from its file where there is one; else it is drawn and the file is written, whole or not at all."""
    path = folder / f"{seed:08d}.safetensors"
    if path.is_file():
        return Recording(**load_file(path))
    made = draw(seed)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    save_file(vars(made), temporary)
    temporary.rename(path)
    return made


def piece(of: Recording, first: int, frames: int) -> tuple[Tensor, Tensor, Tensor]:
    """pcm [250 + frames * 1000] in [-1, 1] with the samples before it, given and audible of these frames."""
    begin = first * SAMPLES
    before = of.pcm[max(0, begin - HOP) : begin]
    pcm = torch.cat(
        [torch.zeros(HOP - len(before), dtype=torch.int16), before, of.pcm[begin : begin + frames * SAMPLES]]
    )
    return pcm.float() / 32767, of.given[first : first + frames], of.audible[first : first + frames]


class Shelf:
    """Recordings to train on, one more every few steps: they take longer to draw than to learn from once."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._seeds = [seed for seed in range(most) if seed % HELD_OUT]
        self._kept: list[Recording] = []

    def grow(self, count: int) -> None:
        """At least so many recordings, or all there are."""
        while len(self._kept) < min(count, len(self._seeds)):
            self._kept.append(recording(self._folder, self._seeds[len(self._kept)]))

    def batch(self, rows: int, frames: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Pieces by chance: pcm [B, 250 + T * 1000], given [B, T, 44], audible [B, T, sources]."""
        pieces = []
        for _ in range(rows):
            of = self._kept[int(rng.integers(len(self._kept)))]
            pieces.append(piece(of, int(rng.integers(len(of.given) - frames)), frames))
        pcm, told, audible = zip(*pieces, strict=True)
        return torch.stack(pcm), torch.stack(told), torch.stack(audible)


def held_out(folder: Path, count: int) -> list[Recording]:
    """Recordings that no training sees, of all places."""
    return [recording(folder, HELD_OUT * number) for number in range(count)]
