"""Pieces of near surfaces that hang together with nothing: what a walk tears off crowns. Nothing floats, so they are no
things; nor are single pixels that stick out of an outline, where a walk enlarges it. In torch, or in C++ in one pass.
Knows depth and masks; nothing of colours, nor of where pieces come from."""

from __future__ import annotations

import ctypes

import torch
import torch.nn.functional as F
from torch import Tensor

from model import native
from model.borders import DEPTH, JUMP, behind
from model.camera import FRAME_SPAN
from model.overlay import Overlaid
from model.planes import distance
from model.view import CELL, fill

JOINED = 0.05  # of depth's plane from one pixel to the next, up to which both are of one surface
NEAR_M = 12.0  # a piece farther away may stand on what cannot be seen
SMALL_M2 = 0.5  # what is larger may be a crown whose trunk is hidden
COVERED = 0.1  # the share of its outline where something nearer may hide what it hangs together with
CUT = 0.1  # the same of the picture's border
SIDES = 3  # of a pixel on which what lies beside it is farther, or not known, where it sticks out


def cleared(laid: Overlaid) -> tuple[Overlaid, Tensor]:
    """Views laid over each other -> the same without what is adrift, gaps filled from what lies behind them, see
    `behind`; and where that was done [1, 1, h, w]."""
    loose = adrift(laid.planes[:, DEPTH : DEPTH + 1], laid.known)
    known, hidden = laid.known - loose, torch.maximum(laid.hidden, loose)
    planes, gap = behind(laid.planes, known, hidden)
    if not loose.any():
        return laid._replace(planes=planes), gap
    there = known + gap
    if (loose > there).any():  # at the picture's border, where nothing is seen behind it
        planes = torch.where(loose > there, fill(planes * there, there), planes)
    rest = F.avg_pool2d(known, CELL) / F.avg_pool2d(laid.known, CELL).clamp_min(1e-4)
    return Overlaid(planes, known, hidden, laid.shares * rest), gap


def adrift(depth: Tensor, known: Tensor) -> Tensor:
    """Depth's plane [1, 1, h, w] and which pixels are known, 0 or 1 -> which of these are of pieces that float, 0 or 1:
    near, small or nowhere more than two pixels wide, and with little but farther things around; or stick out of a
    surface. In C++ where there is a compiler."""
    library = native.load("adrift")
    if library is None or any(part.device.type != "cpu" or part.dtype != torch.float32 for part in (depth, known)):
        return _adrift(depth, known)
    if depth.shape != known.shape or depth.shape[:2] != (1, 1):
        raise ValueError(f"expected depth and a mask [1, 1, h, w], got {tuple(depth.shape)} and {tuple(known.shape)}")
    out = torch.empty_like(depth, memory_format=torch.contiguous_format)
    limits = (ctypes.c_float * 7)(JOINED, NEAR_M, SMALL_M2, COVERED, CUT, JUMP, SIDES)
    given = [ctypes.c_void_p(part.data_ptr()) for part in (depth.contiguous(), known.contiguous())]
    sizes = (ctypes.c_int(size) for size in depth.shape[2:])
    library.adrift(*given, limits, ctypes.c_void_p(out.data_ptr()), *sizes)
    return out


def _adrift(depth: Tensor, known: Tensor) -> Tensor:
    """The same in torch."""
    of, n = _pieces(depth[0, 0], known[0, 0] > 0), depth.numel()
    far = distance((depth + 1) / 2).flatten()
    area = (far * FRAME_SPAN / depth.shape[2]).square()
    within, nearer, cut = (torch.zeros_like(depth[0, 0]) for _ in range(3))
    for step in (-1, 1):
        for side in (0, 1):
            there, other, beyond = (_beside(part, step, side) for part in (of, depth[0, 0], known[0, 0]))
            same = (there == of) & (beyond > 0)
            within += same
            nearer += ~same & (beyond > 0) & (other > depth[0, 0])
            cut += there < 0
    parts = (torch.ones(n), far, area, (within == 4).float(), nearer, cut, 4 - within)
    sums = [torch.zeros(n).index_add(0, of.flatten(), part.flatten() * known.flatten()) for part in parts]
    pixels, metres, size, inside, nearer, cut, ends = sums
    small = (size < SMALL_M2) | (inside == 0)
    loose = (metres < NEAR_M * pixels) & small & (nearer <= COVERED * ends) & (cut <= CUT * ends)
    loose = loose[of.flatten()].view_as(depth) | _sticking_out(depth[0, 0], known[0, 0])
    return loose.to(depth.dtype) * known


def _sticking_out(depth: Tensor, known: Tensor) -> Tensor:
    """Which pixels [h, w] stick out of a surface, bool [1, 1, h, w]."""
    there = torch.where(known > 0, depth, -torch.inf)
    wide, (height, width) = F.pad(there, (1, 1, 1, 1), value=torch.inf), depth.shape
    sides = [wide[down : down + height, right : right + width] for down, right in ((0, 1), (1, 0), (1, 2), (2, 1))]
    return (torch.stack([side < depth - JUMP for side in sides]).sum(0) >= SIDES)[None, None]


def _pieces(depth: Tensor, there: Tensor) -> Tensor:
    """The least number of a pixel that each pixel hangs together with, [h, w]."""
    of = torch.arange(depth.numel(), device=depth.device)
    pairs = []
    for axis, step in ((0, depth.shape[1]), (1, 1)):
        size = depth.shape[axis] - 1
        near = (depth.diff(dim=axis).abs() < JOINED) & there.narrow(axis, 0, size) & there.narrow(axis, 1, size)
        first = of.view_as(depth).narrow(axis, 0, size)[near]
        pairs.append(torch.stack([first, first + step]))
    one, other = torch.cat(pairs, 1)
    while (of[one] != of[other]).any():
        least = torch.minimum(of[one], of[other])
        for end in (one, other):
            of = of.scatter_reduce(0, of[end], least, "amin")
        while (of[of] != of).any():
            of = of[of]
    return of.view_as(depth)


def _beside(part: Tensor, step: int, axis: int) -> Tensor:
    """What each pixel of [h, w] has beside it, -1 beyond the border."""
    beside = part.roll(-step, axis)
    beside.select(axis, -1 if step > 0 else 0).fill_(-1)
    return beside
