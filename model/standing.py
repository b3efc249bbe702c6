"""What stands before something farther has one depth where it looks alike: of a trunk whose pixels stand at different
distances a walk makes pieces. Knows packed planes; nothing of cameras, nor of where edges are."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from model import native
from model.beside import most_beside
from model.borders import CHROMA, DEPTH, JUMP

BEHIND = 16  # half-resolution pixels of a row within which something farther lies
TALL, WIDE = 8, 4  # half-resolution pixels above and below, and beside, that have a say: trunks are taller than wide
NEAR_ROWS, NEAR_COLUMNS = 6.0, 3.0  # and the deviations within which most of it is said
ALIKE, LEVEL = 0.35, 0.2  # differences of colours and of depth's plane from which on a pixel has none


def evened(planes: Tensor) -> Tensor:
    """Planes [1, 7 or more, h, w]: the depth of what stands before something farther becomes the mean of what is like
    it around, more above and below than beside it (a bilateral filter: Tomasi and Manduchi 1998, with Tukey's weights).
    In C++ where there is a compiler."""
    library = native.load("standing")
    if library is None or planes.device.type != "cpu" or planes.dtype != torch.float32:
        return _evened(planes)
    out, source = planes.clone(memory_format=torch.contiguous_format), planes.contiguous()
    pointers = (ctypes.c_void_p(part.data_ptr()) for part in (source, out))
    library.standing_even(*pointers, *(ctypes.c_int(size) for size in planes.shape[2:]))
    return out


def stands(depth: Tensor) -> Tensor:
    """Depth's plane [B, 1, h, w] -> what stands before something farther beside it, bool [B, 1, h, w]."""
    return depth + most_beside(-depth, BEHIND) > JUMP


def _evened(planes: Tensor) -> Tensor:
    """The same in torch."""
    depth, (height, width) = planes[0, DEPTH], planes.shape[2:]
    colours = torch.cat([planes[0, :4].mean(0, keepdim=True), CHROMA * planes[0, 4:DEPTH]])
    down, right = torch.arange(-TALL, TALL + 1), torch.arange(-WIDE, WIDE + 1)
    near = torch.exp(-((down / NEAR_ROWS).square()[:, None] + (right / NEAR_COLUMNS).square()) / 2).flatten()
    down, right = (part.to(planes.device) for part in torch.cartesian_prod(down, right).T)
    row, column = stands(planes[:1, DEPTH : DEPTH + 1])[0, 0].nonzero(as_tuple=True)
    rows, columns = row[:, None] + down, column[:, None] + right
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    unlike = (colours[:, rows, columns] - colours[:, row, column, None]).square().sum(0) / ALIKE**2
    apart = ((depth[rows, columns] - depth[row, column, None]) / LEVEL).square()
    weights = near.to(planes) * inside * (1 - unlike).clamp_min(0).square() * (1 - apart).clamp_min(0).square()
    out = planes.clone()
    out[0, DEPTH, row, column] = (weights * depth[rows, columns]).sum(1) / weights.sum(1)
    return out
