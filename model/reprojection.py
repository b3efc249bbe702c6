"""One frame seen from elsewhere, by z-buffer and a look back: in torch anywhere, in C++ on the CPU.
Knows packed planes and camera motions; refuses to know worlds and poses. Gradients do not pass."""

from __future__ import annotations

import ctypes

import torch
import torch.nn.functional as F
from torch import Tensor

from model import native
from model import planes as frame
from model.camera import Motion, grid, seen, within
from model.resampling import bilinear, catmull_rom, surface

AGREEMENT = 0.12  # relative difference of two distances that still are one surface
NOTHING_M = 1e9


def warp(planes: Tensor, forth: Motion, back: Motion) -> tuple[Tensor, Tensor]:
    """Planes [B, 7, h, w] float32, motions from source to target and back -> (planes, mask [B, 1, h, w]), in torch."""
    inverse = ((planes[:, 6] + 1) / 2).square()  # nearly linear over the picture on flat ground
    distance_m, own_m = _close_cracks(_splat(_metres(inverse), forth))
    # Two looks: the splat rounded to a cell, and the second look uses the distance that the first one found; where the
    # first one found that there was no crack to close, the second uses the cell's own.
    for _ in range(2):
        column, row, found_m, agree = _look_back(inverse, distance_m, back)
        distance_m = torch.where(agree, seen(column, row, found_m, forth, *inverse.shape[1:])[2], own_m)
    luma = _sample_luma(frame.unfold(planes[:, :4]), distance_m, agree, back)
    chroma = bilinear(planes[:, 4:6], column, row)
    code = 2 * frame.depth_code(distance_m)[:, None] - 1
    mask = agree[:, None]
    return torch.where(mask, torch.cat([luma, chroma, code], 1), 0.0), mask.float()


def warp_on_cpu(
    planes: Tensor, forth: Tensor, back: Tensor, over: tuple[Tensor, Tensor] | None = None
) -> tuple[Tensor, Tensor]:
    """`warp` of contiguous CPU tensors, motions packed as [B, 12]; in C++ where there is a compiler, else in torch.
    What the planes and mask that will lie `over` it hide may be left out, but for its depth."""
    library = native.load("reprojection")
    if library is None:
        return warp(planes, *((packed[:, :9].reshape(-1, 3, 3), packed[:, 9:]) for packed in (forth, back)))
    batch, _, height, width = planes.shape
    out, mask = torch.empty_like(planes), planes.new_empty(batch, 1, height, width)
    motions = torch.cat([forth, back], 1)
    above = [t.contiguous() for t in over] if over is not None else []
    pointers = [ctypes.c_void_p(t.data_ptr()) for t in (planes, motions, out, mask, *above)]
    pointers += [ctypes.c_void_p()] * (6 - len(pointers))
    library.reproject(*pointers, *(ctypes.c_int(n) for n in (batch, height, width, native.threads())))
    return out, mask


# For torch.compile, whose own code for `warp` is hardly faster than eager (the gathers stay scalar), one opaque node.
@torch.library.custom_op("mundo::warp", mutates_args=())
def warp_as_node(planes: Tensor, forth: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
    """`warp_on_cpu`."""
    return warp_on_cpu(planes, forth, back)


@warp_as_node.register_fake
def _(planes: Tensor, forth: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
    return torch.empty_like(planes), planes.new_empty(planes.shape[0], 1, *planes.shape[2:])


def _metres(inverse: Tensor) -> Tensor:
    return (frame.DEPTH_SCALE_M / inverse.clamp_min(1e-6) - frame.DEPTH_SCALE_M).clamp(0, frame.FAR_M)


def _splat(distance_m: Tensor, forth: Motion) -> Tensor:
    """The source's distances [B, h, w] -> the nearest one in each of the target's cells, 0 where there is none."""
    batch, height, width = distance_m.shape
    landed = seen(*grid(height, width, distance_m.device), distance_m, forth, height, width)
    hit = within(landed, height, width)
    column, row = (torch.where(hit, part, 0.0).round().long() for part in landed[:2])
    cell = torch.where(hit, row * width + column, height * width).flatten(1)
    buffer = torch.full((batch, height * width + 1), NOTHING_M, device=distance_m.device)
    buffer = buffer.scatter_reduce(1, cell, landed[2].flatten(1), "amin")[:, :-1].reshape(batch, height, width)
    return torch.where(buffer < NOTHING_M, buffer, 0.0)


def _close_cracks(distance_m: Tensor) -> tuple[Tensor, Tensor]:
    """Splatted distances -> with cracks closed, and without. A cell that nothing hit takes its nearest neighbour's in
    both. A cell clearly farther than two opposite neighbours shows what lies behind a surface that came nearer."""
    height, width = distance_m.shape[1:]
    padded = F.pad(torch.where(distance_m > 0, distance_m, NOTHING_M), (1, 1, 1, 1), value=NOTHING_M)
    around = [padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    here = around.pop(4)
    own = torch.where(here < NOTHING_M, here, torch.stack(around).amin(0))
    across = torch.stack([torch.maximum(a, b) for a, b in zip(around[:4], around[:3:-1], strict=True)]).amin(0)
    closed = torch.where(across < own * (1 - AGREEMENT), across, own)
    return torch.where(closed < NOTHING_M, closed, 0.0), torch.where(own < NOTHING_M, own, 0.0)


def _look_back(inverse: Tensor, distance_m: Tensor, back: Motion) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where the target's cells lie in the source, the distance found there, and whether it is the expected one."""
    height, width = inverse.shape[1:]
    column, row, expected_m = seen(*grid(height, width, inverse.device), distance_m, back, height, width)
    inside = (distance_m > 0) & within((column, row, expected_m), height, width)
    column, row = torch.where(inside, column, 0.0), torch.where(inside, row, 0.0)
    found_m = _metres(surface(inverse, column, row))
    return column, row, found_m, inside & ((found_m - expected_m).abs() <= AGREEMENT * expected_m)


def _sample_luma(luma: Tensor, distance_m: Tensor, agree: Tensor, back: Motion) -> Tensor:
    """The source's luma [B, 2h, 2w] at the four pixels of each target cell -> [B, 4, h, w]."""
    height, width = distance_m.shape[1:]
    column, row = grid(height, width, distance_m.device)
    parts = []
    for dy in (-0.25, 0.25):
        for dx in (-0.25, 0.25):
            at_column, at_row, _ = seen(column + dx, row + dy, distance_m, back, height, width)
            at_column = torch.where(agree, at_column * 2 + 0.5, 0.0)
            at_row = torch.where(agree, at_row * 2 + 0.5, 0.0)
            parts.append(catmull_rom(luma[:, None], at_column, at_row))
    return torch.cat(parts, 1)
