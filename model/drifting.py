"""What moves by itself in a picture that stays: clouds that wind carries over the sky, waves on water. The picture's
own detail goes with a flow and, before it has gone far, begins anew, while a second one, half a round later, is seen.
In torch, or in C++. Knows planes in bytes, cameras and flows; nothing of networks and of worlds."""

from __future__ import annotations

import ctypes
from math import hypot
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from model import native
from model.camera import corner_rays, project, rotation
from model.planes import GRID_HEIGHT, GRID_WIDTH

APART = 4  # half-resolution pixels between two corners at which a flow is known
CORNERS = corner_rays(GRID_HEIGHT, GRID_WIDTH, APART)
PLANE = 0.12  # the simulator's clouds lie on a plane that a look of height (sine) -PLANE would meet in infinity
LOW, HIGH = 0.02, 0.08  # heights between which clouds begin to move
NEAR_THE_SUN = 60.0  # how sharply what stays of the sky falls off around sun and moon: to a third in 10 degrees
LEVEL = -0.01  # the height below which a look meets the water
WITHIN, SOFT = 3, 2  # half-resolution pixels from what stands still within which nothing is taken, and mixed
BORDER = 12.0  # and from the border of the picture
FAR_M = 1000.0
ROWS, COLUMNS = (torch.arange(0, size + 1, APART) - 0.5 for size in (GRID_HEIGHT, GRID_WIDTH))  # of corners
OWN = torch.stack(torch.meshgrid(ROWS, COLUMNS, indexing="ij")[::-1])
Picture = list[Tensor]  # y [1, 288, 512], u and v [1, 144, 256] uint8


class Phase(NamedTuple):
    """How many seconds detail has gone, less than 0 before it is as it was drawn, and how much of it is seen."""

    gone_s: float
    share: float


class Flow(NamedTuple):
    """Where what is seen at corners of blocks comes from in either phase, columns and rows of half-resolution pixels
    [2, 2, 37, 65]; how much is seen of both; and how much of the picture stays as it is there [37, 65], in 0..1."""

    places: Tensor
    shares: tuple[float, float]
    still: Tensor


def phases(at_s: float, round_s: float) -> tuple[Phase, Phase]:
    """Both at a time. Each goes from half a round before to half a round after it is as it was drawn, and is not seen
    at all where it begins anew; at the beginning of time the first is as it was drawn, and alone."""
    gone = [(at_s + start * round_s) % round_s - round_s / 2 for start in (0.5, 0.0)]
    first, second = (Phase(seconds, 1 - abs(2 * seconds / round_s)) for seconds in gone)
    return first, second


def clouds(pose: Tensor, wind: tuple[float, float], both: tuple[Phase, Phase], bright: Tensor) -> Flow:
    """Of the sky seen from `pose` [5]: its clouds come from so far east and south in a second, in their height. What
    lies in `bright` directions [N, 3] (east, up, south) stands still, and what is near them."""
    library = native.load("drifting")
    if library is None:
        return _clouds(pose, wind, both, bright)
    given = (*pose.tolist()[3:], *wind, *(phase.gone_s for phase in both), *bright.flatten().tolist())
    return _flow_of(library.drift_clouds, given, both, len(bright))


def _clouds(pose: Tensor, wind: tuple[float, float], both: tuple[Phase, Phase], bright: Tensor) -> Flow:
    """The same in torch."""
    look = _looks(pose)
    on_plane = look[::2] / (look[1] + PLANE).clamp_min(LOW)
    there = on_plane + _gone(both) * torch.tensor(wind)[:, None, None]  # [2, 2, 37, 65]
    away = there.square().sum(1, keepdim=True)
    root = ((away + 1) * (1 - PLANE**2 * away) + (PLANE * away).square()).clamp_min(0).sqrt()
    up = (root - PLANE * away) / (away + 1)
    east, south = (there * (up + PLANE)).split(1, 1)
    places = _seen(FAR_M * torch.cat([east, up, south], 1), pose)
    flow = _flow(places, both, 1 - ((look[1] - LOW) / (HIGH - LOW)).clamp(0, 1))
    near = torch.einsum("nc,chw->nhw", bright, look).amax(0)
    return flow._replace(still=torch.maximum(flow.still, ((near - 1) * NEAR_THE_SUN).exp()))


def waves(pose: Tensor, depth_m: float, stream: tuple[float, float], both: tuple[Phase, Phase]) -> Flow:
    """Of water that lies so many metres below the eye at `pose` [5]: waves come from so many metres east and south in
    a second."""
    library = native.load("drifting")
    if library is None:
        return _waves(pose, depth_m, stream, both)
    given = (*pose.tolist()[3:], depth_m, *stream, *(phase.gone_s for phase in both))
    return _flow_of(library.drift_waves, given, both)


def _waves(pose: Tensor, depth_m: float, stream: tuple[float, float], both: tuple[Phase, Phase]) -> Flow:
    """The same in torch."""
    look = _looks(pose)
    level = depth_m * look / -look[1].clamp_max(LEVEL)
    along = torch.tensor([stream[0], 0.0, stream[1]])[:, None, None]
    return _flow(_seen(level + _gone(both) * along, pose), both, (look[1] > LEVEL).to(look.dtype))


def drifted(picture: Picture, moves: Tensor, flow: Flow, wide: tuple[int, int]) -> Picture:
    """The picture, where it `moves` bool [1, 144, 256] carried along a flow. Detail is told from what it lies on by the
    mean of so many half-resolution pixels above and below, and to the left and right."""
    library = native.load("drifting")
    if library is None:
        return _drifted(picture, moves, flow, wide)
    out = [part.clone() for part in picture]
    parts = (*picture, *out, moves.contiguous(), flow.places.contiguous(), flow.still.contiguous())
    pointers = (ctypes.c_void_p(part.data_ptr()) for part in parts)
    sizes = (ctypes.c_int(size) for size in (*moves.shape[1:], *wide, native.threads()))
    library.drift(*pointers, *(ctypes.c_float(share) for share in flow.shares), *sizes)
    return out


def _drifted(picture: Picture, moves: Tensor, flow: Flow, wide: tuple[int, int]) -> Picture:
    """The same in torch."""
    luma = F.pixel_unshuffle(picture[0][None].float(), 2)
    parts = torch.cat([luma, picture[1][None].float(), picture[2][None].float()], 1)  # [1, 6, h, w]
    mask = moves[None].to(parts.dtype)
    whole = torch.cat([luma.mean(1, keepdim=True).expand_as(luma), parts[:, 4:]], 1)
    base = _mean(whole * mask, *wide) / _mean(mask, *wide).clamp_min(1e-4)
    size = 2 * WITHIN + 1
    solid = _mean(-F.max_pool2d(-mask, size, 1, WITHIN), SOFT, SOFT)[0, 0]
    places, still = _between(flow.places.flatten(0, 1)).unflatten(0, (2, 2)), _between(flow.still[None])[0]
    sum_, left = torch.zeros_like(parts), torch.ones_like(still)
    for (column, row), share in zip(places, flow.shares, strict=True):
        height, width = still.shape
        near = torch.stack([column, width - 1 - column, row, height - 1 - row]).amin(0)
        at = row.round().long().clamp(0, height - 1), column.round().long().clamp(0, width - 1)
        seen = share * (near / BORDER).clamp(0, 1) * solid[at]
        luma_at = [(2 * column + right, 2 * row + down) for down in (0, 1) for right in (0, 1)]
        taken = [_at(picture[0][0], *place) for place in luma_at] + [_at(part[0], column, row) for part in picture[1:]]
        sum_ += seen * (torch.stack(taken)[None] - base[:, :, at[0], at[1]])
        left = left - seen
    sum_ += left * (parts - base)
    moved = base + sum_ / torch.lerp(torch.tensor(hypot(*flow.shares)), torch.ones(()), left)  # two mixed are duller
    out = torch.where(moves[None], torch.lerp(moved, parts, still), parts)
    out = (out + 0.5).floor().clamp(0, 255).to(torch.uint8)
    return [F.pixel_shuffle(out[:, :4].float(), 2)[0].to(torch.uint8), out[:, 4], out[:, 5]]


def _flow_of(kernel: Any, given: tuple[float, ...], both: tuple[Phase, Phase], *counts: int) -> Flow:
    """What a kernel says, which is told so many numbers."""
    told, places, still = torch.tensor(given), torch.empty(2, *OWN.shape), torch.empty(OWN.shape[1:])
    pointers = [ctypes.c_void_p(part.data_ptr()) for part in (CORNERS, told, places, still)]
    kernel(*pointers[:2], *map(ctypes.c_int, (*counts, GRID_HEIGHT, GRID_WIDTH)), *pointers[2:])
    return Flow(places, (both[0].share, both[1].share), still)


def _looks(pose: Tensor) -> Tensor:
    """Directions in the world [3, 37, 65] (east, up, south) through the corners."""
    return torch.einsum("ij,jhw->ihw", rotation(pose[None])[0], CORNERS)


def _gone(both: tuple[Phase, Phase]) -> Tensor:
    """Seconds [2, 1, 1, 1]."""
    return torch.tensor([phase.gone_s for phase in both])[:, None, None, None]


def _seen(points: Tensor, pose: Tensor) -> Tensor:
    """Where points [2, 3, 37, 65], from the eye at `pose` [5], are seen: columns and rows of half-resolution pixels [2,
    2, 37, 65]."""
    turned = torch.cat([torch.zeros(3), pose[3:]]).expand(2, -1)
    column, row, away = project(points, turned, GRID_HEIGHT, GRID_WIDTH)
    places = torch.stack([column, row], 1)
    return torch.where(away[:, None] > 0, places, -FAR_M).clamp(-FAR_M, FAR_M)


def _flow(places: Tensor, both: tuple[Phase, Phase], still: Tensor) -> Flow:
    """Without places where all stays."""
    first, second = both
    return Flow(torch.where(still < 1, places, OWN), (first.share, second.share), still)


def _between(corners: Tensor) -> Tensor:
    """Values at corners [n, h + 1, w + 1] -> of pixels [n, h * APART, w * APART], on lines between them."""
    on = (torch.arange(APART) + 0.5)[:, None] / APART
    for axis in (1, 2):
        corners = corners.transpose(0, axis)
        begin = corners[:-1].flatten(1)[:, None]
        step = (corners[1:] - corners[:-1]).flatten(1)[:, None]
        corners = (begin + on * step).flatten(0, 1).unflatten(1, corners.shape[1:]).transpose(0, axis)
    return corners


def _mean(part: Tensor, down: int, across: int) -> Tensor:
    """Of the pixels around each of [1, n, h, w], those beyond the border left out."""
    return F.avg_pool2d(part, (2 * down + 1, 2 * across + 1), 1, (down, across), count_include_pad=False)


def _at(plane: Tensor, column: Tensor, row: Tensor) -> Tensor:
    """Bytes [H, W] at columns and rows [h, w], between pixels; beyond the border the border's."""
    height, width = plane.shape
    column, row = column.clamp(0, width - 1.001), row.clamp(0, height - 1.001)
    x, y = column.floor().long(), row.floor().long()
    right, down = column - x, row - y
    value = plane.float()
    upper = torch.lerp(value[y, x], value[y, x + 1], right)
    return torch.lerp(upper, torch.lerp(value[y + 1, x], value[y + 1, x + 1], right), down)
