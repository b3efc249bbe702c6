"""A red ball: drawn into pictures of the simulator's, and found in anybody's. Knows pixels, depth and the light of day;
nothing of how it flies."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from model.camera import rays, rotation
from model.evaluation.pictures import Picture
from model.planes import (
    FAR_M,
    GRID_HEIGHT,
    GRID_WIDTH,
    HEIGHT,
    WIDTH,
    depth_code,
    distance,
    from_rgb,
    pack,
    to_rgb,
    unpack,
)
from model.worlds.physics import BALL_RADIUS_M

COLOUR, LIGHT, SHADE = (0.92, 0.20, 0.12), (0.42, 0.85, -0.32), 0.5  # towards the sun; what is left in the shade
RED, LEAST = 0.05, 0.5  # how much redder than it was a pixel must be, of 0..1, and all of those together
NOT_RED = -0.2  # of red beyond green and blue in -1..1: what is less is sky, whatever its clouds do
AROUND_PX = 13  # within which all of a ball lies
NEAR = 4  # looks before and after a bounce that must lie higher


def with_ball(picture: Picture, depth: Tensor, pose: Tensor, at: NDArray[np.float64]) -> tuple[Picture, Tensor]:
    """A view from `pose` [5] with its depth code [144, 256], and a ball with its middle at `at` (metres) in it, where
    nothing hides it."""
    turned = rotation(pose[None])[0]
    middle = turned.T @ (torch.from_numpy(at).float() - pose[:3])
    far, coarse_far = _far(middle, HEIGHT, WIDTH), _far(middle, GRID_HEIGHT, GRID_WIDTH)
    distance_m = distance(depth.float() / 65535)
    over = far < distance_m.repeat_interleave(2, 0).repeat_interleave(2, 1)
    outward = turned @ (rays(HEIGHT, WIDTH)[:, over] * far[over] - middle[:, None]) / BALL_RADIUS_M
    lit = SHADE + (1 - SHADE) * (torch.tensor(LIGHT) @ outward).clamp_min(0)
    rgb = to_rgb(pack(picture.y[None], picture.u[None], picture.v[None], depth[None]))
    rgb[0, over] = (255 * lit[:, None] * torch.tensor(COLOUR)).round().to(torch.uint8)
    y, u, v = (part[0] for part in unpack(from_rgb(rgb)))
    touched = F.max_pool2d(over[None].float(), 2)[0] > 0
    whole = touched.repeat_interleave(2, 0).repeat_interleave(2, 1)
    mixed = Picture(
        torch.where(whole, y, picture.y), torch.where(touched, u, picture.u), torch.where(touched, v, picture.v)
    )
    code = (depth_code(coarse_far.nan_to_num(FAR_M)) * 65535).round().to(depth.dtype)
    return mixed, torch.where(coarse_far < distance_m, code, depth)


def _far(middle: Tensor, height: int, width: int) -> Tensor:
    """How far a ball around a point [3] in the camera's coordinates is along each ray, metres; nan beside it."""
    along = torch.einsum("chw,c->hw", rays(height, width), middle)
    inside = along.square() - middle.square().sum() + BALL_RADIUS_M**2
    return torch.where((inside > 0) & (along > 0), along - inside.clamp_min(0).sqrt(), torch.nan)


def rows_of_ball(before: Tensor, pictures: Tensor) -> list[float | None]:
    """In which row something red is seen in pictures [N, 3, 135, 240] in -1..1 that was not there `before` [3, 135,
    240]; None where there is none."""
    redder = (_redness(pictures) - _redness(before[None])).clamp_min(0) / 2
    redder = redder * (redder > RED)
    together = F.avg_pool2d(redder[:, None], AROUND_PX, 1, AROUND_PX // 2)[:, 0] * AROUND_PX**2
    rows = []
    for found, sums in zip(redder, together, strict=True):
        middle = int(sums.argmax()) // sums.shape[1], int(sums.argmax()) % sums.shape[1]
        top, left = (max(0, at - AROUND_PX // 2) for at in middle)
        own = found[top : top + AROUND_PX, left : left + AROUND_PX].sum(1)
        row = top + float(own @ torch.arange(len(own), dtype=own.dtype) / own.sum().clamp_min(1e-6))
        rows.append(row if sums.max() >= LEAST else None)
    return rows


def _redness(pictures: Tensor) -> Tensor:
    return (pictures[:, 0] - pictures[:, 1:].amax(1)).clamp_min(NOT_RED)


def bounces(rows: list[float | None]) -> list[float]:
    """When a ball in these rows, one a look, turns from falling to rising, in looks: where the lines through the two
    looks before and after meet."""
    found = []
    for i in range(NEAR, len(rows) - NEAR):
        around = [row for row in rows[i - NEAR : i + NEAR + 1] if row is not None]
        here = rows[i]
        if len(around) < 2 * NEAR + 1 or here is None or max(around) > here or around.index(here) != NEAR:
            continue
        a, b, _, c, d = around[NEAR - 2 : NEAR + 3]
        falls, rises = b - a, d - c
        if falls > 0 > rises:
            found.append(i + ((c - rises) - (b + falls)) / (falls - rises))
    return found
