"""Light from one picture, detail from another: what is known of a view, in the light that the network drew it in.
Knows packed planes; nothing of networks, cells' trust, or where views come from."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from model.view import CELL

CHUNK = 8  # half-resolution pixels a side that count as one when tones are compared: finer, networks draw softly
REACH = 1  # chunks to each side within which tones are taken to depend on each other linearly
PRIOR = 2e-3  # variance of a plane below which a neighbourhood's own slope counts less than the whole picture's
STEEPEST = 2.0
COLOURS = 6  # planes before depth
NEAR_CELLS = 1.5  # how far the tone of what is known reaches into what is not
SAME = 0.15  # the relative difference of two depth codes up to which they are of one surface
DOUBT = 1.0  # cells near by that are known, at which it counts half


def _parts(planes: Tensor) -> Tensor:
    """Planes [B, 6 or more, 144, 256] -> mean luma, u and v of each chunk [B, 3, 18, 32]."""
    return F.avg_pool2d(torch.cat([planes[:, :4].mean(1, keepdim=True), planes[:, 4:6]], 1), CHUNK)


def _near(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2 * REACH + 1, 1, REACH, count_include_pad=False)


def _wide(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=CHUNK, mode="bilinear")


def relight(known: Tensor, drawn: Tensor, mask: Tensor) -> Tensor:
    """The known planes [B, 7, 144, 256] in the tones of the drawn ones, where mask [B, 1, 144, 256] says that they are
    known: in each neighbourhood luma and both colours are a linear function of the known ones (the guided filter of He
    et al., 2013, at an eighth of the resolution, so that detail which the drawn picture lacks is kept and takes the
    contrast of what surrounds it). Depth is the known one's."""
    guide, tone = _parts(known), _parts(drawn)
    some = F.avg_pool2d(mask, CHUNK).clamp_min(1e-3)
    weight = _near(some)

    def mean(x: Tensor) -> Tensor:
        return _near(x * some) / weight

    g, t = mean(guide), mean(tone)
    variance = (mean(guide.square()) - g.square()).clamp_min(0)
    shared = mean(guide * tone) - g * t
    overall = (shared.mean((2, 3), keepdim=True) / variance.mean((2, 3), keepdim=True).clamp_min(1e-5)).clamp(0, 1.2)
    slope = ((shared + PRIOR * overall) / (variance + PRIOR)).clamp(-0.5, STEEPEST)
    slope, base = _wide(_near(slope)), _wide(_near(t - slope * g))
    expand = [0, 0, 0, 0, 1, 2]
    colours = known[:, :COLOURS] * slope[:, expand] + base[:, expand]
    return torch.cat([colours.clamp(-1, 1), known[:, COLOURS:]], 1)


@cache
def reach(rows: int, columns: int) -> Tensor:
    """How much each cell of a grid counts for each other one, [rows * columns, rows * columns]."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    at = torch.stack([y.flatten(), x.flatten()], -1).float()
    return (1 + (torch.cdist(at, at) / NEAR_CELLS).square()).pow(-1.5)


def attune(drawn: Tensor, known: Tensor, stays: Tensor) -> Tensor:
    """The drawn planes [B, 7, 144, 256], their colours and depth moved so that they meet those of the known ones where
    these stay, by the share of each pixel that does [B, 1, 144, 256]: wholly beside them, less with distance (a coarse
    membrane, after the seamless cloning of Perez et al., 2003). Depth is scaled, by where both see the same surface:
    else ground that is drawn beside ground that is known stands out of it, and tears when somebody comes near."""
    code, known_code = (part[:, COLOURS:] + 1 for part in (drawn, known))
    stretch = known_code / code.clamp_min(1e-3) - 1
    same = stays * (stretch.abs() < SAME)
    off = torch.cat([(known[:, :COLOURS] - drawn[:, :COLOURS]) * stays, stretch * same, stays, same], 1)
    off = F.avg_pool2d(off, CELL)
    moved = (off.flatten(2) @ reach(*off.shape[-2:]).to(drawn)).unflatten(2, off.shape[-2:])
    colours, stretch, weight, same = moved.split([COLOURS, 1, 1, 1], 1)
    offset = torch.cat([colours / (weight + DOUBT), stretch / (same + DOUBT)], 1)
    offset = F.interpolate(offset, scale_factor=CELL, mode="bilinear")
    met = drawn[:, :COLOURS] + offset[:, :COLOURS]
    return torch.cat([met, code * (1 + offset[:, COLOURS:]) - 1], 1).clamp(-1, 1)
