"""Depth cut into surfaces: every pixel takes over the depth of one of its neighbours, so that what a network drew with
a soft edge has a sharp one that somebody can walk past. Knows packed planes; nothing of cameras."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import checkpoint
from model.beside import most_around
from model.borders import DEPTH, MUCH
from model.planes import CHANNELS

KIND = "surfaces"
NEAR = tuple((down, right) for down in (-7, -4, -2, 0, 2, 4, 7) for right in (-7, -4, -2, 0, 2, 4, 7))
ABOVE = ((-10, 0), (-15, 0), (-22, 0))  # where a trunk has its crown
BELOW = ((10, 0), (14, 0), (20, 0), (28, 0))  # and its foot
REACH = 7  # pixels in which there must be another surface, for depth to change
ONE_SURFACE = 0.05  # depths that differ by less lie on one surface
NEIGHBOURS = NEAR + BELOW + ABOVE  # rows down and columns right, in half-resolution pixels


@dataclass(frozen=True)
class SurfacesConfig:
    """Width of the network, and how far apart the pixels are that each of its layers looks at."""

    width: int = 32
    dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4, 1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dilations", tuple(self.dilations))
        if self.width < 1 or not self.dilations:
            raise ValueError(f"expected a width and at least one layer, got {self.width} and {self.dilations}")


class Surfaces(nn.Module):
    """Which neighbour's depth each pixel takes over (after the displacement fields of Ramamonjisoa et al., 2020)."""

    def __init__(self, config: SurfacesConfig | None = None):
        super().__init__()
        self.config = config = config or SurfacesConfig()
        self.stem = nn.Conv2d(4 * CHANNELS + 1, config.width, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.Conv2d(config.width, config.width, 3, padding=d, dilation=d) for d in config.dilations
        )
        self.out = nn.Conv2d(config.width, 4 * len(NEIGHBOURS), 1)
        with torch.no_grad():
            for layer in (*self.layers, self.out):
                layer.weight.mul_(0.3)

    def forward(self, planes: Tensor) -> Tensor:
        """Planes [B, 7, h, w] in [-1, 1] -> logits [B, len(NEIGHBOURS), h, w]."""
        folded = F.pixel_unshuffle(planes[:, :CHANNELS], 2)
        height = torch.linspace(1, -1, folded.shape[2], device=folded.device)
        rows = height.to(folded.dtype)[:, None].expand(len(folded), 1, -1, folded.shape[3])
        x = self.stem(torch.cat([folded, rows], 1))
        for layer in self.layers:
            x = x + F.silu(layer(F.silu(x)))
        return F.pixel_shuffle(self.out(F.silu(x)), 2)

    @torch.inference_mode()
    def sharpen(self, planes: Tensor) -> Tensor:
        """`taken_over` as this network says."""
        return taken_over(planes, self(planes))


def taken_over(planes: Tensor, logits: Tensor) -> Tensor:
    """Planes [B, 7 or more, h, w] -> the same, each pixel with the depth of its likeliest neighbour, by logits [B,
    len(NEIGHBOURS), h, w], where two surfaces meet; elsewhere, as on the ground, depth stays."""
    own, out = planes[:, DEPTH : DEPTH + 1], planes.clone()
    apart = most_around(own, REACH) + most_around(-own, REACH) > MUCH
    where = apart[:, 0].nonzero(as_tuple=True)
    shares, depths = (part.movedim(1, -1)[where] for part in (logits, around(own)))  # [n, neighbours]
    shares = shares.softmax(1)
    chosen = depths.gather(1, shares.argmax(1, keepdim=True))
    near = shares * ((depths - chosen).abs() < ONE_SURFACE)
    out[:, DEPTH][where] = (near * depths).sum(1) / near.sum(1)
    return out


def around(depth: Tensor) -> Tensor:
    """A depth plane [B, 1, h, w] -> that of each pixel's NEIGHBOURS [B, len(NEIGHBOURS), h, w], the border repeated."""
    most = max(max(abs(down), abs(right)) for down, right in NEIGHBOURS)
    wide = F.pad(depth, (most,) * 4, mode="replicate")
    height, width = depth.shape[2:]
    return torch.cat(
        [wide[:, :, most + down :, most + right :][:, :, :height, :width] for down, right in NEIGHBOURS], 1
    )


def load(path: Path) -> Surfaces:
    """The network out of a file. Raises CheckpointError."""
    return checkpoint.restored(path, KIND, SurfacesConfig, Surfaces)


def save(surfaces: Surfaces, path: Path, **facts: object) -> str:
    """Writes it in bf16. Returns the file's sha256."""
    tensors = {name: tensor.bfloat16() for name, tensor in surfaces.state_dict().items()}
    return checkpoint.save(path, tensors, surfaces.config, KIND, facts)
