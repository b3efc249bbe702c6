"""Fine detail for pictures that a network invented, which are softer than what a renderer draws.
Knows packed planes; refuses to know latents, cameras and worlds."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import checkpoint
from model.borders import DEPTH, beside_edges
from model.native import has_fast_bf16
from model.planes import AFAR_CODE, CHANNELS
from model.standing import stands

KIND = "detail"
LUMA = 4  # planes of it
MOST = 0.5  # of what is added to a plane
BLOCKS = 2  # in a piece of the work
FINEST = 0.15  # of what is added to a plane in the end: what is more are black strokes in crowns and under trunks
STANDING = 0.5  # how much of it is given to what stands before something farther, whose leaves it draws as strokes
SOFT = 2  # half-resolution pixels in which detail begins beside the sky


@dataclass(frozen=True)
class DetailConfig:
    """Width of the network, and how far apart the cells are that the two convolutions of each of its blocks look at."""

    width: int = 80
    dilations: tuple[int, ...] = (1, 2, 4, 2, 1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dilations", tuple(self.dilations))
        if self.width < 1 or not self.dilations or min(self.dilations) < 1:
            raise ValueError(f"expected a width and blocks of 1 or more, got {self.width} and {self.dilations}")


class Detail(nn.Module):
    """What soft planes lack, on a grid of half their size: residual blocks without norms, so that every picture is
    treated alike; no noise, so that the same picture is given the same detail."""

    def __init__(self, config: DetailConfig | None = None):
        super().__init__()
        self.config = config = config or DetailConfig()
        width = config.width
        self.stem = nn.Conv2d(4 * CHANNELS, width, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=d, dilation=d),
                nn.SiLU(),
                nn.Conv2d(width, width, 3, padding=1),
            )
            for d in config.dilations
        )
        self.out = nn.Conv2d(width, 4 * LUMA, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            for block in self.blocks:
                block[2].weight.mul_(0.3)  # type: ignore[index, union-attr, operator]

    def forward(self, planes: Tensor) -> Tensor:
        """Planes [B, 7, h, w] in [-1, 1] -> what their luma lacks, [B, 4, h, w]."""
        return finished(self.pieces(planes))

    def pieces(self, planes: Tensor) -> Generator[None, None, Tensor]:
        """`forward` in pieces that take about as long as each other, a step for each."""
        x = self.stem(F.pixel_unshuffle(planes.to(self.out.weight.dtype), 2))
        for at, block in enumerate(self.blocks):
            if at and at % BLOCKS == 0:
                yield
            x = x + block(F.silu(x))
        return MOST * F.pixel_shuffle(self.out(F.silu(x)), 2).tanh()

    @torch.inference_mode()
    def add(self, planes: Tensor) -> Tensor:
        """Planes [B, 7 or more, h, w] -> the same with finer luma, see `with_detail`."""
        return with_detail(planes, self(planes[:, :CHANNELS]))

    def fast(self) -> Detail:
        """Itself, in the arithmetic that is fast on this processor."""
        dtype = torch.bfloat16 if has_fast_bf16() else torch.float32
        return self.to(dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def with_detail(planes: Tensor, lacking: Tensor) -> Tensor:
    """Planes [B, 7 or more, h, w] and what their luma lacks [B, 4, h, w] -> the same with it, but none in the sky,
    which is smooth, nor beside edges: a soft one lacks much, one that is sharp nothing. Not more than FINEST, and less
    for what stands before something farther."""
    land = (planes[:, DEPTH : DEPTH + 1] > 2 * AFAR_CODE - 1).to(planes.dtype)
    land = -F.max_pool2d(-land, 2 * SOFT + 1, 1, SOFT)
    land = F.avg_pool2d(land, 2 * SOFT + 1, 1, SOFT, count_include_pad=False)
    land = land * (beside_edges(planes[:, DEPTH : DEPTH + 1]) == 0)
    land = land * torch.where(stands(planes[:, DEPTH : DEPTH + 1]), STANDING, 1.0)
    finer = FINEST * (lacking.to(planes.dtype) / FINEST).tanh()
    luma = (planes[:, :LUMA] + land * finer).clamp(-1, 1)  # beyond, bytes go round
    return torch.cat([luma, planes[:, LUMA:]], 1)


def finished(work: Generator[None, None, Tensor]) -> Tensor:
    """What comes of a work in pieces, done at once."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            made: Tensor = done.value
            return made


def load(path: Path) -> Detail:
    """The network out of a file. Raises CheckpointError."""
    return checkpoint.restored(path, KIND, DetailConfig, Detail)


def save(detail: Detail, path: Path, **facts: object) -> str:
    """Writes it in bf16. Returns the file's sha256."""
    tensors = {name: tensor.bfloat16() for name, tensor in detail.state_dict().items()}
    return checkpoint.save(path, tensors, detail.config, KIND, facts)
