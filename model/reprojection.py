"""One frame seen from elsewhere, by z-buffer and a look back: in torch anywhere, in C++ on the CPU.
Knows packed planes and camera motions; refuses to know worlds and poses. Gradients do not pass."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from model import native
from model import planes as frame
from model.camera import Motion, grid, seen, within
from model.resampling import beside_nearer, bilinear, catmull_rom, nearest, surface, surfaces, within_pixel

AGREEMENT = 0.12  # relative difference of two distances that still are one surface
NOTHING_M = 1e9
NEAREST_M = 0.05
THIN, EDGE = 1e-3, 1e-3  # of triangles, in cells: the least area, and how far beyond an edge still counts
STRETCHED = 1.4  # cells between two neighbours, from which on more than a crack is left between them
NARROW, WIDEST = 4, 32  # cells that most triangles span, and that any may


def warp(planes: Tensor, forth: Motion, back: Motion) -> tuple[Tensor, Tensor]:
    """Planes [B, 7 or more, h, w] float32, motions from source to target and back -> (planes, mask [B, 1, h, w]), in
    torch. Channels after the seventh are seen as chroma is."""
    inverse = ((planes[:, 6] + 1) / 2).square()  # nearly linear over the picture on flat ground
    whole = surfaces(inverse)
    near_m, own_m = _close_cracks(_splat(inverse, whole, forth))
    distance_m = near_m
    # Two looks: the splat rounded to a cell, and the second look uses the distance that the first one found; where the
    # first one found that there was no crack to close, the second uses the cell's own.
    for _ in range(2):
        column, row, found_m, agree = _look_back(inverse, whole, distance_m, back)
        distance_m = torch.where(agree, seen(column, row, found_m, forth, *inverse.shape[1:])[2], own_m)
    # What something nearer was beside in the source, and is not any more, must show nothing of it.
    alone = beside_nearer(inverse, column, row) & ~_beside_nearer(near_m, distance_m)
    luma = _sample_luma(frame.unfold(planes[:, :4]), (column, row), alone, distance_m, agree, back)
    chroma, more = (bilinear(part, column, row) for part in (planes[:, 4:6], planes[:, 7:]))
    chroma = torch.where(alone[:, None], nearest(planes[:, 4:6], column, row), chroma)
    code = 2 * frame.depth_code(distance_m)[:, None] - 1
    mask = agree[:, None]
    return torch.where(mask, torch.cat([luma, chroma, code, more], 1), 0.0), mask.float()


def warp_on_cpu(planes: Tensor, forth: Tensor, back: Tensor) -> tuple[Tensor, Tensor]:
    """`warp` of contiguous CPU tensors, motions packed as [B, 12]; in C++ where there is a compiler, else in torch."""
    library = native.load("reprojection")
    if library is None:
        return warp(planes, *((packed[:, :9].reshape(-1, 3, 3), packed[:, 9:]) for packed in (forth, back)))
    batch, channels, height, width = planes.shape
    out, mask = torch.empty_like(planes), planes.new_empty(batch, 1, height, width)
    motions = torch.cat([forth, back], 1)
    pointers = [ctypes.c_void_p(t.data_ptr()) for t in (planes, motions, out, mask)]
    library.reproject(*pointers, *(ctypes.c_int(n) for n in (batch, channels, height, width, native.threads())))
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


def _splat(inverse: Tensor, whole: Tensor, forth: Motion) -> Tensor:
    """The source's inverse distances (depth's code squared) [B, h, w] -> the nearest distance in each of the target's
    cells, 0 where there is none: of points, and of the triangles between those that are one surface and come to lie
    far apart."""
    batch, height, width = inverse.shape
    landed = seen(*grid(height, width, inverse.device), _metres(inverse), forth, height, width)
    hit = within(landed, height, width)
    column, row = (torch.where(hit, part, 0.0).round().long() for part in landed[:2])
    cell = torch.where(hit, row * width + column, height * width).flatten(1)
    buffer = torch.full((batch, height * width + 1), NOTHING_M, device=inverse.device)
    buffer = buffer.scatter_reduce(1, cell, landed[2].flatten(1), "amin")
    a, b, c, d = ([part[:, y : height - 1 + y, x : width - 1 + x] for part in landed] for y in (0, 1) for x in (0, 1))
    edges = [(one[i] - other[i]).abs() for one, other in ((a, b), (c, d), (a, c), (b, d)) for i in (0, 1)]
    whole = whole & (torch.stack(edges).amax(0) > STRETCHED)
    for three in ((a, b, c), (b, d, c)):
        buffer = _fill_triangles(buffer, three, whole, height, width)
    buffer = buffer[:, :-1].reshape(batch, height, width)
    return torch.where(buffer < NOTHING_M, buffer, 0.0)


def _fill_triangles(
    buffer: Tensor, corners: Sequence[Sequence[Tensor]], whole: Tensor, height: int, width: int
) -> Tensor:
    """Triangles of three corners (column, row, distance), each [B, h - 1, w - 1], where `whole`, into the buffer
    [B, h w + 1]. On a plane inverse distance is linear over the picture. Cells beyond WIDEST are left out. Only a few
    cells are stretched, so each triangle is looked at alone, a row of cells at a time."""
    (x0, y0, far0), (x1, y1, far1), (x2, y2, far2) = corners
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    whole = whole & (area > THIN) & (far0 > NEAREST_M) & (far1 > NEAREST_M) & (far2 > NEAREST_M)
    first = (whole.nonzero()[:, 0] * buffer.shape[1])[:, None]  # of its world, in the buffer
    parts = [part[whole][:, None] for part in (x0, y0, far0, x1, y1, far1, x2, y2, far2, area)]
    xs, ys = torch.cat(parts[0:9:3], 1), torch.cat(parts[1:9:3], 1)
    sides = torch.maximum(xs.amax(1) - xs.amin(1).ceil(), ys.amax(1) - ys.amin(1).ceil())
    narrow, flat = sides < NARROW - 0.1, buffer.flatten()
    for some, most in ((narrow, NARROW), (~narrow, WIDEST)):
        flat = _fill_some(flat, first[some], [part[some] for part in parts], most, height, width)
    return flat.view_as(buffer)


def _fill_some(flat: Tensor, first: Tensor, parts: Sequence[Tensor], most: int, height: int, width: int) -> Tensor:
    """Triangles that begin at `first` [N, 1] of the flat buffer, in the cells up to `most` right of and below their
    first ones; parts as in `_fill_triangles`, [N, 1] each."""
    x0, y0, far0, x1, y1, far1, x2, y2, far2, area = parts
    left, top = torch.stack([x0, x1, x2]).amin(0).ceil(), torch.stack([y0, y1, y2]).amin(0).ceil()
    px = left + torch.arange(most, device=left.device)
    for dy in range(most):
        py = top + dy
        b = ((px - x0) * (y2 - y0) - (x2 - x0) * (py - y0)) / area
        c = ((x1 - x0) * (py - y0) - (px - x0) * (y1 - y0)) / area
        inside = (b >= -EDGE) & (c >= -EDGE) & (b + c <= 1 + EDGE)
        inside &= (px >= 0) & (px < width) & (py >= 0) & (py < height)
        inverse = 1 / far0 + b * (1 / far1 - 1 / far0) + c * (1 / far2 - 1 / far0)
        cell = first + (py * width + px).long()
        flat = flat.scatter_reduce(0, cell[inside], 1 / inverse[inside], "amin")
    return flat


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


def _look_back(
    inverse: Tensor, whole: Tensor, distance_m: Tensor, back: Motion
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where the target's cells lie in the source, the distance found there, and whether it is the expected one."""
    height, width = inverse.shape[1:]
    column, row, expected_m = seen(*grid(height, width, inverse.device), distance_m, back, height, width)
    inside = (distance_m > 0) & within((column, row, expected_m), height, width)
    column, row = torch.where(inside, column, 0.0), torch.where(inside, row, 0.0)
    found_m = _metres(surface(inverse, whole, column, row))
    return column, row, found_m, inside & ((found_m - expected_m).abs() <= AGREEMENT * expected_m)


def _beside_nearer(near_m: Tensor, distance_m: Tensor) -> Tensor:
    """Whether in or beside each of the target's cells, nearest distances [B, h, w], 0 where there is none, lies
    something nearer than what it shows [B, h, w]."""
    least = -F.max_pool2d(-torch.where(near_m > 0, near_m, NOTHING_M)[:, None], 3, 1, 1)[:, 0]
    return least < distance_m * (1 - AGREEMENT)


def _sample_luma(
    luma: Tensor, own: tuple[Tensor, Tensor], alone: Tensor, distance_m: Tensor, agree: Tensor, back: Motion
) -> Tensor:
    """The source's luma [B, 2h, 2w] at the four pixels of each target cell, which look at its cells `own` [B, h, w]
    (columns, rows) -> [B, 4, h, w]; of these cells' `alone` [B, h, w], where that is so."""
    height, width = distance_m.shape[1:]
    column, row = grid(height, width, distance_m.device)
    picture, parts = luma[:, None], []
    for dy in (-0.25, 0.25):
        for dx in (-0.25, 0.25):
            at_column, at_row, _ = seen(column + dx, row + dy, distance_m, back, height, width)
            at_column = torch.where(agree, at_column * 2 + 0.5, 0.0)
            at_row = torch.where(agree, at_row * 2 + 0.5, 0.0)
            across, within = catmull_rom(picture, at_column, at_row), within_pixel(picture, own, at_column, at_row)
            parts.append(torch.where(alone[:, None], within, across))
    return torch.cat(parts, 1)
