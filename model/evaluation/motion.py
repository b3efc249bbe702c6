"""How the camera moved between two pictures: the likeliest turn of those tried, then how the ground grows after it.
Knows pixels and the camera's field of view; learns nothing, so it judges pictures that no simulator drew alike."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

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
TURNS = torch.arange(-36, 37) / 60  # radians
TILTS = torch.arange(-6, 7) / 60
STEPS = torch.tensor([-0.75, 0.0, 0.75])  # metres forward over flat ground, so that a step is not taken for a tilt
PITCHES = torch.tensor([-0.3, 0.0])
SHARPNESS = 120.0  # of the soft maximum over mean likenesses of motions
NEAR, NEAR_SHARPNESS = 5, 30.0  # cells around where a turn alone would put a region, and that soft maximum's
OUTLIER = 0.7  # cells
ROUNDS = 5


@torch.no_grad()
def camera_motion(first: Tensor, second: Tensor) -> Tensor:
    """Two pictures [B, 3, 135, 240] in -1..1 -> [B, 2]: growth of what is not sky (about in proportion to the metres
    forward, and negative for steps back), and radians to the right."""
    rows, columns = (size // CELL for size in first.shape[2:])
    shifts, turns = _motions(rows, columns)
    still = shifts.unflatten(0, (-1, len(STEPS), len(PITCHES)))[:, len(STEPS) // 2]
    moves = []
    for likeness in _likeness(first, second):
        score = _look_up(likeness, shifts).mean(1)
        best = score.argmax()
        turned = still[best // (len(STEPS) * len(PITCHES)), best % len(PITCHES)]
        moves.append(torch.stack([_growth(likeness, turned, rows, columns), (SHARPNESS * score).softmax(0) @ turns]))
    return torch.stack(moves)


class Likeliest(NamedTuple):
    """Of the motions tried: radians to the right and up [B]."""

    turn: Tensor
    tilt: Tensor


@torch.no_grad()
def likeliest(first: Tensor, second: Tensor) -> Likeliest:
    """The motion that explains two pictures [B, 3, 135, 240] in -1..1 best, out of a few thousand over flat ground."""
    rows, columns = (size // CELL for size in first.shape[2:])
    shifts, _ = _motions(rows, columns)
    best = torch.stack([_look_up(likeness, shifts).mean(1).argmax() for likeness in _likeness(first, second)])
    angle = best // (len(STEPS) * len(PITCHES))
    return Likeliest(TURNS[angle // len(TILTS)], TILTS[angle % len(TILTS)])


def _growth(likeness: Tensor, turned: Tensor, rows: int, columns: int) -> Tensor:
    """By how much the picture grows from its middle, in tenths, after a turn that shifts its regions by [regions, 2]:
    least squares over where the regions really went, robust by reweighting."""
    whole, steps = turned.round(), torch.arange(-NEAR, NEAR + 1)
    dy, dx = torch.meshgrid(steps, steps, indexing="ij")
    around = torch.stack([dx, dy], -1).reshape(-1, 2).float()
    near = _look_up(likeness, whole[None] + around[:, None]).T  # [regions, around]
    share = (NEAR_SHARPNESS * near).softmax(1)
    mean = share @ around
    went, spread = mean + whole - turned, (share @ around.square() - mean.square()).sum(1)
    y = (torch.arange(rows // REGION) + 0.5) * REGION - rows / 2
    x = (torch.arange(columns // REGION) + 0.5) * REGION - columns / 2
    y, x = (part.flatten() for part in torch.meshgrid(y, x, indexing="ij"))
    sure = (near.amax(1) - near.mean(1)).clamp_min(0) / (1 + spread) * (y > -rows / 8)  # above it is mostly sky
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    terms = torch.cat([torch.stack([x / 10, one, zero], 1), torch.stack([y / 10, zero, one], 1)])
    target, weight, growth = went.T.flatten(), sure.repeat(2), torch.zeros(3)
    for _ in range(ROUNDS):
        normal = terms.T @ (weight[:, None] * terms) + 1e-3 * torch.eye(3)
        growth = torch.linalg.solve(normal, terms.T @ (weight * target))
        weight = sure.repeat(2) / (1 + ((terms @ growth - target) / OUTLIER).square())
    return growth[0]


def _look_up(likeness: Tensor, shifts: Tensor) -> Tensor:
    """Likeness [regions, shifts + 1] of regions where motions shift them [motions, regions, 2], [motions, regions]."""
    dx, dy = shifts.round().unbind(2)
    within = (dx.abs() <= REACH_X) & (dy.abs() <= REACH_Y)
    index = (dy + REACH_Y) * (2 * REACH_X + 1) + dx + REACH_X
    return likeness.gather(1, torch.where(within, index, likeness.shape[1] - 1).long().T).T


def _likeness(first: Tensor, second: Tensor) -> Tensor:
    """[B, regions, shifts + 1]: how alike a region's patches are to those at each shift; the last is out of reach."""
    a, b = patches(first), patches(second)
    rows, columns = a.shape[2:]
    alike = F.pad(a.flatten(2).transpose(1, 2) @ b.flatten(2), (0, 1))
    index = _around(rows, columns)
    near, inside = alike.gather(2, index.expand(len(a), -1, -1)), (index < rows * columns).float()
    # What left the picture speaks neither for nor against: it counts as a cell's mean.
    near = (near - near.sum(2, keepdim=True) / inside.sum(1, keepdim=True)) * inside
    near = F.avg_pool2d(near.transpose(1, 2).unflatten(2, (rows, columns)), REGION)
    return F.pad(near.flatten(2).transpose(1, 2), (0, 1))


def patches(picture: Tensor) -> Tensor:
    """[B, 3, h, w] -> [B, 25, rows, columns]: `cell_patches` of its cells."""
    return cell_patches(cells(picture))


def cells(picture: Tensor) -> Tensor:
    """[B, 3, h, w] -> [B, 1, rows, columns]: the mean of CELL x CELL pixels."""
    return F.avg_pool2d(picture.mean(1, keepdim=True), CELL)


def cell_patches(cells: Tensor) -> Tensor:
    """[B, 1, rows, columns] -> [B, 25, rows, columns]: patches of 5x5 cells without mean and of length one, unless
    there is nothing to see."""
    around = F.unfold(F.pad(cells, (2, 2, 2, 2), mode="replicate"), 5).unflatten(2, cells.shape[2:])
    around = around - around.mean(1, keepdim=True)
    return around / around.norm(dim=1, keepdim=True).clamp_min(0.04)


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
    """By how many cells each region shifts under each motion, [motions, regions, 2], and their turns [motions].
    The first picture looks along the mean heading minus half of the turn, at flat ground or the sky."""
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
    return shifts, turn
