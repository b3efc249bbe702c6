"""The frames LOOKED of a walk with their truth, read one by one from clips and short walks: what the judge of
motion learns from and is measured on. Knows files; no network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from model.camera import rays
from model.evaluation.judges import LOOKED
from model.evaluation.odometry import HEIGHT, LEFT, TOP, WIDTH
from model.evaluation.pictures import rgb
from model.planes import GRID_HEIGHT, GRID_WIDTH, distance, pack, unpack

Reconstruct = Callable[[Tensor], Tensor]  # planes [N, 7, 144, 256] through the tokenizer
THROUGH = 0.35  # the share of windows that are seen through the tokenizer


class Windows(NamedTuple):
    """`pictures`: uint8 [B, LOOKED, 3, 135, 240]; of every second one `forward_m` [B, SEEN, 135, 240] and `poses` [B,
    SEEN, 5]."""

    pictures: Tensor
    forward_m: Tensor
    poses: Tensor

    def mirrored(self) -> Windows:
        """The same, left and right exchanged."""
        flips = torch.tensor([-1.0, 1, 1, -1, 1])
        return Windows(self.pictures.flip(-1), self.forward_m.flip(-1), self.poses * flips)


class Place(NamedTuple):
    """Where a window lies in a file: the first index of its pictures, the second ones, and those of its depths and of
    its poses."""

    path: Path
    film: int
    pictures: tuple[int, ...]
    depths: tuple[tuple[int, ...], ...]
    poses: tuple[tuple[int, ...], ...]


def joined(parts: list[Windows]) -> Windows:
    """All rows of several."""
    return Windows(*(torch.cat(column) for column in zip(*parts, strict=True)))


def of_walks(paths: list[Path], walks: range) -> list[Place]:
    """The windows of those walks of each file of `moves`: one a walk."""
    at = tuple(range(len(LOOKED)))
    return [
        Place(path, i, at, tuple((i, t) for t in at), tuple((i, frame) for frame in LOOKED))
        for path in paths
        for i in walks
    ]


def of_clip(path: Path) -> list[Place]:
    """The windows of a clip; none where it leaves out frames of the walk."""
    with safe_open(path, "pt") as file:
        stride, (skies, frames) = int(file.get_tensor("stride")[0]), file.get_slice("y").get_shape()[:2]
    if stride != 1:
        return []
    found = []
    for first in range(frames - LOOKED[-1]):
        at = tuple(first + frame for frame in LOOKED)
        found += [Place(path, s, at, tuple((t,) for t in at), tuple((t + 1,) for t in at)) for s in range(skies)]
    return found


def read(place: Place, reconstruct: Reconstruct | None, backward: bool = False) -> Windows:
    """One window; `backward`: from its end to its beginning."""
    order = -1 if backward else 1
    with safe_open(place.path, "pt") as file:
        parts = {name: file.get_slice(name) for name in ("y", "u", "v", "depth", "walk")}
        y, u, v = (torch.stack([parts[name][place.film, t] for t in place.pictures[::order]]) for name in "yuv")
        depth = torch.stack([parts["depth"][at].to(torch.int32) for at in place.depths[::order]])
        poses = torch.stack([parts["walk"][at] for at in place.poses[::order]])[:, :5]
    if reconstruct is not None:
        y, u, v = unpack(reconstruct(pack(y, u, v, depth)))
    return Windows(rgb(y, u, v).round().to(torch.uint8)[None], forward_m(depth[::2])[None], poses[None, ::2])


def forward_m(depth: Tensor) -> Tensor:
    """Depth codes [B, 144, 256] -> metres forward of what judges look at [B, 135, 240]."""
    along = rays(GRID_HEIGHT, GRID_WIDTH)[2]
    return (distance(depth.float() / 65535) * along)[:, TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH]


class Drawn:
    """Batches out of groups of places, half of them backward and half mirrored."""

    def __init__(self, groups: list[list[Place]], shares: list[float], reconstruct: Reconstruct):
        self._groups, self._shares, self._reconstruct = groups, shares, reconstruct

    def batch(self, seed: int, count: int) -> Windows:
        """`count` windows, the same for the same seed."""
        rng = np.random.default_rng(seed)
        rows = []
        for _ in range(count):
            group = self._groups[rng.choice(len(self._groups), p=self._shares)]
            place = group[rng.integers(len(group))]
            window = read(place, self._reconstruct if rng.uniform() < THROUGH else None, rng.uniform() < 0.5)
            rows.append(window.mirrored() if rng.uniform() < 0.5 else window)
        return joined(rows)
