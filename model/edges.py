"""A picture's edges between what is near and what is far: geometry moves whole pixels of depth, twice as large as those
of luma, and would leave staircases. In torch, or in C++ that touches those edges alone. Knows bytes and depth only."""

from __future__ import annotations

import ctypes

import torch
import torch.nn.functional as F
from torch import Tensor

from model import native
from model.borders import JUMP

WEIGHTS = (1, 4, 1)  # of rows and of columns: with more the next frame is worse, with less staircases stay

Picture = tuple[Tensor, Tensor, Tensor]


def smooth(picture: Picture, depth: Tensor) -> Picture:
    """y [1, 2h, 2w], u and v [1, h, w] in bytes -> the same, smoothed where depth's plane [1, 1, h, w] has an edge
    within a pixel."""
    library = native.load("edges")
    if library is None or any(p.device.type != "cpu" for p in (*picture, depth)) or depth.dtype != torch.float32:
        return _smooth(picture, depth)
    y, u, v = (part.clone(memory_format=torch.contiguous_format) for part in picture)
    pointers = (ctypes.c_void_p(part.data_ptr()) for part in (depth.contiguous(), y, u, v))
    library.edges_smooth(*pointers, *(ctypes.c_int(size) for size in depth.shape[2:]))
    return y, u, v


def _smooth(picture: Picture, depth: Tensor) -> Picture:
    """The same in torch."""
    around = F.pad(depth, (1, 1, 1, 1), mode="replicate")
    edge = F.max_pool2d(around, 3, 1) + F.max_pool2d(-around, 3, 1) > JUMP
    weights = torch.tensor(WEIGHTS, dtype=torch.float32, device=depth.device)
    kernel = (weights[:, None] * weights)[None, None]
    out = []
    for part in picture:
        wide = F.pad(part[:, None].float(), (1, 1, 1, 1), mode="replicate")
        soft = ((F.conv2d(wide, kernel) + kernel.sum() / 2) / kernel.sum()).floor().to(torch.uint8)
        times = part.shape[1] // depth.shape[2]
        here = edge.repeat_interleave(times, 2).repeat_interleave(times, 3)
        out.append(torch.where(here, soft, part[:, None])[:, 0])
    return out[0], out[1], out[2]
