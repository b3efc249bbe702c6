"""The most and the middle of what lies around each pixel of a plane, in a few large steps instead of a look at every
window. Knows planes by their shape; nothing of what they show."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# Pairs of which the lesser goes first, after which the fifth of nine is the middle one (Devillard 1998).
EXCHANGES = (
    *((1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3)),
    *((5, 8), (4, 7), (3, 6), (1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2)),
)


def most_beside(plane: Tensor, reach: int) -> Tensor:
    """The most of each pixel of [B, 1, h, w] and of those up to `reach` beside it in its row."""
    most, covered, wanted = F.pad(plane, (reach, reach), value=-torch.inf), 1, 2 * reach + 1
    while 2 * covered <= wanted:
        most = torch.maximum(most[..., :-covered], most[..., covered:])
        covered *= 2
    width, rest = plane.shape[3], wanted - covered
    return torch.maximum(most[..., :width], most[..., rest : rest + width])


def most_around(plane: Tensor, reach: int) -> Tensor:
    """The most of each pixel of [B, 1, h, w] and of those up to `reach` rows and columns away."""
    return most_beside(most_beside(plane, reach).mT, reach).mT


def middle_of_nine(plane: Tensor) -> Tensor:
    """The median of each pixel of [B, 1, h, w] and the eight around it, the border repeated."""
    height, width = plane.shape[2:]
    wide = F.pad(plane, (1, 1, 1, 1), mode="replicate")
    nine = [wide[:, :, down : down + height, right : right + width] for down in range(3) for right in range(3)]
    for less, more in EXCHANGES:
        nine[less], nine[more] = torch.minimum(nine[less], nine[more]), torch.maximum(nine[less], nine[more])
    return nine[4]


def grown(values: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Values [1, C, h, w] of which some are known, by a mask [1, 1, h, w] -> where none is, the mean of what is around,
    ring by ring (0 if none is known at all), and how many rings away from what is known that is [1, 1, h, w]."""
    known = known.to(values.dtype)
    values, rings = values * known, torch.zeros_like(known)
    while 0 < int((known == 0).sum()) < known.numel():
        count = F.avg_pool2d(known, 3, 1, 1, divisor_override=1)
        around = F.avg_pool2d(values, 3, 1, 1, divisor_override=1) / count.clamp_min(1)
        values, rings = torch.where(known > 0, values, around), rings + (known == 0)
        known = (count > 0).to(known.dtype)
    return values, rings
