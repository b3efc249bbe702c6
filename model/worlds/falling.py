"""Drops, flakes and stars of the simulator, sheet by sheet, out of numbers that say where each of them is: what the
network that draws them learns from. Knows shapes and sizes; refuses to know colours, speeds and pictures."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from model.specks import CELL, COLUMNS, NUMBERS, ROWS

FINE = 2  # points a pixel, each way, whose mean it is


class Falling(NamedTuple):
    """What is in the cells of a sheet: how many of them hold one; from the least to the most of its half width and of
    its length in pixels and rows (none: it is round), and of the share of a pixel that it covers in its middle; how
    rare the strong ones are (1: as usual as the weak ones, by their logarithm); and how much of it is as strong as its
    middle."""

    often: float
    wide: tuple[float, float]
    long: tuple[float, float] | None
    share: tuple[float, float]
    rare: float
    core: float


# of model.specks.SHEETS, in their order: as dense as in scene.glsl, as wide or a little wider, more unlike each other
FALLINGS = (
    Falling(0.5, (1.0, 1.4), (5.5, 9.0), (0.3, 0.52), 1.0, 0.3),
    Falling(0.8, (0.75, 1.1), (4.5, 7.5), (0.28, 0.52), 1.0, 0.3),
    Falling(0.05, (2.4, 4.6), None, (0.6, 0.95), 0.8, 0.3),
    Falling(0.2, (1.5, 2.3), None, (0.6, 0.95), 0.8, 0.4),
    Falling(0.44, (1.0, 1.5), None, (0.5, 0.95), 0.8, 0.4),
    Falling(0.5, (0.9, 1.3), None, (0.16, 1.0), 0.55, 0.6),
)


def shares(numbers: Tensor, falling: Falling) -> Tensor:
    """Numbers of cells in 0..1 [B, NUMBERS, h, w] -> the covered shares of a sheet's pixels [B, 8h, 8w], whose last row
    and column lie beside its first."""
    batch, _, high, across = numbers.shape
    at = (torch.arange(CELL * FINE) + 0.5) / FINE
    open_ = torch.ones(batch, high, across, CELL * FINE, CELL * FINE)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            there, x, y, size, light = numbers.roll((-down, -right), (2, 3))[..., None, None].unbind(1)
            aside, below = at - (right + x) * CELL, at[:, None] - (down + y) * CELL
            wide = _between(falling.wide, size)
            if falling.long is None:
                shape = _fades((aside.square() + below.square()).sqrt() / wide, falling.core)
            else:
                long = _between(falling.long, size)
                shape = _fades(aside.abs() / wide, falling.core) * _tail(0.5 - below / long)
            least, most = falling.share
            strong = most * (least / most) ** (light**falling.rare)
            open_ *= 1 - strong * shape * (there < falling.often)
    fine = (1 - open_).permute(0, 1, 3, 2, 4).reshape(batch, 1, high * CELL * FINE, across * CELL * FINE)
    return F.avg_pool2d(fine, FINE)[:, 0]


def random_numbers(count: int, cells: tuple[int, int], generator: torch.Generator) -> Tensor:
    """[count, NUMBERS, h, w] for so many cells down and across."""
    return torch.rand(count, NUMBERS, *cells, generator=generator)


def rule_sheets(generator: torch.Generator) -> Tensor:
    """All sheets as the rule draws them out of such numbers: covered shares [SHEETS, ROWS, COLUMNS]."""
    cells = ROWS // CELL, COLUMNS // CELL
    return torch.cat([shares(random_numbers(1, cells, generator), falling) for falling in FALLINGS])


def _between(ends: tuple[float, float], share: Tensor) -> Tensor:
    return ends[0] + (ends[1] - ends[0]) * share


def _smoothstep(x: Tensor) -> Tensor:
    x = x.clamp(0, 1)
    return x * x * (3 - 2 * x)


def _fades(away: Tensor, core: float) -> Tensor:
    """1 up to `core` of the way from the middle, 0 from 1 on."""
    return _smoothstep((1 - away) / (1 - core))


def _tail(up: Tensor) -> Tensor:
    """Along a drop from its lower end, 0, to its upper one, 1: it ends soon below, and slowly above."""
    return _smoothstep(up / 0.3) * _smoothstep((1 - up) / 0.5)
