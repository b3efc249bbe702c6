"""Single frames drawn from rendered clips, as packed planes: crops and whole pictures, either light, mirrored or not.
Knows the clip folder and which seeds are held out; refuses to know what is trained on them."""

from __future__ import annotations

import time
from dataclasses import fields
from pathlib import Path

import torch
from torch import Tensor

from model import planes
from model.tokenizer.frame import STRIDE
from model.training.run import step_seed
from model.worlds import clips
from model.worlds.weather import Sky

RESCAN_EVERY_S = 60.0
CANDIDATES = 3  # crops drawn for one that is trained on: most of a landscape is smooth and teaches little
KEYS = ("y", "u", "v", "depth")
SKY_NAMES = tuple(field.name for field in fields(Sky))


class NoClips(FileNotFoundError):
    """A folder holds too few clips to train on."""


class Pictures:
    """Batches of frames by step number. The folder may grow meanwhile; it is scanned again once a minute."""

    def __init__(self, folder: Path, seed: int):
        self.folder = folder
        self.seed = seed
        self._scan()
        if not self.training:
            raise NoClips(f"expected clips in {folder} beside held-out ones, found {len(self.held_out)} held out only")

    def _scan(self) -> None:
        self.training = clips.list_clips(self.folder)
        self.held_out = clips.list_clips(self.folder, validation=True)
        self._scanned_s = time.monotonic()

    def batch(self, step: int, count: int, height: int, width: int) -> Tensor:
        """[count, 7, height, width] of the grid: random clips, frames, lights; cut along latents; half mirrored."""
        if time.monotonic() - self._scanned_s > RESCAN_EVERY_S:
            self._scan()
        generator = torch.Generator().manual_seed(step_seed(self.seed, step))
        return torch.stack([self._one(generator, height, width) for _ in range(count)])

    def _one(self, generator: torch.Generator, height: int, width: int) -> Tensor:
        """For three of four the most detailed of some candidates, else the first."""
        first = self._candidate(generator, height, width)
        if torch.rand((), generator=generator) < 0.25:
            return first
        others = [self._candidate(generator, height, width) for _ in range(CANDIDATES - 1)]
        return max([first, *others], key=detail)

    def _candidate(self, generator: torch.Generator, height: int, width: int) -> Tensor:
        def draw(n: int) -> int:
            return int(torch.randint(n, (), generator=generator))

        clip = clips.read(self.training[draw(len(self.training))], KEYS)
        lights, frames, rows, columns = clip["u"].shape
        light, frame = draw(lights), draw(frames)
        top = STRIDE * draw((rows - height) // STRIDE + 1)
        left = STRIDE * draw((columns - width) // STRIDE + 1)
        picture = cut(clip, light, frame, slice(top, top + height), slice(left, left + width))
        return mirror(picture) if draw(2) else picture

    def evaluation(self, count: int) -> tuple[Tensor, Tensor]:
        """Whole held-out frames [count, 7, 144, 256], spread over clips, lights and times, and [count] whether rain or
        snow falls in them. Always the same ones while the held-out clips stay."""
        if not self.held_out:
            raise NoClips(f"expected held-out clips in {self.folder}, found none")
        chosen, falling = [], []
        for i in range(count):
            clip = clips.read(self.held_out[i * len(self.held_out) // count], (*KEYS, "sky"))
            lights, frames = clip["u"].shape[:2]
            light, frame = i % lights, (5 * i + 2) % frames
            chosen.append(cut(clip, light, frame, slice(None), slice(None)))
            sky = dict(zip(SKY_NAMES, clip["sky"][light, frame + 1].tolist(), strict=True))
            falling.append(sky["rain"] + sky["snow"] > 0.1)
        return torch.stack(chosen), torch.tensor(falling)


def cut(clip: dict[str, Tensor], light: int, frame: int, rows: slice, columns: slice) -> Tensor:
    """One frame's window of the grid, packed: [7, h, w]. Copies only what it needs of the mapped file."""

    def doubled(s: slice) -> slice:
        return slice(None if s.start is None else 2 * s.start, None if s.stop is None else 2 * s.stop)

    y = clip["y"][light, frame, doubled(rows), doubled(columns)]
    u, v = clip["u"][light, frame, rows, columns], clip["v"][light, frame, rows, columns]
    return planes.pack(y, u, v, clip["depth"][frame, rows, columns])


def detail(picture: Tensor) -> float:
    """How much there is to see in [7, h, w]: mean absolute steps of luma and depth between neighbouring cells."""
    seen = picture[[0, 6]]
    return float(seen.diff(dim=-1).abs().mean() + seen.diff(dim=-2).abs().mean())


def mirror(picture: Tensor) -> Tensor:
    """[7, h, w] seen in a mirror: columns reversed, and within each cell the two luma columns swapped."""
    return picture.flip(-1)[[1, 0, 3, 2, 4, 5, 6]]
