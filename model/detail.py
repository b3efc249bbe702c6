"""Fine detail for pictures that a network invented, which are softer than what a renderer draws.
Knows packed planes; refuses to know latents, cameras and worlds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import checkpoint
from model.planes import CHANNELS

KIND = "detail"
COLOURS = CHANNELS - 1
MOST = 0.5  # of what is added to a plane


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
        self.out = nn.Conv2d(width, 4 * COLOURS, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            for block in self.blocks:
                block[2].weight.mul_(0.3)  # type: ignore[index, union-attr, operator]

    def forward(self, planes: Tensor) -> Tensor:
        """Planes [B, 7, h, w] in [-1, 1] -> what their six planes of colours lack, [B, 6, h, w]."""
        x = self.stem(F.pixel_unshuffle(planes, 2))
        for block in self.blocks:
            x = x + block(F.silu(x))
        return MOST * F.pixel_shuffle(self.out(F.silu(x)), 2).tanh()

    @torch.inference_mode()
    def add(self, planes: Tensor) -> Tensor:
        """Planes [B, 7 or more, h, w] -> the same with finer colours; depth and what comes after it stay."""
        given = planes[:, :CHANNELS].contiguous(memory_format=torch.channels_last)
        colours = (planes[:, :COLOURS] + self(given).float()).clamp(-1, 1)
        return torch.cat([colours, planes[:, COLOURS:]], 1)


def load(path: Path) -> Detail:
    """The network out of a file. Raises CheckpointError."""
    return checkpoint.restored(path, KIND, DetailConfig, Detail)


def save(detail: Detail, path: Path, **facts: object) -> str:
    """Writes it in bf16. Returns the file's sha256."""
    tensors = {name: tensor.bfloat16() for name, tensor in detail.state_dict().items()}
    return checkpoint.save(path, tensors, detail.config, KIND, facts)
