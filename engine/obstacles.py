"""What stands in somebody's way, as far as the last picture shows it: nobody walks through trees, rocks or walls, or
out to sea. Knows distances, poses and steps; nothing of networks."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, hypot, radians, sin

import numpy as np
from torch import Tensor

from model.camera import unproject
from model.conditioning.state import EYE_M

STEP = 4  # rows and columns of which one is looked at
REACH_M = 0.8  # of a body
AWAY_M = 2.5  # what it keeps away from: things tear when they are seen from near
KNEE_M, CROWN_M = 0.7, 2.0  # above the feet, and above the eyes: what is between them stands in the way, crowns too
LEAST = 10  # points that are something
ASIDE = tuple(radians(degrees) for degrees in (30, 60, 85))  # ways past it that are tried
FURTHER_M = 0.8  # from where it is looked which side is freer
SEA = 10**6  # points that water counts for
AGAIN = 12  # frames straight on after which another side may be taken


class Obstacles:
    """Points of one picture that stand as high as a body or hang low above it, and on which side somebody goes past
    them, who keeps away from them and does not go where it is `at_sea` at (x, z)."""

    def __init__(self, at_sea: Callable[[float, float], bool]) -> None:
        self._at_sea = at_sea
        self._points = np.empty((3, 0), np.float32)
        self._side, self._straight = 0, AGAIN

    def see(self, distance_m: Tensor, pose: Tensor) -> None:
        """Distances [1, H, W] in metres of a frame seen from `pose` [1, 5]."""
        coarse = distance_m[:, STEP // 2 :: STEP, STEP // 2 :: STEP]
        points = unproject(coarse, pose)[0].flatten(1).numpy()
        high = points[1] - float(pose[0, 1])
        self._points = points[:, (high > KNEE_M - EYE_M) & (high < CROWN_M)]

    def way(self, x: float, z: float, step: tuple[float, float]) -> tuple[float, float]:
        """As much of a step (x, z) in metres from (x, z) as leads past what stands there: turned aside, or none."""
        most = [max(LEAST, count) for count in self._near(x, z)]  # with more around it somebody would be nearer to it
        if self._free(x + step[0], z + step[1], most):
            self._straight += 1
            return step
        if self._straight >= AGAIN:
            self._side = self._freer(x, z, step)
        self._straight = 0
        for turn in (*(self._side * a for a in ASIDE), *(-self._side * a for a in ASIDE)):
            aside = turned(step, turn, cos(turn))
            if self._free(x + aside[0], z + aside[1], most):
                return aside
        return 0.0, 0.0

    def _freer(self, x: float, z: float, step: tuple[float, float]) -> int:
        """1 or -1: right or left, where less stands."""
        far = FURTHER_M / hypot(*step)
        right, left = (turned(step, sign * ASIDE[1], far) for sign in (1, -1))
        return 1 if self._near(x + right[0], z + right[1])[0] <= self._near(x + left[0], z + left[1])[0] else -1

    def _free(self, x: float, z: float, most: list[int]) -> bool:
        return all(count <= much for count, much in zip(self._near(x, z), most, strict=True))

    def _near(self, x: float, z: float) -> tuple[int, int]:
        """Points within what somebody keeps away from, and within a body's reach: who is nearer to all of a wall than
        they like would walk through it."""
        away = (self._points[0] - x) ** 2 + (self._points[2] - z) ** 2
        sea = SEA * self._at_sea(x, z)
        return int((away < AWAY_M**2).sum()) + sea, int((away < REACH_M**2).sum()) + sea


def turned(step: tuple[float, float], right: float, times: float) -> tuple[float, float]:
    """A step (x, z) turned right by so many radians, so many times as long."""
    c, s = cos(right) * times, sin(right) * times
    return step[0] * c + step[1] * s, step[1] * c - step[0] * s
