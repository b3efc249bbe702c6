"""What a world remembers of where it was: keyframes by pose, so that a place looks as it did when somebody comes back.
Knows poses, distances and light; nothing of networks, nor of how a keyframe is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from model.camera import check_pose, project, unproject

GRID = (9, 16)  # cells of a view in which it is counted what a keyframe shows
FINER = 2  # points a cell and direction that a keyframe is known by
MOST = 256
NEAR_M = 40.0  # keyframes farther away than this are not asked
NEW = 0.7  # a view of which no keyframe shows more than this share is worth remembering
BETTER = 0.1  # by how much another keyframe must show more, to be taken instead of the one in use
DIM = 0.1  # what a keyframe under wholly other light is worth
LIGHT = 7


@dataclass(frozen=True)
class Keyframe:
    """A frame worth coming back to: latents [16, 18, 32], pose [5], light [7], which frame it was, and the nearest
    distance that each latent cell saw, [18, 32] in metres."""

    latents: Tensor
    pose: Tensor
    light: Tensor
    index: int
    distance_m: Tensor


def nearest_m(distance_m: Tensor) -> Tensor:
    """Distances [144, 256] -> the nearest one of each latent cell [18, 32]."""
    rows, columns = (size * FINER for size in GRID)
    return distance_m.reshape(rows, -1, columns, distance_m.shape[1] // columns).amin((1, 3))


class Memory:
    """At most `most` keyframes; beyond that the one farthest from the newest is forgotten."""

    def __init__(self, most: int = MOST):
        if most < 2:
            raise ValueError(f"a memory holds at least 2 keyframes, not {most}")
        self.most = most
        self.keyframes: list[Keyframe] = []
        self._points = torch.empty(0, 3, GRID[0] * GRID[1] * FINER**2)
        self._poses, self._lights = torch.empty(0, 5), torch.empty(0, LIGHT)

    def keep(self, keyframe: Keyframe) -> None:
        """Remembers a keyframe. Raises ValueError on a pose that is not finite."""
        check_pose("keyframe", keyframe.pose[None])
        points = unproject(keyframe.distance_m[None], keyframe.pose[None]).flatten(2)
        self.keyframes.append(keyframe)
        self._points = torch.cat([self._points, points])
        self._poses = torch.cat([self._poses, keyframe.pose[None]])
        self._lights = torch.cat([self._lights, keyframe.light[None]])
        if len(self.keyframes) > self.most:
            self._forget(int((self._poses[:, :3] - keyframe.pose[:3]).norm(dim=1).argmax()))

    def worth(self, pose: Tensor, light: Tensor) -> Tensor:
        """How much each keyframe shows of the view from `pose` [5], in [0, 1]: the share of its cells that it saw, less
        where it saw them from farther away, and less under other light [7]."""
        out = torch.zeros(len(self.keyframes))
        near = ((self._poses[:, :3] - pose[:3]).norm(dim=1) < NEAR_M).nonzero()[:, 0]
        if not len(near):
            return out
        points = self._points[near]
        column, row, now_m = project(points, pose[None].expand(len(near), -1), *GRID)
        then_m = (points - self._poses[near, :3, None]).norm(dim=1)
        column, row = column.round(), row.round()
        seen = (now_m > 0) & (column >= 0) & (column < GRID[1]) & (row >= 0) & (row < GRID[0])
        cell = torch.where(seen, row * GRID[1] + column, GRID[0] * GRID[1]).long()
        sharp = torch.where(seen, (now_m / then_m.clamp_min(0.1)).clamp(0, 1), 0.0)
        cells = torch.zeros(len(near), GRID[0] * GRID[1] + 1).scatter_reduce(1, cell, sharp, "amax")[:, :-1]
        change = (self._lights[near] - light).norm(dim=1).clamp(0, 1)
        out[near] = cells.mean(1) * (1 - (1 - DIM) * change)
        return out

    def choose(self, pose: Tensor, light: Tensor, used: Keyframe | None) -> tuple[Keyframe | None, bool]:
        """The keyframe to look at from `pose` on, which is `used` unless another one is clearly better; and whether
        what is seen from here is new."""
        worth = self.worth(pose, light)
        if not len(worth):
            return None, True
        best = int(worth.argmax())
        own = next((float(w) for w, k in zip(worth, self.keyframes, strict=True) if k is used), -1.0)
        chosen = used if used is not None and own > worth[best] - BETTER else self.keyframes[best]
        return chosen, bool(worth[best] < NEW)

    def _forget(self, which: int) -> None:
        del self.keyframes[which]
        rest = torch.arange(len(self._poses)) != which
        self._points, self._poses, self._lights = (part[rest] for part in (self._points, self._poses, self._lights))
