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
PATCH = 7  # cells
LEVELS = ((4, 6, 4), (2, 4, 4))  # pixels a cell, and how many cells to the right and down an anchor is looked for
QUIET = 0.06  # the least length of a patch of brightness -1..1 without its mean
CONTEXT = 5  # colour, and the contrast at both sizes of patches
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


@torch.no_grad()
def match(first: Tensor, second: Tensor) -> Matches:
    """Pictures [B, 3, 135, 240] in -1..1."""
    a, b = (picture.mean(1, keepdim=True) for picture in (first, second))
    table = _Table(a, b, LEVELS[0][0])
    shift = turns_shift(_likeliest(table))
    found = [table.around(shift, *LEVELS[0][1:]), _nearby(a, b, shift, LEVELS[1])]
    context = [_at_anchors(first, 4), *(2 * _spread(a, cell).clamp(max=0.5) * 2 - 1 for cell, *_ in LEVELS)]
    shown = torch.cat([*(alike for alike, _ in found), *context], 1)
    return Matches(((shown.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8), *(base for _, base in found))


@torch.no_grad()
def likeliest_turn(first: Tensor, second: Tensor) -> Tensor:
    """The turn and tilt under which pictures [B, 3, 135, 240] in -1..1 are most alike, [B, 2] radians."""
    return _likeliest(_Table(first.mean(1, keepdim=True), second.mean(1, keepdim=True), LEVELS[0][0]))


class _Table:
    """How alike every anchor's patch of one picture is to the patches of all cells of another."""

    def __init__(self, a: Tensor, b: Tensor, cell: int):
        self.cell = cell
        (cells_a, self.every), (cells_b, _) = _cells(a, cell), _cells(b, cell)
        self.rows, self.columns = cells_b.shape[2:]
        here = _at_anchors_of(_patches(cells_a), self.every).flatten(2)
        self.alike = here.transpose(1, 2) @ _patches(cells_b).flatten(2)  # [B, anchors, cells]
        y, x = torch.meshgrid(torch.arange(ROWS), torch.arange(COLUMNS), indexing="ij")
        self.at = self.every * torch.stack([x, y]).flatten(1)  # [2, anchors], cells

    def look_up(self, shift: Tensor) -> Tensor:
        """Likeness [B, anchors, ways] at shifts of whole cells [1 or B, 2, anchors, ways]; out of view the anchor's
        mean of what is in view."""
        x, y = (self.at[:, :, None] + shift).unbind(1)
        inside = (x >= 0) & (x < self.columns) & (y >= 0) & (y < self.rows)
        index = torch.where(inside, y * self.columns + x, 0).expand(len(self.alike), -1, -1)
        near = self.alike.gather(2, index) * inside
        mean = near.sum(2, keepdim=True) / inside.sum(2, keepdim=True).clamp_min(1)
        return torch.where(inside, near, mean)

    def around(self, shift_px: Tensor, across: int, down: int) -> tuple[Tensor, Tensor]:
        """Likeness [B, ways, ROWS, COLUMNS] around shifts in pixels [B, 2, anchors], and those shifts in whole cells,
        as pixels."""
        base = (shift_px / self.cell).round().long()
        x, y = torch.meshgrid(torch.arange(-across, across + 1), torch.arange(-down, down + 1), indexing="xy")
        found = self.look_up(base[..., None] + torch.stack([x, y]).flatten(1)[None, :, None])
        return found.transpose(1, 2).unflatten(2, (ROWS, COLUMNS)), self.cell * base.float()


def _nearby(a: Tensor, b: Tensor, shift_px: Tensor, level: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """The same as `_Table.around` without the likeness of all cells: patches are cut out around each anchor's shift."""
    cell, across, down = level
    (cells_a, every), (cells_b, _) = _cells(a, cell), _cells(b, cell)
    rows, columns = cells_b.shape[2:]
    base, rim = (shift_px / cell).round().long(), PATCH // 2
    x, y = torch.meshgrid(
        torch.arange(-across - rim, across + rim + 1), torch.arange(-down - rim, down + rim + 1), indexing="xy"
    )
    at_y, at_x = torch.meshgrid(every * torch.arange(ROWS), every * torch.arange(COLUMNS), indexing="ij")
    there_x = (at_x.flatten()[:, None, None] + base[:, 0, :, None, None] + x).clamp(0, columns - 1)
    there_y = (at_y.flatten()[:, None, None] + base[:, 1, :, None, None] + y).clamp(0, rows - 1)
    window = cells_b.flatten(1).gather(1, (there_y * columns + there_x).flatten(1)).reshape(1, -1, *x.shape)
    here = _at_anchors_of(_patches(cells_a), every).permute(0, 2, 3, 1).reshape(-1, 1, PATCH, PATCH)
    dot = F.conv2d(window, here, groups=len(here))
    mean, square = F.avg_pool2d(window, PATCH, 1), F.avg_pool2d(window.square(), PATCH, 1)
    length = PATCH * (square - mean.square()).clamp_min(0).sqrt()
    alike = (dot / length.clamp_min(QUIET))[0].reshape(len(a), ROWS, COLUMNS, -1)
    return alike.permute(0, 3, 1, 2), cell * base.float()


def turns_shift(turned: Tensor) -> Tensor:
    """Turns and tilts [..., 2] -> by how many pixels they shift each anchor, [..., 2, anchors]."""
    at = anchors()
    rays = torch.stack([at[0] / FOCAL, -at[1] / FOCAL, torch.ones_like(at[0])])
    flat = turned.reshape(-1, 2)
    shift = pixels(rotated(rays[None].expand(len(flat), -1, -1), flat)) - at
    return shift.unflatten(0, turned.shape[:-1])


@cache
def _tried() -> tuple[Tensor, Tensor]:
    """The turns and tilts that are tried [motions, 2], and the cells by which they shift anchors, [1, 2, anchors,
    motions]."""
    turn, tilt = torch.meshgrid(TURNS, TILTS, indexing="ij")
    motions = torch.stack([turn.flatten(), tilt.flatten()], 1)
    return motions, (turns_shift(motions) / LEVELS[0][0]).round().long().permute(1, 2, 0)[None]


def _likeliest(table: _Table) -> Tensor:
    """The turn and tilt under which the pictures are most alike [B, 2]."""
    motions, shifts = _tried()
    return motions[table.look_up(shifts).mean(1).argmax(1)]


def _cells(planes: Tensor, cell: int) -> tuple[Tensor, int]:
    """Means over cells, such that every few of them lie on an anchor; and how many."""
    shift = int(FIRST + 0.5 - cell / 2)
    return F.avg_pool2d(planes[:, :, shift:, shift:], cell), EVERY // cell


def _patches(cells: Tensor) -> Tensor:
    """[B, 1, h, w] -> [B, PATCH^2, h, w]: patches without mean and of length one, unless there is nothing to see."""
    rim = PATCH // 2
    around = F.unfold(F.pad(cells, (rim,) * 4, mode="replicate"), PATCH).unflatten(2, cells.shape[2:])
    around = around - around.mean(1, keepdim=True)
    return around / around.norm(dim=1, keepdim=True).clamp_min(QUIET)


def _at_anchors_of(cells: Tensor, every: int) -> Tensor:
    return cells[:, :, ::every, ::every][:, :, :ROWS, :COLUMNS]


def _at_anchors(planes: Tensor, cell: int) -> Tensor:
    return _at_anchors_of(*_cells(planes, cell))


def _spread(luma: Tensor, cell: int) -> Tensor:
    """The contrast of each anchor's patch [B, 1, ROWS, COLUMNS]."""
    cells, every = _cells(luma, cell)
    padded = F.pad(cells, (PATCH // 2,) * 4, mode="replicate")
    mean, square = F.avg_pool2d(padded, PATCH, 1), F.avg_pool2d(padded.square(), PATCH, 1)
    return _at_anchors_of((square - mean.square()).clamp_min(0).sqrt(), every)
