"""Light from one picture, detail from another: what is known of a view, in the light that the network drew it in. In
torch, or in C++ in one pass. Knows packed planes; nothing of networks, cells' trust, or where views come from."""

from __future__ import annotations

import ctypes
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from model import native
from model.beside import most_around
from model.borders import DEPTH, JUMP, SKY
from model.view import CELL, Change

LEVELS = (0.12, 0.22, 0.34, 0.5, 0.8)  # depth codes about which pixels are of one layer; the sky is another
REACH = 1  # cells to each side within which tones are taken to depend on each other linearly
PRIOR = 5e-4  # variance of a plane below which a neighbourhood's own slope counts less than the whole layers'
STEEPEST = 2.0
LEAST = 1e-7  # of what is divided by
RIM, RIM_COUNTS = 3, 0.3  # pixels beside a silhouette, where networks draw both sides mixed, and what one counts
AGREES, DOUBTFUL = 0.1, 0.01  # a difference of depth's planes at which both hardly show one thing; what counts anyway
ENOUGH, FAINT = 0.05, 1e-4  # the share of a cell from which on its line counts wholly, and what counts of any
SHINES, SHONE = (0.12, 0.37), (0.4, 0.7)  # above a known sky, where a sun has come, and below it, where it has gone:
# differences of luma's planes from which the drawn one counts, and wholly
FILLED = (3, 7)  # pixels beside a silhouette up to which a new sky is that of its surroundings, and from where its own
COLOURS = 6  # planes before depth
NEAR_CELLS = 1.5  # how far the tone of what is known reaches into what is not
SAME = 0.15  # the relative difference of two depth codes up to which they are of one surface
DOUBT = 1.0  # cells near by that are known, at which it counts half


def relight(known: Tensor, drawn: Tensor, mask: Tensor, change: Change) -> Tensor:
    """The known planes [1, 7, h, w] in the tones of the drawn ones, as much as each cell's light changed, where mask
    [1, 1, h, w] says that they are known: in each neighbourhood luma and both colours are a linear function of the
    known ones, fitted to cells' means (the guided filter of He et al., 2013), so that detail which the drawn picture
    lacks is kept and takes the contrast of what surrounds it. Each layer of depth has lines of its own (the bilateral
    grid of Chen et al., 2007): over a silhouette, a crown would take the sky's tone and the sky the crown's. Where the
    sky is another, or the sun has come or gone in it, it is the drawn one; beside silhouettes, where that is mixed
    with what stands before it, what lies around. Depth is the known one's. In C++ where there is a compiler."""
    library = native.load("relight")
    given = (known, drawn, mask, *change)
    if library is None or any(part.device.type != "cpu" or part.dtype != torch.float32 for part in given):
        return _relight(known, drawn, mask, change)
    _, planes, height, width = known.shape
    if known.shape != drawn.shape or len(known) != 1 or planes <= DEPTH or height % CELL or width % CELL:
        shapes = f"{tuple(known.shape)} and {tuple(drawn.shape)}"
        raise ValueError(f"expected planes [1, {DEPTH + 1}, n * {CELL}, m * {CELL}], known and drawn; got {shapes}")
    out = known.clone(memory_format=torch.contiguous_format)
    parts = [part.contiguous() for part in given[1:]]
    pointers = (ctypes.c_void_p(part.data_ptr()) for part in (out, *parts))
    library.relight(*pointers, ctypes.c_float(SKY), ctypes.c_int(height), ctypes.c_int(width))
    return out


def _relight(known: Tensor, drawn: Tensor, mask: Tensor, change: Change) -> Tensor:
    """The same in torch."""
    depth = known[:, DEPTH : DEPTH + 1]
    edge = silhouettes(depth)
    agrees = (1 + ((drawn[:, DEPTH : DEPTH + 1] - depth) / AGREES).square()).pow(-2) + DOUBTFUL
    counts = mask * agrees * (1 - (1 - RIM_COUNTS) * most_around(edge, RIM))
    part = layers(depth)
    lines = _wide(_lines(known, drawn, part * counts))  # [K, 10, h, w]
    weights = part.transpose(0, 1)
    slope, base, tone, total = (lines * weights).sum(0, keepdim=True).split([3, 3, 3, 1], 1)
    slope, base, tone = (_colours(each / total.clamp_min(LEAST)) for each in (slope, base, tone))
    first, last = FILLED
    beside = sum(most_around(edge, reach) for reach in range(first, last)) / (last - first)
    colours = known[:, :COLOURS] * slope + base
    more = (drawn[:, :4] - colours[:, :4]).mean(1, keepdim=True)
    come, gone = (((m - a) / (b - a)).clamp(0, 1) for m, (a, b) in ((more, SHINES), (-more, SHONE)))
    sky = part[:, :1] * torch.maximum(_wide(change.sky), torch.maximum(come, gone))
    colours = torch.lerp(colours, torch.lerp(drawn[:, :COLOURS], tone, beside), sky).clamp(-1, 1)
    return torch.cat([torch.lerp(known[:, :COLOURS], colours, _wide(change.light)), known[:, COLOURS:]], 1)


def silhouettes(depth: Tensor) -> Tensor:
    """Depth's plane [B, 1, h, w] -> 1 where it jumps to a pixel beside, else 0."""
    return (most_around(depth, 1) + most_around(-depth, 1) > JUMP).to(depth.dtype)


def layers(depth: Tensor) -> Tensor:
    """Depth's plane [1, 1, h, w] -> how much each pixel is of the sky and of each of LEVELS, [1, 6, h, w]: 1 in all."""
    code, sky = (depth + 1) / 2, (depth < SKY).to(depth.dtype)
    at = torch.tensor(LEVELS, dtype=depth.dtype, device=depth.device)[None, :, None, None]
    rise = F.pad((code - at[:, :-1]) / at.diff(dim=1), (0, 0, 0, 0, 1, 0), value=1).clamp(0, 1)
    fall = F.pad(rise[:, 1:], (0, 0, 0, 0, 0, 1))
    return torch.cat([sky, (rise - fall) * (1 - sky)], 1)


def _lines(known: Tensor, drawn: Tensor, weights: Tensor) -> Tensor:
    """By weights [1, K, h, w] of each layer's pixels: of each cell and layer the line on which luma, u and v of the
    drawn planes lie over those of the known ones, and their mean, by how much there is: slopes, bases, means, and that
    itself [K, 10, h / 8, w / 8]."""
    weights = weights.transpose(0, 1)
    some = F.avg_pool2d(weights, CELL)
    guide, tone = (F.avg_pool2d(weights * _parts(planes), CELL) / some.clamp_min(LEAST) for planes in (known, drawn))
    near = _near(some) + LEAST

    def mean(x: Tensor) -> Tensor:
        return _near(x * some) / near

    g, t = mean(guide), mean(tone)
    variance, shared = (mean(guide.square()) - g.square()).clamp_min(0), mean(guide * tone) - g * t
    overall = ((shared * near).sum((2, 3), keepdim=True).sum(0, keepdim=True)) / (
        (variance * near).sum((2, 3), keepdim=True).sum(0, keepdim=True).clamp_min(LEAST)
    )
    slope = ((shared + PRIOR * overall.clamp(0, 1.2)) / (variance + PRIOR)).clamp(-0.5, STEEPEST)
    soft = _near(torch.cat([slope, t - slope * g, t], 1) * near) / _near(near)
    counts = near.clamp_max(ENOUGH) + FAINT
    return torch.cat([soft * counts, counts], 1)


def _parts(planes: Tensor) -> Tensor:
    """Planes [B, 6 or more, h, w] -> luma, u and v [B, 3, h, w]."""
    return torch.cat([planes[:, :4].mean(1, keepdim=True), planes[:, 4:COLOURS]], 1)


def _colours(parts: Tensor) -> Tensor:
    """What luma, u and v have [B, 3, h, w], for each plane of colours [B, 6, h, w]."""
    return parts[:, [0, 0, 0, 0, 1, 2]]


def _near(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2 * REACH + 1, 1, REACH, count_include_pad=False)


def _wide(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=CELL, mode="bilinear")


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
