"""Drops and flakes that fall between the eye and the world, and the stars behind it: sheets without an end, drawn out
of noise, in directions about the eye. Knows sheets, directions and colours; refuses to know worlds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import checkpoint

KIND = "specks"
NUMBERS = 5  # of a cell of noise, in 0..1: what there is in it, and where
CELL = 8  # rows and columns of a sheet that a cell is for
COLUMNS = 512  # of a sheet, which then begins again
ROWS = 1024  # of a sheet, likewise
A_RADIAN = 3 * COLUMNS / (2 * math.pi)  # columns of it: three times as wide is once around
SWAY_A_S = 0.7  # radians of it a second
LIGHT = 7  # numbers that say it, see model.conditioning.state.light
RARE = -2.0  # mean logit of what an untrained network draws
SEEN = 3.0  # logit of how much of that is seen


class Sheet(NamedTuple):
    """What is seen at one distance: what it is, metres, metres a second downwards, how far it sways, and how high a row
    is beside what a column is wide: what is long needs few."""

    name: str
    distance_m: float
    speed_m_s: float
    sway_m: float
    high: float


# as far apart as they fall in the simulator's pictures, at the speeds of heavy rain and of flakes
SHEETS = (
    Sheet("rain", 2.8, 9.0, 0.0, 8.0),
    Sheet("rain", 4.1, 9.0, 0.0, 8.0),
    Sheet("snow", 2.1, 1.1, 0.09, 1.0),
    Sheet("snow", 4.7, 1.1, 0.09, 1.0),
    Sheet("snow", 9.0, 1.1, 0.09, 1.0),
    Sheet("stars", math.inf, 0.0, 0.0, 1.0),
)
KINDS = ("rain", "snow", "stars")
STARS = KINDS.index("stars")
OF_KIND = tuple(tuple(n for n, sheet in enumerate(SHEETS) if sheet.name == kind) for kind in KINDS)  # one after another
STARS_FROM_RAD = 0.17  # above the horizon: nearer to it is haze


class Colour(NamedTuple):
    """What specks look like in a light: planes' y, u, v [B, 3], and how much of them is seen [B]."""

    planes: Tensor
    seen: Tensor


@dataclass(frozen=True)
class SpecksConfig:
    """Widths of a sheet's network at its cells, and where pixels are half and a quarter as far apart."""

    widths: tuple[int, int, int] = (32, 16, 12)

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if len(self.widths) != 3 or min(self.widths) < 1:
            raise ValueError(f"expected three widths of 1 or more, got {self}")


class Around(nn.Conv2d):
    """A convolution of 3 x 3 on a sheet, whose last row and column lie beside its first. With `finer`, pixels are half
    as far apart in what it gives."""

    def __init__(self, inputs: int, outputs: int, finer: bool = False):
        super().__init__(inputs, outputs * (4 if finer else 1), 3, padding=1, padding_mode="circular")
        self._finer = finer

    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(x)
        return F.pixel_shuffle(x, 2) if self._finer else x


class SheetDrawer(nn.Module):
    """Noise of cells [B, NUMBERS, h, w] in 0..1 -> logits of how much of a sheet's pixels is covered [B, 8h, 8w]."""

    def __init__(self, config: SpecksConfig):
        super().__init__()
        cells, quarter, half = config.widths
        self.stem, self.block = Around(NUMBERS, cells), Around(cells, cells)
        self.at_quarter, self.at_half = Around(cells, quarter, finer=True), Around(quarter, half, finer=True)
        self.out = Around(half, 1, finer=True)
        nn.init.constant_(self.out.bias, RARE)  # type: ignore[arg-type]

    def forward(self, noise: Tensor) -> Tensor:
        x = self.stem(4 * noise - 2)
        x = x + self.block(F.silu(x))
        x = self.at_half(F.silu(self.at_quarter(F.silu(x))))
        drawn: Tensor = self.out(F.silu(x))
        return drawn[:, 0]


class Specks(nn.Module):
    """Noise -> how much of each pixel of a sheet is covered, by a network for each of SHEETS, since one that draws all
    draws them alike; and the colour of what covers it in a light."""

    def __init__(self, config: SpecksConfig | None = None):
        super().__init__()
        self.config = config = config or SpecksConfig()
        self.sheets = nn.ModuleList(SheetDrawer(config) for _ in SHEETS)
        self.colour = nn.Sequential(nn.Linear(LIGHT + len(KINDS), 24), nn.SiLU(), nn.Linear(24, 4))

    @torch.no_grad()
    def drawn(self) -> Tensor:
        """All sheets, out of noise that is always the same: covered shares in bytes, uint8 [SHEETS, ROWS, COLUMNS]."""
        whole = []
        for number, sheet in enumerate(self.sheets):
            generator = torch.Generator().manual_seed(number)
            noise = torch.rand(1, NUMBERS, ROWS // CELL, COLUMNS // CELL, generator=generator)
            whole.append((sheet(noise)[0].sigmoid() * 255).round().to(torch.uint8))
        return torch.stack(whole)

    def colours(self, light: Tensor, kind: Tensor) -> Colour:
        """Of lights [B, 7] and numbers of KINDS [B]."""
        which = F.one_hot(kind, len(KINDS)).to(light.dtype)
        told = self.colour(torch.cat([light, which], -1))
        return Colour(told[:, :3].tanh(), (told[:, 3] + SEEN).sigmoid())


def directions(rays: Tensor, pitch: float) -> Tensor:
    """Where rays [3, ...] of a camera look: radians to the right of its middle and above the horizon, [2, ...]."""
    right, up, ahead = rays
    c, s = math.cos(pitch), math.sin(pitch)
    return torch.stack([torch.atan2(right, ahead * c - up * s), (up * c + ahead * s).clamp(-1, 1).asin()])


def offset(number: int, at_s: float) -> tuple[float, float]:
    """What is to be added to a direction's radians (right, up) at a time, to know what of a sheet is there."""
    sheet = SHEETS[number]
    sway = sheet.sway_m * math.sin(SWAY_A_S * at_s + number)
    return sway / sheet.distance_m, sheet.speed_m_s * at_s / sheet.distance_m


def sampled(sheet: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """What a sheet [ROWS, COLUMNS] shows at real rows and columns of it [...], which may be any -> float32 [...]."""
    top, left = rows.floor(), columns.floor()
    down, right = (rows - top).float(), (columns - left).float()
    upper, first = top.long(), left.long()

    def at(row: Tensor, column: Tensor) -> Tensor:
        return sheet[row % ROWS, column % COLUMNS].float()

    over = torch.lerp(at(upper, first), at(upper, first + 1), right)
    return torch.lerp(over, torch.lerp(at(upper + 1, first), at(upper + 1, first + 1), right), down)


def load(path: Path) -> Specks:
    """The network out of a file. Raises CheckpointError."""
    return checkpoint.restored(path, KIND, SpecksConfig, Specks)


def save(specks: Specks, path: Path, **facts: object) -> str:
    """Writes it in bf16. Returns the file's sha256."""
    tensors = {name: tensor.bfloat16() for name, tensor in specks.state_dict().items()}
    return checkpoint.save(path, tensors, specks.config, KIND, facts)
