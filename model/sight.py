"""How well points that views saw are seen from one pose: in torch anywhere, in C++ on the CPU.
Knows poses and points; nothing of pictures, nor of what is remembered."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from model import native
from model.camera import project, rotation

VOID_M = 0.01  # points nearer to the eye that saw them than this are none
NEAREST_M = 0.1


def sharpness(
    points: Tensor, eyes: Tensor, pose: Tensor, grid: tuple[int, int], reach_m: float, alike: float
) -> Tensor:
    """Points [N, 3, P] of N views, the places [N, 3] that they were seen from, and a pose [5] -> how well each view saw
    each cell of a grid of the picture from there, [N, rows * columns] in [0, 1]: not at all, or less where it saw it
    from farther away. Views from farther than `reach_m` count for nothing, and points that are looked at from another
    side: whose directions from both places have a cosine below `alike`."""
    library = native.load("sight")
    parts = [part.contiguous() for part in (points, eyes)]
    if library is None or any(part.device.type != "cpu" or part.dtype != torch.float32 for part in parts):
        return _sharpness(points, eyes, pose, grid, reach_m, alike)
    camera = torch.cat([pose[:3], rotation(pose[None]).flatten()])
    out = torch.empty(len(points), grid[0] * grid[1])
    sizes = (ctypes.c_int * 4)(len(points), points.shape[2], *grid)
    pointers = [ctypes.c_void_p(part.data_ptr()) for part in (*parts, camera)]
    limits = (ctypes.c_float(limit) for limit in (reach_m, alike))
    library.sight(*pointers, sizes, *limits, ctypes.c_void_p(out.data_ptr()))
    return out


def _sharpness(
    points: Tensor, eyes: Tensor, pose: Tensor, grid: tuple[int, int], reach_m: float, alike: float
) -> Tensor:
    """The same in torch."""
    out = torch.zeros(len(points), grid[0] * grid[1])
    near = ((eyes - pose[:3]).norm(dim=1) < reach_m).nonzero()[:, 0]
    points = points[near]
    column, row, now_m = project(points, pose[None].expand(len(near), -1), *grid)
    now, then = points - pose[:3, None], points - eyes[near, :, None]
    then_m = then.norm(dim=1)
    column, row = column.round(), row.round()
    seen = (then_m > VOID_M) & (now_m > 0) & (column >= 0) & (column < grid[1]) & (row >= 0) & (row < grid[0])
    seen &= (now * then).sum(1) >= alike * now.norm(dim=1) * then_m
    cell = torch.where(seen, row * grid[1] + column, grid[0] * grid[1]).long()
    sharp = torch.where(seen, (now_m / then_m.clamp_min(NEAREST_M)).clamp(0, 1), 0.0)
    out[near] = torch.zeros(len(near), out.shape[1] + 1).scatter_reduce(1, cell, sharp, "amax")[:, :-1]
    return out
