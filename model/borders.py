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
UPRIGHT = 0.13  # from one row to the next, which no far ground has before the sky
MUCH = 0.2  # between two surfaces, when somebody soon sees what is behind
TOLD = 0.12  # colours that differ by less do not tell surfaces apart
CHROMA = 2.0  # what it counts beside luma
SPECKS = 3  # rounds in which small ones are removed
SKY = 2 * AFAR_CODE - 1 + 0.02  # of depth's plane; what lies below is the sky
FAR_BESIDE, NEAR_BESIDE = 5, 4  # half-resolution pixels on the far and near side of an edge that a soft picture mixes
MIXED = 0.1  # of depth's plane between two surfaces, from which on it does
OWN_FAR, OWN_NEAR, OTHER = 12, 3, 8  # half-resolution pixels in which such a pixel's own surface is looked for, on the
# far side of the edge and on the near one (a trunk is no crown), and the other one
INWARD, CLEAN = 6, 16  # pixels from the other side at most; as many as what lies beside no edge counts for
ABOUT = (1.0, 2.0, 1.0)  # what neighbours count, when it is said which side a pixel is of
HANGS = 2  # of its eight neighbours that must be of a surface which a pixel comes to
CRACK = 4  # of one that need not lie beside something near
MOST = 5  # known pixels of the eight around one that close it
EVEN, SMOOTH = 2, 4  # rows above and below, whose gaps are filled alike, and whose colours go over into each other
APART = 0.1  # between both sides of a gap, from which on one stands before the other
SAMPLED = 2  # half-resolution pixels beside a gap that sampling mixed with its other side
RIM = 6  # half-resolution pixels beside a gap that may be a mixture of both sides
SAME, LIKE = 0.05, 0.12  # differences of depth's and luma's planes within which a texture goes on
SLOPE = 0.004  # by how much depth's plane falls from pixel to pixel of a mixture


def separate(planes: Tensor) -> Tensor:
    """Planes [1, 7 or more, h, w] whose depth has edges -> the same, without specks, and with nothing of what is on the
    other side of an edge in what lies beside it."""
    return without_specks(unmixed(without_specks(planes)))


def without_specks(planes: Tensor) -> Tensor:
    """Planes [1, 7 or more, h, w]: pixels that are not of the surface of most around them come to it: through a hole in
    a crown somebody would see what is behind, larger with every step."""
    out = planes.clone()
    for _ in range(SPECKS):
        depth = out[:, DEPTH : DEPTH + 1]
        middle = middle_of_nine(depth)
        out[:, DEPTH : DEPTH + 1] = torch.where((depth - middle).abs() > JUMP, middle, depth)
    return out


def unmixed(planes: Tensor) -> Tensor:
    """Planes [1, 7 or more, h, w]: pixels beside an edge, which a soft picture mixes with what is on its other side,
    take the colours of their own surface farther from it, the more the nearer that is, and the farther from the edge;
    or, where they and those around them look more like what stands before them, as tips do, and hang together with it,
    its colours and its depth. In C++ where there is a compiler."""
    sides, library = beside_edges(planes[:, DEPTH : DEPTH + 1]), native.load("borders")
    if library is None or planes.device.type != "cpu" or planes.dtype != torch.float32:
        return _unmixed(planes, sides)
    out = planes.clone(memory_format=torch.contiguous_format)
    pointers = (ctypes.c_void_p(part.data_ptr()) for part in (out, sides))
    library.borders_unmix(*pointers, *(ctypes.c_int(size) for size in planes.shape[2:]))
    return out


def beside_edges(depth: Tensor) -> Tensor:
    """Depth's plane [B, 1, h, w] -> 1 on the far side of an edge of rows, or of columns before the sky, 2 on its near
    side, 0 where neither is near; uint8 [B, 1, h, w]. Far ground jumps along columns too, but not so far. In C++ where
    there is a compiler."""
    library = native.load("borders")
    if library is None or depth.device.type != "cpu" or depth.dtype != torch.float32:
        return _beside_edges(depth)
    sides, depth = torch.empty(depth.shape, dtype=torch.uint8), depth.contiguous()
    limits = (ctypes.c_float(limit) for limit in (JUMP, UPRIGHT, SKY))
    sizes = (ctypes.c_int(size) for size in (len(depth), *depth.shape[2:]))
    library.borders_beside(ctypes.c_void_p(depth.data_ptr()), ctypes.c_void_p(sides.data_ptr()), *sizes, *limits)
    return sides


def _beside_edges(depth: Tensor) -> Tensor:
    """The same in torch."""
    rows, columns = _beside_along(depth, JUMP, 1.0), _beside_along(depth.mT.contiguous(), UPRIGHT, SKY)
    far, near = (row | column.mT for row, column in zip(rows, columns, strict=True))
    return torch.where(far, 1, 2 * near).to(torch.uint8).contiguous()


def _beside_along(depth: Tensor, jump: float, beyond: float) -> tuple[Tensor, Tensor]:
    """The far sides of edges of rows, and the near ones, where depth jumps so far, the farther depth below `beyond`."""
    at = (most_beside(depth, 1) - depth > jump).to(depth.dtype)
    least = -most_beside(-depth, NEAR_BESIDE)
    far = (most_beside(at, FAR_BESIDE) > 0) & (most_beside(depth, FAR_BESIDE) - depth > MIXED) & (depth < beyond)
    return far, (most_beside(at, NEAR_BESIDE) > 0) & (depth - least > MIXED) & (least < beyond)


def _unmixed(planes: Tensor, sides: Tensor) -> Tensor:
    """`unmixed` in torch, by `beside_edges`."""
    (height, width), depth, side = planes.shape[2:], planes[0, DEPTH], sides[0, 0]
    down, right = torch.cartesian_prod(*[torch.arange(-OWN_FAR, OWN_FAR + 1, device=planes.device)] * 2).T
    away = down.square() + right.square()
    row, column = side.nonzero(as_tuple=True)
    rows, columns = row[:, None] + down, column[:, None] + right
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    weights, inward = inside / away.clamp_min(1).square(), _inward(sides)[0, 0]
    nearer, is_far = depth[rows, columns] - depth[row, column, None], side[row, column] == 1
    reach = torch.where(is_far, OWN_FAR, OWN_NEAR)[:, None]
    deeper = (inward[rows, columns] - inward[row, column, None]).clamp_min(0).square()
    own = weights * deeper * ((nearer.abs() < SAME) & (away <= reach**2))
    clean = weights * (side[rows, columns] == 0)
    other = clean * ((nearer > MIXED) & (away <= OTHER**2) & is_far[:, None])
    own_colours, other_colours = (_mean(planes[0, :DEPTH, rows, columns], part) for part in (own, other))
    here, one, two = (_seen(part) for part in (planes[0, :DEPTH, row, column], own_colours, other_colours))
    apart = (two - one).square().sum(0)
    may = own.any(1) & other.any(1) & (apart > TOLD**2)
    like = torch.where(may, (((here - one) * (two - one)).sum(0) / apart).clamp(-1, 2), 0.0)
    before = _mean(depth[rows, columns][None], other)[0]
    maps = torch.zeros(3, height, width, device=planes.device)
    maps[:, row, column] = torch.stack([like, may.to(like.dtype), before])
    likes, mays, befores = maps
    turns = _turning(likes, mays, befores, depth)[row, column]
    out = planes.clone()
    colours = torch.where(turns, other_colours, own_colours)
    out[0, :DEPTH, row, column] = torch.where(own.any(1), colours, planes[0, :DEPTH, row, column])
    out[0, DEPTH, row, column] = torch.where(turns, before, depth[row, column])
    return out


def _inward(sides: Tensor) -> Tensor:
    """How many pixels those beside edges lie from the nearest one of the other side in their row or column, INWARD at
    most; CLEAN of others."""
    out = torch.where(sides == 0, float(CLEAN), float(INWARD))
    for away in range(INWARD - 1, 0, -1):
        for side, other in ((1, 2), (2, 1)):
            there = (sides == other).float()
            reached = torch.maximum(most_beside(there, away), most_beside(there.mT.contiguous(), away).mT) > 0
            out[(sides == side) & reached] = away
    return out


def _turning(like: Tensor, may: Tensor, before: Tensor, depth: Tensor) -> Tensor:
    """Which pixels [h, w] come to what stands before them, at depths `before`: of those that may, 0 or 1, the ones that
    look like it, as do those around them, by how much (0 to 1), and that hang together with it."""
    about = torch.tensor(ABOUT, device=depth.device)
    votes = F.conv2d(torch.stack([like * may, may])[:, None], (about[:, None] * about)[None, None], padding=1)[:, 0]
    turns = (may > 0) & (votes[0] > votes[1] / 2)
    there = ((_eight(depth, -torch.inf) - before).abs() < MIXED) & (_eight(turns.float(), 0.0) == 0)
    kept = torch.zeros_like(turns)
    for _ in range(FAR_BESIDE):
        kept = turns & ((there | (_eight(kept.float(), 0.0) > 0)).sum(0) >= HANGS)
    return kept


def _eight(plane: Tensor, beyond: float) -> Tensor:
    """What lies around each pixel of [h, w], [8, h, w]."""
    (height, width), wide = plane.shape, F.pad(plane, (1, 1, 1, 1), value=beyond)
    around = [wide[down : down + height, right : right + width] for down in range(3) for right in range(3)]
    return torch.stack(around[:4] + around[5:])


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Of values [C, n, k] by weights [n, k], [C, n]; 0 where all are 0."""
    return (values * weights).sum(2) / weights.sum(1).clamp_min(torch.finfo(values.dtype).tiny)


def _seen(colours: Tensor) -> Tensor:
    """Colours [6, n] as they are compared, [3, n]."""
    return torch.cat([colours[:4].mean(0, keepdim=True), CHROMA * colours[4:]])


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
    rows = row[:, None] + torch.arange(-SMOOTH, SMOOTH + 1, device=row.device)
    inside, rows = (rows >= 0) & (rows < planes.shape[2]), rows.clamp(0, planes.shape[2] - 1)
    same = (out[0, DEPTH, rows, column[:, None]] - out[0, DEPTH, row, column, None]).abs() < SAME
    weights = (SMOOTH + 1 - (rows - row[:, None]).abs()) * (inside & same & (gap[0, 0, rows, column[:, None]] > 0))
    out[0, :DEPTH, row, column] = _mean(out[0, :DEPTH, rows, column[:, None]], weights.to(out.dtype))
    return out, gap


def _side(planes: Tensor, there: Tensor, row: Tensor, column: Tensor, edge: Tensor, step: int) -> Tensor:
    """What planes [C, h, w] show beyond one edge of a gap, mirrored into it, [C, n]: the farthest within its rim where
    the texture does not go on, its luma even, and not what is mixed with the other side."""
    width, depth, luma = planes.shape[2], planes[DEPTH], planes[:4].mean(0)
    inside = (edge + SAMPLED * step).clamp(0, width - 1)
    best = torch.where(there[row, inside] & (depth[row, inside] < depth[row, edge] + SLOPE), inside, edge)
    for beyond in range(SAMPLED + 1, RIM + 1):
        at = (edge + beyond * step).clamp(0, width - 1)
        farther = there[row, at] & (depth[row, at] < depth[row, best] - SLOPE)
        best = torch.where(farther, at, best)
    mirrored = (best + step * (column - edge).abs()).clamp(0, width - 1)
    goes_on = there[row, mirrored]
    for plane, least in ((depth, SAME), (luma, LIKE)):
        goes_on = goes_on & ((plane[row, mirrored] - plane[row, best]).abs() < least)
    out = planes[:, row, torch.where(goes_on, mirrored, best)]
    out[:4] = torch.where(goes_on, out[:4], luma[row, best])
    return out
