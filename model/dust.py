"""Thin dark things that hang in the sky, which are the outlines of what stood before it, taken out of it. In torch, or
in C++ where there is a compiler. Knows packed planes; nothing of cameras."""

from __future__ import annotations

import ctypes

import torch
import torch.nn.functional as F
from torch import Tensor

from model import native
from model.borders import DEPTH, SKY

REACH = 2  # half-resolution pixels that such a thing is wide, to each side of its middle
DARKER = 0.06  # luma's plane by which it is darker than the sky
HANGS = 10  # rows below it in which there still is sky: far trees stand on the horizon


def without_dust(planes: Tensor) -> Tensor:
    """Planes [1, 7 or more, h, w] -> the same; what is thin, dark and hangs in the sky takes the colours around it.
    What is bright, as stars are, stays."""
    library = native.load("dust")
    if library is None or planes.device.type != "cpu" or planes.dtype != torch.float32:
        return _without_dust(planes)
    out = planes.clone(memory_format=torch.contiguous_format)
    library.dust_remove(ctypes.c_void_p(out.data_ptr()), ctypes.c_float(SKY), *(ctypes.c_int(n) for n in out.shape[2:]))
    return out


def _without_dust(planes: Tensor) -> Tensor:
    """The same in torch."""
    sky = planes[:, DEPTH : DEPTH + 1] < SKY
    luma = planes[:, :4].mean(1, keepdim=True)
    wide = F.max_pool2d(luma.masked_fill(~sky, -1), 2 * REACH + 1, 1, REACH)
    below = F.pad(sky[:, :, HANGS:], (0, 0, 0, HANGS), value=False)
    dust = sky & below & (-F.max_pool2d(-wide, 2 * REACH + 1, 1, REACH) - luma > DARKER)
    clear = (sky & ~dust).to(planes.dtype)
    around = [F.avg_pool2d(part, 4 * REACH + 1, 1, 2 * REACH) for part in (planes[:, :DEPTH] * clear, clear)]
    colours = torch.where(dust & (around[1] > 0), around[0] / around[1].clamp_min(1e-4), planes[:, :DEPTH])
    return torch.cat([colours, planes[:, DEPTH:]], 1)
