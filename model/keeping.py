"""A frame as it was drawn, and what stays of what was known of it. In torch, or in C++ in one pass.
Knows packed planes and shares; nothing of networks, nor of what is known and why."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from model import native
from model.overlay import GUESS
from model.relight import attune, reach
from model.view import CELL, keep_known

PLANES = 7


class Staying(NamedTuple):
    """What was known: planes [1, 7, h, w], the depth code of the distance that each pixel was drawn from [1, 1, h, w],
    which are known and which only guessed from what lies behind [1, 1, h, w], and how much of each cell stays
    [1, 1, h / 8, w / 8]."""

    planes: Tensor
    drawn: Tensor
    known: Tensor
    uncovered: Tensor
    firm: Tensor


def kept(drawn: Tensor, stays: Staying) -> Tensor:
    """Planes [1, 7, h, w] as drawn -> [1, 8, h, w]: moved to meet what stays, see `attune`, and replaced by it, see
    `keep_known`; what is only guessed stays wholly. The eighth says from how far each pixel was drawn: what was drawn
    from nearer is as good as if it had been drawn from here."""
    library = native.load("keeping")
    if library is None or any(p.device.type != "cpu" or p.dtype != torch.float32 for p in (drawn, *stays)):
        return _kept(drawn, stays)
    _, planes, height, width = drawn.shape
    if len(drawn) != 1 or planes != PLANES or height % CELL or width % CELL:
        raise ValueError(f"expected planes [1, {PLANES}, n * {CELL}, m * {CELL}], got {tuple(drawn.shape)}")
    out = drawn.new_empty(1, PLANES + 1, height, width)
    out[:, :PLANES] = drawn
    parts = [part.contiguous() for part in (*stays, reach(height // CELL, width // CELL))]
    pointers = (ctypes.c_void_p(part.data_ptr()) for part in (out, *parts))
    library.keeping(*pointers, ctypes.c_int(height), ctypes.c_int(width))
    return out


def _kept(drawn: Tensor, stays: Staying) -> Tensor:
    """The same in torch."""
    known, guessed = stays.planes, stays.uncovered > 0
    share = F.interpolate(stays.firm, scale_factor=CELL) * stays.known
    planes = keep_known(attune(drawn, known, share), known, stays.known, stays.firm)
    planes = torch.where(guessed, known.clamp(-1, 1), planes)
    depth = planes[:, PLANES - 1 :]
    seen = torch.where(share > 0.5, torch.minimum(stays.drawn, depth), depth)
    return torch.cat([planes, seen.masked_fill(guessed, GUESS)], 1)
