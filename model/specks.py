"""Drops and flakes that fall between the eye and the world, and the stars behind it: endless sheets that a network
draws out of noise, in directions about the eye. Knows sheets, directions and colours; refuses to know worlds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import checkpoint
from model.camera import rays

KIND = "specks"
CELL = 8  # pixels of a sheet that a cell of noise is for
COLUMNS = 512  # of a sheet, which then begins again
A_RADIAN = 3 * COLUMNS / (2 * math.pi)  # pixels of a sheet: three times as wide is once around
REACH = 5  # cells of noise beyond a pixel's own that it depends on
SWAY_A_S = 0.7  # radians of it a second
LIGHT = 7  # numbers that say it, see model.conditioning.state.light
RARE, BOLD = -2.0, 4.0  # mean logit and contrast of what an untrained network draws
SEEN = 3.0  # logit of how much of that is seen


class Sheet(NamedTuple):
    """What is seen at one distance: what it is, metres, metres a second downwards, and how far it sways."""

    name: str
    distance_m: float
    speed_m_s: float
    sway_m: float


# as far apart as they fall in the simulator's pictures, at the speeds of heavy rain and of flakes
SHEETS = (
    Sheet("rain", 2.8, 9.0, 0.0),
    Sheet("rain", 4.1, 9.0, 0.0),
    Sheet("snow", 2.1, 1.1, 0.09),
    Sheet("snow", 4.7, 1.1, 0.09),
    Sheet("snow", 9.0, 1.1, 0.09),
    Sheet("stars", math.inf, 0.0, 0.0),
)
KINDS = ("rain", "snow", "stars")
STARS = KINDS.index("stars")
STARS_FROM_RAD = 0.17  # above the horizon: nearer to it is haze


class Colour(NamedTuple):
    """What specks look like in a light: planes' y, u, v [B, 3], and how much of them is seen [B]."""

    planes: Tensor
    seen: Tensor


@dataclass(frozen=True)
class SpecksConfig:
    """Numbers of noise in a cell; width of the network there, and where pixels are half and a quarter as far apart."""

    noise: int = 6
    widths: tuple[int, int, int] = (32, 24, 16)
    blocks: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if len(self.widths) != 3 or min(self.noise, self.blocks, *self.widths) < 1:
            raise ValueError(f"expected noise, blocks and three widths of 1 or more, got {self}")


class Around(nn.Conv2d):
    """A convolution of 3 x 3 on a sheet, whose last column lies beside its first."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 3, padding=(1, 0))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (1, 1, 0, 0), mode="circular"))


class Specks(nn.Module):
    """Noise -> how much of each pixel is covered, and the colour of what covers it in a light. What is drawn moves with
    its noise by whole cells, so that a sheet can be drawn piece by piece without end."""

    def __init__(self, config: SpecksConfig | None = None):
        super().__init__()
        self.config = config = config or SpecksConfig()
        cells, quarter, half = config.widths
        self.stem = Around(config.noise, cells)
        self.sheets = nn.Embedding(len(SHEETS), cells)
        self.blocks = nn.ModuleList(Around(cells, cells) for _ in range(config.blocks))
        self.at_quarter, self.at_half = Around(cells, quarter), Around(quarter, half)
        self.out = Around(half, 4)
        self.colour = nn.Sequential(nn.Linear(LIGHT + len(KINDS), 24), nn.SiLU(), nn.Linear(24, 4))
        nn.init.constant_(self.out.bias, RARE)  # type: ignore[arg-type]
        with torch.no_grad():
            self.out.weight.mul_(BOLD)

    def forward(self, noise: Tensor, sheet: Tensor) -> Tensor:
        """Noise [B, noise, h, w] and numbers of SHEETS [B] -> covered shares [B, 8h, 8w]; of rows nearer than REACH
        cells to the upper and lower edge as if nothing lay beyond."""
        x = self.stem(noise) + self.sheets(sheet)[:, :, None, None]
        for block in self.blocks:
            x = x + block(F.silu(x))
        x = self.at_quarter(F.interpolate(F.silu(x), scale_factor=2.0, mode="nearest"))
        x = self.at_half(F.interpolate(F.silu(x), scale_factor=2.0, mode="nearest"))
        return _smooth(F.pixel_shuffle(self.out(F.silu(x)), 2).sigmoid())[:, 0]

    def colours(self, light: Tensor, kind: Tensor) -> Colour:
        """Of lights [B, 7] and numbers of KINDS [B]."""
        which = F.one_hot(kind, len(KINDS)).to(light.dtype)
        told = self.colour(torch.cat([light, which], -1))
        return Colour(told[:, :3].tanh(), (told[:, 3] + SEEN).sigmoid())


def _smooth(shares: Tensor) -> Tensor:
    """Shares [B, 1, h, w] averaged with their neighbours', 1 2 1 both ways: who doubles pixels thrice leaves dots."""
    x = F.pad(F.pad(shares, (1, 1, 0, 0), mode="circular"), (0, 0, 1, 1), mode="replicate")
    x = x[..., :-2] + 2 * x[..., 1:-1] + x[..., 2:]
    return (x[:, :, :-2] + 2 * x[:, :, 1:-1] + x[:, :, 2:]) / 16


def directions(height: int, width: int, pitch: float) -> Tensor:
    """Where pixels of a frame look: radians to the right of its middle and above the horizon, [2, height, width]."""
    right, up, ahead = rays(height, width)
    c, s = math.cos(pitch), math.sin(pitch)
    return torch.stack([torch.atan2(right, ahead * c - up * s), (up * c + ahead * s).clamp(-1, 1).asin()])


def offset(number: int, at_s: float) -> tuple[float, float]:
    """What is to be added to a direction's radians (right, up) at a time, to know what of a sheet is there."""
    sheet = SHEETS[number]
    sway = sheet.sway_m * math.sin(SWAY_A_S * at_s + number)
    return sway / sheet.distance_m, sheet.speed_m_s * at_s / sheet.distance_m


def sampled(sheet: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """A sheet's piece [B, H, W] at real rows and columns [B, h, w] of it -> [B, h, w]; beyond its edges as they are."""
    height, width = sheet.shape[-2:]
    where = torch.stack([(columns * 2 + 1) / width - 1, (rows * 2 + 1) / height - 1], -1)
    return F.grid_sample(sheet[:, None], where, padding_mode="border", align_corners=False)[:, 0]


def where_stars_are(elevation: Tensor) -> Tensor:
    """How much of stars is seen at heights above the horizon, in radians."""
    return (elevation / STARS_FROM_RAD).clamp(0, 1)


def load(path: Path) -> Specks:
    """The network out of a file. Raises CheckpointError."""
    return checkpoint.restored(path, KIND, SpecksConfig, Specks)


def save(specks: Specks, path: Path, **facts: object) -> str:
    """Writes it in bf16. Returns the file's sha256."""
    tensors = {name: tensor.bfloat16() for name, tensor in specks.state_dict().items()}
    return checkpoint.save(path, tensors, specks.config, KIND, facts)
