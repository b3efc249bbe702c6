"""What a picture's upper border cut off: a crown goes on above it, and who steps back or looks up must not be told that
the sky is there. Knows views laid over each other and poses; nothing of networks, nor of what is drawn there."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from model.borders import DEPTH, JUMP, MUCH, SKY
from model.camera import motion, seen
from model.overlay import Known, Overlaid
from model.planes import depth_code, distance
from model.view import CELL

BESIDE = 1  # columns to either side of one in which something is cut, that are cut as well
NOTHING = -1.0  # of depth's plane: farther than anything
ABOVE = 2  # rows above a cut in which a thing goes on, if some view shows it


def uncut(laid: Overlaid, views: Sequence[Known], pose: Tensor) -> Overlaid:
    """Views laid over each other as seen from `pose` [1, 5] -> the same, but nothing known, nor hidden, of what is
    farther away above what the border of one of them cut: whatever is shown there, it is what is behind."""
    off = cut_off(torch.where(laid.known > 0, laid.planes[:, DEPTH : DEPTH + 1], NOTHING), views, pose)
    if off is None:
        return laid
    known = laid.known * ~off
    rest = F.avg_pool2d(known, CELL) / F.avg_pool2d(laid.known, CELL).clamp_min(1e-4)
    return Overlaid(laid.planes, known, laid.hidden * ~off, laid.shares * rest)


def cut_off(depth: Tensor, views: Sequence[Known], pose: Tensor) -> Tensor | None:
    """Depth's plane [1, 1, h, w] as seen from `pose` [1, 5], NOTHING where nothing is known -> what lies behind what
    goes on above the upper border of one of the views, bool [1, 1, h, w]; None where nothing does. Cut is what stands
    before other things at that border, and does not go on in what another view shows."""
    height, width = depth.shape[2:]
    top = torch.cat([view.planes[:, DEPTH, :1] for view in views])  # [N, 1, w]
    first = torch.arange(width, device=depth.device, dtype=depth.dtype).expand_as(top)
    forth = motion(torch.cat([view.pose for view in views]), pose)
    column, row, far_m = seen(first, torch.zeros_like(top), distance((top + 1) / 2), forth, height, width)
    lands = (top > SKY) & (top - top.amin(2, keepdim=True) > MUCH) & (far_m > 0)
    lands &= (row > 0) & (row < height) & (column > -0.5) & (column < width - 0.5)
    if not lands.any():
        return None
    at, row, near = column[lands].round().long(), row[lands], 2 * depth_code(far_m[lands]) - 1
    cut = near - depth[0, 0, (row.round().long() - ABOVE).clamp(0, height - 1), at] > JUMP
    lowest, nearest = (torch.full((width,), -1.0, device=depth.device, dtype=depth.dtype) for _ in range(2))
    lowest.scatter_reduce_(0, at[cut], row[cut], "amax")
    nearest.scatter_reduce_(0, at[cut], near[cut], "amax")
    lowest, nearest = (F.max_pool1d(part[None], 2 * BESIDE + 1, 1, BESIDE)[0] for part in (lowest, nearest))
    rows = torch.arange(height, device=depth.device, dtype=depth.dtype)[:, None]
    off = (rows < lowest) & (nearest - depth > JUMP)
    return off if off.any() else None
