"""How the camera moved between two pictures: every motion over flat ground is tried, and the likeliest are averaged.
Knows pixels and the camera's field of view; learns nothing, so it judges pictures that no simulator drew alike."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from model.camera import FRAME_SPAN, motion, seen
from model.planes import FAR_M

CELL = 4  # pixels of the 240x135 picture
REACH_X, REACH_Y = 20, 8  # how far a patch is looked for, in cells
REGION = 3  # cells of likeness averaged into one
FRAME_HEIGHT, FRAME_WIDTH, LEFT, TOP = 144, 256, 8, 4  # the frame with its margin, and where the picture lies in it
FOCAL = FRAME_HEIGHT / FRAME_SPAN
EYE_M = 1.7
TURNS = torch.arange(-18, 19) / 30  # radians; a cell is about 1/30
TILTS = torch.arange(-4, 5) / 30
STEPS = torch.arange(-6, 7) * 0.25  # metres forward
PITCHES = torch.tensor([-0.4, -0.2, 0.0, 0.2])
FINALISTS = 1024  # motions that are looked at more closely
SHARPNESS = 80.0  # of the soft maximum over mean likenesses


@torch.no_grad()
def camera_motion(first: Tensor, second: Tensor) -> Tensor:
    """Two pictures [B, 3, 135, 240] in -1..1 -> [B, 2]: metres forward, radians to the right."""
    likeness, (shifts, values) = _likeness(first, second), _motions(*_cells(first.shape[2:]))
    rough = torch.stack([_at(one, shifts.round()) for one in likeness])
    best = rough.topk(FINALISTS, 1).indices
    score = torch.stack([_between(one, shifts[chosen]) for one, chosen in zip(likeness, best, strict=True)])
    return ((SHARPNESS * score).softmax(1)[..., None] * values[best]).sum(1)


def _at(likeness: Tensor, shifts: Tensor) -> Tensor:
    """Mean likeness over the regions, [regions, shifts + 1], for motions that shift them by whole cells
    [motions, regions, 2] -> [motions]."""
    return _look_up(likeness, shifts).mean(1)


def _between(likeness: Tensor, shifts: Tensor) -> Tensor:
    """As `_at`, for parts of cells: without, standing still would look like any small step back."""
    corner = shifts.floor()
    x, y = (shifts - corner).unbind(2)
    total = torch.zeros(len(shifts))
    for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
        weight = (x if right else 1 - x) * (y if down else 1 - y)
        total = total + (weight * _look_up(likeness, corner + torch.tensor([right, down]))).mean(1)
    return total


def _look_up(likeness: Tensor, shifts: Tensor) -> Tensor:
    dx, dy = shifts.unbind(2)
    within = (dx.abs() <= REACH_X) & (dy.abs() <= REACH_Y)
    index = (dy + REACH_Y) * (2 * REACH_X + 1) + dx + REACH_X
    return likeness.gather(1, torch.where(within, index, likeness.shape[1] - 1).long().T).T


def _cells(size: torch.Size) -> tuple[int, int]:
    return size[0] // CELL, size[1] // CELL


def _likeness(first: Tensor, second: Tensor) -> Tensor:
    """[B, regions, shifts + 1]: how alike a region's patches are to those at each shift; the last is out of reach."""
    a, b = _patches(first), _patches(second)
    rows, columns = a.shape[2:]
    alike = F.pad(a.flatten(2).transpose(1, 2) @ b.flatten(2), (0, 1))
    index = _around(rows, columns)
    near, inside = alike.gather(2, index.expand(len(a), -1, -1)), (index < rows * columns).float()
    # What left the picture speaks neither for nor against: it counts as a cell's mean.
    near = (near - near.sum(2, keepdim=True) / inside.sum(1, keepdim=True)) * inside
    near = F.avg_pool2d(near.transpose(1, 2).unflatten(2, (rows, columns)), REGION)
    return F.pad(near.flatten(2).transpose(1, 2), (0, 1))


def _patches(picture: Tensor) -> Tensor:
    """[B, 25, rows, columns]: patches of 5x5 cells without mean and of length one, unless there is nothing to see."""
    cells = F.avg_pool2d(picture.mean(1, keepdim=True), CELL)
    patches = F.unfold(F.pad(cells, (2, 2, 2, 2), mode="replicate"), 5).unflatten(2, cells.shape[2:])
    patches = patches - patches.mean(1, keepdim=True)
    return patches / patches.norm(dim=1, keepdim=True).clamp_min(0.04)


@cache
def _around(rows: int, columns: int) -> Tensor:
    """For every cell the indices of the cells within reach, [cells, shifts]; `rows * columns` for what lies outside."""
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    dy, dx = torch.meshgrid(torch.arange(-REACH_Y, REACH_Y + 1), torch.arange(-REACH_X, REACH_X + 1), indexing="ij")
    y, x = row.reshape(-1, 1) + dy.reshape(1, -1), column.reshape(-1, 1) + dx.reshape(1, -1)
    inside = (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
    return torch.where(inside, y * columns + x, rows * columns)


@cache
def _motions(rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """By how many cells each region shifts under each motion, [motions, regions, 2], and the motions [motions, 2]."""
    turn, tilt, step, pitch = (part.flatten() for part in torch.meshgrid(TURNS, TILTS, STEPS, PITCHES, indexing="ij"))
    zero = torch.zeros_like(turn)
    before = torch.stack([zero, zero, zero, -turn / 2, pitch], 1)
    after = torch.stack([zero, zero, step, turn / 2, pitch + tilt], 1)
    y = (torch.arange(rows // REGION) + 0.5) * REGION * CELL - 0.5 + TOP
    x = (torch.arange(columns // REGION) + 0.5) * REGION * CELL - 0.5 + LEFT
    row, column = (part[None] for part in torch.meshgrid(y, x, indexing="ij"))
    up, right = (FRAME_HEIGHT / 2 - 0.5 - row) / FOCAL, (column + 0.5 - FRAME_WIDTH / 2) / FOCAL
    sine, cosine = pitch.sin()[:, None, None], pitch.cos()[:, None, None]
    falls = -(up * cosine + sine) / (1 + up.square() + right.square()).sqrt()
    distance_m = torch.where(falls > 0, EYE_M / falls.clamp_min(1e-3), FAR_M).clamp(max=FAR_M)
    at_column, at_row, _ = seen(column, row, distance_m, motion(before, after), FRAME_HEIGHT, FRAME_WIDTH)
    shifts = torch.stack([at_column - column, at_row - row], -1).flatten(1, 2) / CELL
    return shifts, torch.stack([step, turn], 1)
