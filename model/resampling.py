"""Reading a picture between its pixels: bilinear, Catmull-Rom, and depth that never mixes two surfaces.
Knows grids and weights; refuses to know cameras and what the numbers mean."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SMOOTH = 1.25  # ratio of two neighbours' inverse depths up to which they are one surface
BEND = 2.0  # or how much greater their difference is than those beside it: on a plane, inverse depth is linear


def bilinear(picture: Tensor, column: Tensor, row: Tensor) -> Tensor:
    """[B, C, H, W] read at [B, h, w] pixel positions (centres are whole numbers, edges repeat) -> [B, C, h, w]."""
    left, top, x, y = _cell(column, row)
    a, b, c, d = (_take(picture, left + dx, top + dy) for dy in (0, 1) for dx in (0, 1))
    x, y = x[:, None], y[:, None]
    return (a + (b - a) * x) * (1 - y) + (c + (d - c) * x) * y


def catmull_rom(picture: Tensor, column: Tensor, row: Tensor) -> Tensor:
    """As `bilinear`, over 4x4 pixels: repeated, it keeps about half as much again of the finest detail."""
    left, top, x, y = _cell(column, row)
    across, down = _cubic(x[:, None]), _cubic(y[:, None])
    lines = (
        sum(weight * _take(picture, left + i - 1, top + j - 1) for i, weight in enumerate(across)) for j in range(4)
    )
    return sum((weight * line for weight, line in zip(down, lines, strict=True)), torch.zeros_like(x[:, None]))


def surfaces(inverse: Tensor) -> Tensor:
    """Inverse depth [B, H, W] -> whether the four pixels of each cell [B, H - 1, W - 1] are of one surface."""
    across, down = _joined(inverse), _joined(inverse.transpose(1, 2)).transpose(1, 2)
    return across[:, :-1] & across[:, 1:] & down[:, :, :-1] & down[:, :, 1:]


def _joined(inverse: Tensor) -> Tensor:
    """[B, H, W] -> whether each pixel and its right neighbour are of one surface, [B, H, W - 1]."""
    a, b = inverse[..., :-1], inverse[..., 1:]
    step = b - a
    before, after = F.pad(step, (1, 0), mode="replicate")[..., :-1], F.pad(step, (0, 1), mode="replicate")[..., 1:]
    beside = torch.where(step > 0, torch.minimum(before, after), -torch.maximum(before, after))
    return (torch.maximum(a, b) < torch.minimum(a, b) * SMOOTH) | (step.abs() < beside * BEND)


def surface(inverse: Tensor, whole: Tensor, column: Tensor, row: Tensor) -> Tensor:
    """Inverse depth [B, H, W], of which `surfaces` says where it is `whole`, at [B, h, w]: interpolated on a surface,
    the nearest pixel's where surfaces meet."""
    left, top, x, y = _cell(column, row)
    a, b, c, d = (_take(inverse[:, None], left + dx, top + dy)[:, 0] for dy in (0, 1) for dx in (0, 1))
    mixed = (a + (b - a) * x) * (1 - y) + (c + (d - c) * x) * y
    nearest = torch.where(y < 0.5, torch.where(x < 0.5, a, b), torch.where(x < 0.5, c, d))
    return torch.where(_take(whole[:, None], left, top)[:, 0], mixed, nearest)


def beside_nearer(inverse: Tensor, column: Tensor, row: Tensor) -> Tensor:
    """Whether beside the pixel of inverse depth [B, H, W] nearest to each position [B, h, w] lies one of a surface that
    is nearer to the eye."""
    beside = F.max_pool2d(inverse[:, None], 3, 1, 1)[:, 0] > inverse * SMOOTH
    return _take(beside[:, None], *_nearest(column, row))[:, 0]


def nearest(picture: Tensor, column: Tensor, row: Tensor) -> Tensor:
    """[B, C, H, W] read at the pixels nearest to positions [B, h, w] -> [B, C, h, w]."""
    return _take(picture, *_nearest(column, row))


def within_pixel(luma: Tensor, own: tuple[Tensor, Tensor], column: Tensor, row: Tensor) -> Tensor:
    """Luma [B, 1, 2H, 2W] at positions [B, h, w] of its grid, but no farther than the four pixels of the chroma pixel
    nearest to each position `own` [B, h, w] (columns, rows) of chroma's grid."""
    left, top = (2 * part for part in _nearest(*own))
    return bilinear(luma, torch.clamp(column, left, left + 1), torch.clamp(row, top, top + 1))


def _nearest(column: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
    return (column + 0.5).long(), (row + 0.5).long()


def _cell(column: Tensor, row: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    left, top = column.floor(), row.floor()
    return left.long(), top.long(), column - left, row - top


def _take(picture: Tensor, column: Tensor, row: Tensor) -> Tensor:
    batch, channels, height, width = picture.shape
    index = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    flat = index.flatten(1)[:, None].expand(batch, channels, -1)
    return picture.flatten(2).gather(2, flat).reshape(batch, channels, *index.shape[1:])


def _cubic(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return (
        ((-0.5 * x + 1) * x - 0.5) * x,
        (1.5 * x - 2.5) * x * x + 1,
        ((-1.5 * x + 2) * x + 0.5) * x,
        (0.5 * x - 0.5) * x * x,
    )
