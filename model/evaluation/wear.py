"""What a stream and a screen leave of pictures. Knows pixels alone."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def worn(picture: Tensor, chance: torch.Generator) -> Tensor:
    """[N, C, h, w] in 0..255: some of them softer, noisier, a little brighter or duller."""

    def some(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(picture), 1, 1, 1, generator=chance)

    soft = F.avg_pool2d(F.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, 1)
    picture = picture + some(0, 0.7) * (some(0, 1) < 0.4) * (soft - picture)
    picture = picture + some(0, 2) * torch.randn(picture.shape, generator=chance)
    return (picture * some(0.95, 1.05) + some(-4, 4)).clamp(0, 255)
