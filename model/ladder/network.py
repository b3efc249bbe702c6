"""The upper rungs of the ladder: a finished picture of 512x288 to the same picture at 1024x576 and 2048x1152.
Knows three planes of bytes; refuses to know depth, time, worlds and how fast it must be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import checkpoint
from model.planes import fold

KIND = "ladder"  # of checkpoint files
GIVEN = 6  # channels: luma space-to-depth, U, V
SCALES = (2, 4)
REACH = 2  # pixels at either side that a cubic reads
SPAN = 128.0  # bytes that the network calls 1
LIMITS = ((16, 235), (16, 240), (16, 240))  # of y, u and v

Planes = tuple[Tensor, Tensor, Tensor]  # y [B, 2h, 2w], u and v [B, h, w]


@dataclass(frozen=True)
class LadderConfig:
    """Channels and 3x3 convolutions between the first one and the heads, all on the grid of chroma."""

    channels: int = 32
    layers: int = 5

    def __post_init__(self) -> None:
        if self.channels <= 0 or self.channels % 32 or self.layers < 1:
            raise ValueError(f"expected whole 32s of channels and 1 layer or more, got {self.channels}, {self.layers}")


class Ladder(nn.Module):
    """What a picture's enlargement lacks, for each scale. One trunk and a head a rung; no norms and no skips, so that
    in integers every layer reads the bytes that the one before wrote."""

    def __init__(self, config: LadderConfig):
        super().__init__()
        self.config = config
        width = config.channels
        self.stem = nn.Conv2d(GIVEN, width, 3, padding=1)
        self.trunk = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(config.layers))
        self.heads = nn.ModuleList(nn.Conv2d(width, outputs(scale), 3, padding=1) for scale in SCALES)
        for conv in (self.stem, *self.trunk):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        for head in self.heads:
            assert isinstance(head, nn.Conv2d)
            nn.init.normal_(head.weight, std=0.01)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(self, given: Tensor) -> Tensor:
        """What `read` gives [B, 6, h, w] -> what the heads look at [B, C, h, w]."""
        x = F.relu(self.stem(given))
        for conv in self.trunk:
            x = F.relu(conv(x))
        return x

    def forward(self, given: Tensor) -> tuple[Tensor, ...]:
        """What `read` gives [B, 6, h, w] -> for each scale what its enlargement lacks, [B, 6 scale^2, h, w]."""
        x = self.features(given)
        return tuple(head(x) for head in self.heads)

    @torch.inference_mode()
    def enlarge(self, y: Tensor, u: Tensor, v: Tensor, scale: int) -> Planes:
        """Bytes y [B, 2h, 2w], u, v [B, h, w] -> the same `scale` times as high and wide."""
        check_scale(scale)
        given = read(y, u, v).to(self.stem.weight.dtype)  # bf16 holds all that it can be
        lacks = self.heads[SCALES.index(scale)](self.features(given))
        drawn = added((y, u, v), lacks, scale)
        return tuple(part.round().clamp(*limits).to(torch.uint8) for part, limits in zip(drawn, LIMITS, strict=True))  # type: ignore[return-value]

    def save(self, path: str | Path, **facts: object) -> str:
        """One checkpoint file with the configuration and `facts` (JSON-able); returns its sha256."""
        return checkpoint.save(path, self.state_dict(), self.config, KIND, facts)

    @classmethod
    def load(cls, path: str | Path) -> Ladder:
        """The network of a checkpoint file, in float32, not trainable. Raises CheckpointError."""
        return checkpoint.restored(path, KIND, LadderConfig, cls)


def outputs(scale: int) -> int:
    """Channels of a head: the luma of 2x2 pixels and one of each chroma, enlarged."""
    return GIVEN * scale**2


def check_scale(scale: int) -> None:
    """Raises ValueError unless there is a head for it."""
    if scale not in SCALES:
        raise ValueError(f"expected a scale of {', '.join(map(str, SCALES))}; got {scale}")


def read(y: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Bytes y [B, 2h, 2w], u, v [B, h, w] -> [B, 6, h, w]: luma by '(h dy) (w dx) -> (dy dx) h w', U, V, each without
    its mean over the 3x3 cells around, so that a sharp edge is the same by day and by night."""
    if y.shape[-2:] != (2 * u.shape[-2], 2 * u.shape[-1]) or u.shape != v.shape:
        raise ValueError(f"expected u, v half as large as y; got {tuple(y.shape)}, {tuple(u.shape)}, {tuple(v.shape)}")
    luma, chroma = fold(y.float()), torch.stack([u, v], 1).float()
    given = torch.cat([luma - around(luma.sum(1, keepdim=True), 36), chroma - around(chroma, 9)], 1)
    return (given.clamp(-SPAN, SPAN - 1) / SPAN).contiguous(memory_format=torch.channels_last)


def around(cells: Tensor, count: int) -> Tensor:
    """[B, C, h, w] -> sums over 3x3 cells, edges repeated, divided by `count` and rounded to whole bytes."""
    total = 9 * F.avg_pool2d(F.pad(cells, (1,) * 4, mode="replicate"), 3, 1)
    return ((total.round() + count // 2) / count).floor()


def bicubic(plane: Tensor, scale: int) -> Tensor:
    """[B, h, w] -> [B, scale h, scale w] by the cubic of Keys (a = -1/2), pixel centres at halves, edges repeated."""
    wide = F.pad(plane[:, None].float(), (REACH,) * 4, mode="replicate")
    size = (scale * wide.shape[-2], scale * wide.shape[-1])
    inside = slice(scale * REACH, -scale * REACH)
    return F.interpolate(wide, size=size, mode="bicubic", antialias=True)[:, 0, inside, inside]


def added(planes: Planes, lacks: Tensor, scale: int) -> Planes:
    """Bytes and what their enlargement lacks [B, 6 scale^2, h, w] -> y, u and v as floats, not rounded."""
    luma = 4 * scale**2
    y, u, v = (bicubic(plane, scale) for plane in planes)
    blue, red = lacks[:, luma:].chunk(2, 1)
    return (
        y + SPAN * F.pixel_shuffle(lacks[:, :luma], 2 * scale)[:, 0],
        u + SPAN * F.pixel_shuffle(blue, scale)[:, 0],
        v + SPAN * F.pixel_shuffle(red, scale)[:, 0],
    )


@torch.inference_mode()
def activation_tops(ladder: Ladder, batches: list[Tensor], share: float = 1e-5) -> list[float]:
    """What each layer writes at most, but for a `share` of the values, over batches of what `read` gives."""
    tops = [0.0] * (1 + len(ladder.trunk))
    for x in batches:
        for at, conv in enumerate((ladder.stem, *ladder.trunk)):
            x = F.relu(conv(x))
            values = x.flatten()
            tops[at] = max(tops[at], values.topk(max(1, int(share * len(values)))).values[-1].item())
    return tops
