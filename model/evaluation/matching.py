"""How alike the parts of a picture are to what lies around them in another one, once the likeliest turn of the head is
taken back: what the judge of motion reads. Knows pixels and the field of view; learns nothing."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from model.evaluation.motion import TILTS, TURNS
from model.evaluation.odometry import FOCAL, LEFT, TOP, pixels, rotated
from model.planes import GRID_HEIGHT, GRID_WIDTH

EVERY = 8  # pixels between two anchors
FIRST = 1.5  # the first anchor's column and row
ROWS, COLUMNS = 17, 30
PATCH, RIM = 7, 3  # cells of a patch, and of those on either side of its middle
LEVELS = ((4, 6, 4), (2, 4, 4))  # pixels a cell, and how many cells to the right and down an anchor is looked for
QUIET = 0.06  # the least length of a patch of brightness -1..1 without its mean
CONTEXT = 5  # colour, and the contrast at both sizes of patches
CELLS_DOWN, CELLS_ACROSS = 33, 60  # coarse ones of a picture of 135 x 240
CHANNELS = sum((2 * across + 1) * (2 * down + 1) for _, across, down in LEVELS) + CONTEXT


class Matches(NamedTuple):
    """`shown`: uint8 [B, CHANNELS, 17, 30], likeness by level and way (0..255 for -1..1), then what the first picture
    is like there; `coarse`, `fine`: around which shifts of each anchor that is, in pixels [B, 2, 510]."""

    shown: Tensor
    coarse: Tensor
    fine: Tensor


def anchors() -> Tensor:
    """Column and row of each anchor in pixels from the middle of the view, [2, ROWS * COLUMNS]."""
    y, x = torch.meshgrid(FIRST + EVERY * torch.arange(ROWS), FIRST + EVERY * torch.arange(COLUMNS), indexing="ij")
    middle = torch.tensor([GRID_WIDTH / 2 - 0.5 - LEFT, GRID_HEIGHT / 2 - 0.5 - TOP])
    return torch.stack([x, y]).flatten(1) - middle[:, None]


def ways(level: int) -> Tensor:
    """Pixels right and down of each way of a level, [ways, 2]."""
    cell, across, down = LEVELS[level]
    each = [[cell * x, cell * y] for y in range(-down, down + 1) for x in range(-across, across + 1)]
    return torch.tensor(each, dtype=torch.float32)


class Sight(NamedTuple):
    """Pictures, ready to be compared: patches of length one around every coarse cell, and one of nothing, [B, PATCH^2,
    cells + 1]; around each anchor, of coarse and of fine cells [B, PATCH^2, 510]; the fine cells [B, 1, h, w], and how
    long the patches around them and around those RIM out of view are; what a picture is like at its anchors [B,
    CONTEXT, 17, 30]."""

    everywhere: Tensor
    coarse: Tensor
    fine: Tensor
    cells: Tensor
    lengths: Tensor
    context: Tensor

    def of(self, rows: Tensor) -> Sight:
        """The pictures of these rows [N]."""
        return Sight(*(part[rows] for part in self))


@torch.no_grad()
def sight(pictures: Tensor) -> Sight:
    """Pictures [B, 3, 135, 240] in -1..1."""
    luma = pictures.mean(1, keepdim=True)
    coarse, fine = (_cells(luma, cell) for cell, *_ in LEVELS)
    near_coarse, near_fine = (
        _patches(of, EVERY // cell) for of, (cell, *_) in zip((coarse, fine), LEVELS, strict=True)
    )
    contrasts = (4 * (near.norm(dim=1) / PATCH).clamp(max=0.5) - 1 for near in (near_coarse, near_fine))
    seen = [_at_anchors_of(_cells(pictures, 4), EVERY // 4), *(c.unflatten(1, (1, ROWS, COLUMNS)) for c in contrasts)]
    around = F.pad(fine, (2 * RIM,) * 4, mode="replicate")
    mean, square = F.avg_pool2d(around, PATCH, 1), F.avg_pool2d(around.square(), PATCH, 1)
    return Sight(
        everywhere=F.pad(_of_length_one(_patches(coarse, 1)), (0, 1)),
        coarse=_of_length_one(near_coarse),
        fine=_of_length_one(near_fine),
        cells=fine,
        lengths=(PATCH * (square - mean.square()).clamp_min(0).sqrt()).clamp_min(QUIET),
        context=torch.cat(seen, 1),
    )


@torch.no_grad()
def match(first: Sight, second: Sight) -> Matches:
    """Where the parts of pictures lie in others, as many."""
    table = _Table(first, second)
    shift = turns_shift(table.likeliest())
    found = [table.around(shift, *LEVELS[0][1:]), _nearby(first, second, shift)]
    shown = torch.cat([*(alike for alike, _ in found), first.context], 1)
    return Matches(((shown.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8), *(base for _, base in found))


@torch.no_grad()
def likeliest_turn(first: Tensor, second: Tensor) -> Tensor:
    """The turn and tilt under which pictures [B, 3, 135, 240] in -1..1 are most alike, [B, 2] radians."""
    cell = LEVELS[0][0]
    a, b = (_cells(pictures.mean(1, keepdim=True), cell) for pictures in (first, second))
    here, there = _of_length_one(_patches(a, EVERY // cell)), F.pad(_of_length_one(_patches(b, 1)), (0, 1))
    return _likeliest(here.transpose(1, 2) @ there)


class _Table:
    """How alike every anchor's patch of one picture is to the patches of all coarse cells of another."""

    def __init__(self, a: Sight, b: Sight):
        self.alike = a.coarse.transpose(1, 2) @ b.everywhere  # [B, anchors, cells + 1]

    def likeliest(self) -> Tensor:
        """The turn and tilt under which the pictures are most alike [B, 2]."""
        return _likeliest(self.alike)

    def around(self, shift_px: Tensor, across: int, down: int) -> tuple[Tensor, Tensor]:
        """Likeness [B, ways, ROWS, COLUMNS] around shifts in pixels [B, 2, anchors], and those shifts in whole cells,
        as pixels; out of view the anchor's mean of what is in view."""
        cell = LEVELS[0][0]
        base = (shift_px / cell).round().long()
        index, inside = _cells_at(base[..., None] + _offsets(across, down)[None, :, None])
        near = self.alike.gather(2, index)  # 0 out of view
        mean = near.sum(2, keepdim=True) / inside.sum(2, keepdim=True).clamp_min(1)
        found = torch.where(inside, near, mean)
        return found.transpose(1, 2).unflatten(2, (ROWS, COLUMNS)), cell * base.float()


def _offsets(across: int, down: int) -> Tensor:
    """Columns and rows around a cell [2, ways]."""
    x, y = torch.meshgrid(torch.arange(-across, across + 1), torch.arange(-down, down + 1), indexing="xy")
    return torch.stack([x, y]).flatten(1)


def _anchors_in_order() -> Tensor:
    """Column and row of each anchor among them [2, anchors]."""
    y, x = torch.meshgrid(torch.arange(ROWS), torch.arange(COLUMNS), indexing="ij")
    return torch.stack([x, y]).flatten(1)


def _cells_at(shift: Tensor) -> tuple[Tensor, Tensor]:
    """Whole coarse cells [B, 2, anchors, ways] by which anchors shift -> the index of the cell where each comes to lie
    (CELLS_DOWN * CELLS_ACROSS out of view), and whether that is in view, [B, anchors, ways]."""
    x, y = ((EVERY // LEVELS[0][0] * _anchors_in_order())[:, :, None] + shift).unbind(1)
    inside = (x >= 0) & (x < CELLS_ACROSS) & (y >= 0) & (y < CELLS_DOWN)
    return torch.where(inside, y * CELLS_ACROSS + x, CELLS_DOWN * CELLS_ACROSS), inside


def _nearby(a: Sight, b: Sight, shift_px: Tensor) -> tuple[Tensor, Tensor]:
    """The same as `_Table.around` of fine cells without the likeness of all of them: patches are cut out around each
    anchor's shift, at the edge if that is out of view."""
    cell, across, down = LEVELS[1]
    rows, columns = b.cells.shape[2:]
    base = (shift_px / cell).round().long()
    x, y = (EVERY // cell * _anchors_in_order() + base)[..., None].unbind(1)
    (x_around, y_around), (x_away, y_away) = _offsets(across + RIM, down + RIM), _offsets(across, down)
    there = (y + y_around).clamp(0, rows - 1) * columns + (x + x_around).clamp(0, columns - 1)
    window = b.cells.flatten(1).gather(1, there.flatten(1))
    window = window.reshape(1, -1, 2 * (down + RIM) + 1, 2 * (across + RIM) + 1)
    here = a.fine.transpose(1, 2).reshape(-1, 1, PATCH, PATCH)
    dot = F.conv2d(window, here, groups=len(here)).reshape(len(base), -1, len(x_away))
    x, y = ((at + RIM).clamp(0, size + 2 * RIM - 1) for at, size in ((x + x_away, columns), (y + y_away, rows)))
    length = b.lengths.flatten(1).gather(1, (y * (columns + 2 * RIM) + x).flatten(1))
    alike = dot / length.reshape(dot.shape)
    return alike.transpose(1, 2).unflatten(2, (ROWS, COLUMNS)), cell * base.float()


def turns_shift(turned: Tensor) -> Tensor:
    """Turns and tilts [..., 2] -> by how many pixels they shift each anchor, [..., 2, anchors]."""
    at = anchors()
    rays = torch.stack([at[0] / FOCAL, -at[1] / FOCAL, torch.ones_like(at[0])])
    flat = turned.reshape(-1, 2)
    shift = pixels(rotated(rays[None].expand(len(flat), -1, -1), flat)) - at
    return shift.unflatten(0, turned.shape[:-1])


@cache
def _tried() -> tuple[Tensor, Tensor, Tensor]:
    """The turns and tilts that are tried [motions, 2]; the index of the coarse cell where each puts each anchor
    [anchors, motions], and where that is out of view, 1 or 0."""
    turn, tilt = torch.meshgrid(TURNS, TILTS, indexing="ij")
    motions = torch.stack([turn.flatten(), tilt.flatten()], 1)
    index, inside = _cells_at((turns_shift(motions) / LEVELS[0][0]).round().long().permute(1, 2, 0)[None])
    return motions, index[0], (~inside[0]).float()


def _likeliest(alike: Tensor) -> Tensor:
    """The turn and tilt under which anchors are most like the cells that they come to lie on [B, 2]; one out of view
    counts as its mean over the turns and tilts in view."""
    motions, index, outside = _tried()
    near = alike.gather(2, index.expand(len(alike), -1, -1))
    mean = near.sum(2) / (index.shape[1] - outside.sum(1)).clamp_min(1)
    return motions[(near.sum(1) + mean @ outside).argmax(1)]


def _cells(planes: Tensor, cell: int) -> Tensor:
    """Means over cells, such that every few of them lie on an anchor."""
    shift = int(FIRST + 0.5 - cell / 2)
    return F.avg_pool2d(planes[:, :, shift:, shift:], cell)


def _patches(cells: Tensor, every: int) -> Tensor:
    """[B, 1, h, w] -> [B, PATCH^2, cells]: patches without mean around all of them, or around anchors, `every` few."""
    around = F.unfold(F.pad(cells, (RIM,) * 4, mode="replicate"), PATCH, stride=every)
    if every > 1:
        rows, columns = ((size - 1) // every + 1 for size in cells.shape[2:])
        around = around.unflatten(2, (rows, columns))[:, :, :ROWS, :COLUMNS].flatten(2)
    return around - around.mean(1, keepdim=True)


def _of_length_one(patches: Tensor) -> Tensor:
    """Patches [B, PATCH^2, N], unless there is nothing to see."""
    return patches / patches.square().sum(1, keepdim=True).sqrt().clamp_min(QUIET)


def _at_anchors_of(cells: Tensor, every: int) -> Tensor:
    return cells[:, :, ::every, ::every][:, :, :ROWS, :COLUMNS]
