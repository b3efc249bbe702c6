"""The borders between what is near and what lies behind it: told apart by colour, cleaned of each other's tint, and
filled where something near has moved away. Knows packed planes and masks; nothing of networks or of cameras."""

from __future__ import annotations

import ctypes

import torch
import torch.nn.functional as F
from torch import Tensor

from model import native
from model.beside import middle_of_nine, most_beside
from model.planes import AFAR_CODE

DEPTH = 6
JUMP = 0.08  # of depth's plane from one pixel to the next, which no surface has along a row
MUCH = 0.2  # between two surfaces, when somebody soon sees what is behind
BORDER = 6  # half-resolution pixels to each side of a pixel in which both surfaces' colours are looked for
INSIDE = 2  # those within which nothing else may lie there
TOLD = 0.12  # colours that differ by less do not tell surfaces apart
CHROMA = 2.0  # what it counts beside luma
SPECKS = 3  # rounds in which small ones are removed
SKY = 2 * AFAR_CODE - 1 + 0.02  # of depth's plane; what lies below is the sky
TINTED = 5  # half-resolution pixels beside something near that have its tint
CRACK = 4  # of one that need not lie beside something near
MOST = 5  # known pixels of the eight around one that close it
EVEN = 2  # rows above and below, whose gaps are filled alike
APART = 0.1  # between both sides of a gap, from which on one stands before the other
MIXED = 2  # half-resolution pixels beside a gap that sampling mixed with its other side
RIM = 6  # half-resolution pixels beside a gap that may be a mixture of both sides
SAME, LIKE = 0.05, 0.12  # differences of depth's and luma's planes within which a texture goes on
SLOPE = 0.004  # by how much depth's plane falls from pixel to pixel of a mixture


def separate(planes: Tensor) -> Tensor:
    """Planes [1, 7 or more, h, w] whose depth has edges -> the same, the edges where colours say, and what
    lies right beside something nearer without its tint. Along columns only before the sky: far ground jumps too."""
    across = by_colour(planes, 1.0)
    return without_tint(without_specks(by_colour(across.mT.contiguous(), SKY).mT.contiguous()))


def jumps(depth: Tensor) -> Tensor:
    """Where depth [B, 1, h, w] jumps up from one pixel of a row to the next, 0 or 1."""
    return (most_beside(depth, 1) - depth > JUMP).to(depth.dtype)


def by_colour(planes: Tensor, beyond: float) -> Tensor:
    """Planes [1, 7 or more, h, w]: where two surfaces meet in a row, the farther one's depth below `beyond`, each pixel
    takes the depth of that whose colour, a little farther inside, is more like its own."""
    depth = planes[:, DEPTH : DEPTH + 1]
    most, least = most_beside(depth, BORDER), -most_beside(-depth, BORDER)
    at = ((most - least > MUCH) & (most_beside(jumps(depth), BORDER) > 0)).flatten().nonzero()[:, 0]
    if not len(at):
        return planes
    width = depth.shape[3]
    right = (at[:, None] % width + torch.arange(-BORDER, BORDER + 1, device=at.device)).clamp(0, width - 1)
    around = at[:, None] // width * width + right  # [n, 2 * BORDER + 1]
    depths, middle = depth.flatten()[around], ((most + least) / 2).flatten()[at, None]
    colours = torch.cat([planes[0, :4].mean(0, keepdim=True), CHROMA * planes[0, 4:6]]).flatten(1)
    sides = []
    for sign in (1, -1):
        inside = (sign * depth + most_beside(-sign * depth, INSIDE) < MUCH / 4).flatten()[around]
        side = inside & (sign * depths > sign * middle)
        count = side.sum(1).clamp_min(1)
        sides.append(((colours[:, around] * side).sum(2) / count, (depths * side).sum(1) / count, side.any(1)))
    (near, near_depth, has_near), (far, far_depth, has_far) = sides
    apart = (near - far).square().sum(0)
    share = ((colours[:, at] - far) * (near - far)).sum(0) / apart.clamp_min(1e-4)
    told = has_near & has_far & (apart > TOLD**2) & (far_depth < beyond)
    out = planes.clone()
    flat = out[0, DEPTH].view(-1)
    flat[at] = torch.where(told, torch.where(share > 0.5, near_depth, far_depth), flat[at])
    return out


def without_specks(planes: Tensor) -> Tensor:
    """Planes [1, 7 or more, h, w]: pixels that are not of the surface of most around them come to it: through a hole in
    a crown somebody would see what is behind, larger with every step."""
    out = planes.clone()
    for _ in range(SPECKS):
        depth = out[:, DEPTH : DEPTH + 1]
        middle = middle_of_nine(depth)
        out[:, DEPTH : DEPTH + 1] = torch.where((depth - middle).abs() > JUMP, middle, depth)
    return out


def without_tint(planes: Tensor) -> Tensor:
    """Planes [1, 7 or more, h, w]: pixels right beside something nearer, which a soft picture tints by it, take the
    colours of what lies farther beside it. Depth stays."""
    depth = planes[:, DEPTH : DEPTH + 1]
    tinted = (most_beside(jumps(depth), TINTED) > 0) & (most_beside(depth, TINTED) - depth > MUCH)
    out, _ = behind(planes, (~tinted).to(planes.dtype), torch.zeros_like(depth))
    out[:, DEPTH : DEPTH + 1] = depth
    return out


def within(mask: Tensor) -> Tensor:
    """A mask [B, 1, h, w] of what one view shows -> what lies between parts of it in a row, 0 or 1. What it does not
    show of that, something near hid from it."""
    return mask.cummax(3).values * mask.flip(3).cummax(3).values.flip(3)


def behind(planes: Tensor, known: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Planes [1, 7 or more, h, w] without holes, which of their pixels are known and which something near may have
    hidden, [1, 1, h, w] both -> the planes, gaps between known pixels of a row filled from their farther side (as
    depth-image-based rendering does), or from both where neither is; and where that was done [1, 1, h, w]. What nothing
    near hid is not filled: it is to be invented. In C++ where there is a compiler."""
    library = native.load("borders")
    if library is not None and all(
        p.device.type == "cpu" and p.dtype == torch.float32 for p in (planes, known, hidden)
    ):
        return _in_cpp(library, planes, known, hidden)
    planes, closed = _closed(planes, known)
    out, gap = _from_sides(planes, known + closed, hidden)
    return out, gap + closed


def _in_cpp(library: ctypes.CDLL, planes: Tensor, known: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    out, gap = (
        planes.clone(memory_format=torch.contiguous_format),
        torch.empty_like(known, memory_format=torch.contiguous_format),
    )
    parts = (out, known.contiguous(), hidden.contiguous(), gap)
    pointers = (ctypes.c_void_p(part.data_ptr()) for part in parts)
    library.borders_fill(*pointers, *(ctypes.c_int(size) for size in planes.shape[1:]))
    return out, gap


def _closed(planes: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels that most around them are known of take the middle one in depth; and which those are."""
    around = F.avg_pool2d(known, 3, 1, 1, divisor_override=1)[0, 0]
    row, column = ((around >= MOST) & (known[0, 0] == 0)).nonzero(as_tuple=True)
    out, closed = planes.clone(), torch.zeros_like(known)
    if len(row):
        height, width = known.shape[2:]
        down, across = torch.cartesian_prod(*[torch.arange(-1, 2, device=row.device)] * 2).T
        rows, columns = (row[:, None] + down).clamp(0, height - 1), (column[:, None] + across).clamp(0, width - 1)
        depth = planes[0, DEPTH, rows, columns].masked_fill(known[0, 0, rows, columns] == 0, torch.nan)
        middle = depth.nanmedian(1, keepdim=True).indices
        out[0, :, row, column] = planes[0][:, rows.gather(1, middle)[:, 0], columns.gather(1, middle)[:, 0]]
        closed[0, 0, row, column] = 1
    return out, closed


def _from_sides(planes: Tensor, known: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Gaps of rows filled from their sides as `behind` says; and which were."""
    width = planes.shape[3]
    there, columns = known[0, 0] > 0, torch.arange(width, device=known.device)
    left = torch.where(there, columns, -1).cummax(1).values
    right = width - 1 - torch.where(there.flip(1), columns, -1).cummax(1).values.flip(1)
    row, column = (~there & (left >= 0) & (right < width)).nonzero(as_tuple=True)
    left, right = left[row, column], right[row, column]
    depth = planes[0, DEPTH]
    level = (depth[row, left] - depth[row, right]).abs() <= APART
    fill = ~level | (right - left <= CRACK) | (hidden[0, 0, row, column] > 0)
    row, column, left, right, level = (part[fill] for part in (row, column, left, right, level))
    from_left, from_right = (_side(planes[0], there, row, column, *side) for side in ((left, -1), (right, 1)))
    farther = (depth[row, right] < depth[row, left]).to(planes.dtype)
    share = torch.where(level, (column - left) / (right - left), farther)
    between = torch.lerp(from_left, from_right, share)
    out, gap = planes.clone(), torch.zeros_like(known)
    out[0, :, row, column], gap[0, 0, row, column] = between, 1
    beside = [(row + step).clamp(0, planes.shape[2] - 1) for step in (-EVEN, EVEN)]
    above, below = (out[0][:, torch.where(gap[0, 0, at, column] > 0, at, row), column] for at in beside)
    least, most = torch.minimum(above, below), torch.maximum(above, below)
    out[0, :, row, column] = between.clamp(least, most)  # the middle one of three
    return out, gap


def _side(planes: Tensor, there: Tensor, row: Tensor, column: Tensor, edge: Tensor, step: int) -> Tensor:
    """What planes [C, h, w] show beyond one edge of a gap, mirrored into it, [C, n]: the farthest within its rim where
    the texture does not go on, and not what is mixed with the other side."""
    width, depth, luma = planes.shape[2], planes[DEPTH], planes[:4].mean(0)
    inside = (edge + MIXED * step).clamp(0, width - 1)
    best = torch.where(there[row, inside] & (depth[row, inside] < depth[row, edge] + SLOPE), inside, edge)
    for beyond in range(MIXED + 1, RIM + 1):
        at = (edge + beyond * step).clamp(0, width - 1)
        farther = there[row, at] & (depth[row, at] < depth[row, best] - SLOPE)
        best = torch.where(farther, at, best)
    mirrored = (best + step * (column - edge).abs()).clamp(0, width - 1)
    goes_on = there[row, mirrored]
    for plane, least in ((depth, SAME), (luma, LIKE)):
        goes_on = goes_on & ((plane[row, mirrored] - plane[row, best]).abs() < least)
    return planes[:, row, torch.where(goes_on, mirrored, best)]
