"""Depth that stands upright: what a network drew softly is gathered into surfaces that somebody can walk past.
Knows packed planes; nothing of networks, nor of cameras but that they look level."""

from __future__ import annotations

import ctypes

import torch
import torch.nn.functional as F
from torch import Tensor

from model import native

REACH = 6  # half-resolution pixels to each side in which a surface gathers
CODE_APART = 0.14  # depth codes that differ by so much are of two surfaces
COLOUR_APART = 0.45  # so are colours, as planes have them
ROUNDS = 8
BELOW = 10  # rows below the horizon that are looked at, but stay as they are


def upright(planes: Tensor) -> Tensor:
    """Planes [B, 7 or more, 144, 256] of a level view -> the same, its depth above the horizon cut into surfaces: a
    soft picture's depth slopes from a tree's crown to the sky behind it, and tears when somebody walks by. What lies
    below the horizon is mostly ground, which does slope. (A mean shift, Comaniciu and Meer, 2002, with colours.)"""
    above = planes.shape[2] // 2
    rows = above + BELOW
    code = ((planes[:, 6:7, :rows] + 1) / 2).contiguous()
    colour = torch.cat([planes[:, :4, :rows].mean(1, keepdim=True), planes[:, 4:6, :rows]], 1)
    out = planes.clone()
    out[:, 6:7, :above] = 2 * gather_surfaces(code, colour, above)[:, :, :above] - 1
    return out


def gather_surfaces(code: Tensor, colour: Tensor, above: int) -> Tensor:
    """Depth codes [B, 1, h, w] and colours [B, 3, h, w] -> codes, of the first `above` rows moved ROUNDS times toward
    the mean of what lies near and is alike; in C++ where there is a compiler."""
    library = native.load("upright")
    if library is None or code.device.type != "cpu" or code.dtype != torch.float32:
        return _gather_in_torch(code, colour, above)
    out, colour = code.clone(memory_format=torch.contiguous_format), colour.contiguous()
    sizes = (ctypes.c_int(n) for n in (*code.shape[2:], above, REACH, ROUNDS))
    apart = [ctypes.c_float(CODE_APART), ctypes.c_float(COLOUR_APART)]
    numbers = [*sizes, *apart]
    for one, its_colour in zip(out, colour, strict=True):
        library.upright(ctypes.c_void_p(one.data_ptr()), ctypes.c_void_p(its_colour.data_ptr()), *numbers)
    return out


def _gather_in_torch(code: Tensor, colour: Tensor, above: int) -> Tensor:
    size = 2 * REACH + 1

    def around(x: Tensor) -> Tensor:
        padded = F.pad(x, (REACH,) * 4, mode="replicate")
        return F.unfold(padded, size).unflatten(1, (x.shape[1], size * size))

    off = ((around(colour) - colour.flatten(2)[:, :, None]) / COLOUR_APART).square().sum(1)
    alike = (1 - off).clamp_min(0)
    moves = torch.arange(code.shape[2], device=code.device)[:, None] < above
    for _ in range(ROUNDS):
        near = around(code)[:, 0]
        weight = alike * (1 - ((near - code.flatten(2)) / CODE_APART).square()).clamp_min(0)
        moved = ((weight * near).sum(1) / weight.sum(1)).view_as(code)
        code = torch.where(moves, moved, code)
    return code
