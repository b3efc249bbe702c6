"""Where the ground lies, as far as depth has shown it, and which of it is water: what keeps a walker's eyes at their
height, and their feet near dry land. Knows frames' depths and poses; nothing of networks."""

from __future__ import annotations

from math import floor, hypot

import torch
from torch import Tensor

from model.camera import unproject
from model.conditioning.state import EYE_M

CELL_M = 1.0
REACH_M = 9.0  # depth of what is farther away is too coarse
BELOW_M = 0.5  # what lies less far below the eye is no ground
EASE = 0.2  # how much of it is believed when a later look shows another height
STEP = 4  # rows and columns of which one is looked at
NEAR_M = 1.8  # cells farther away than this say nothing of the ground here
MOST = 20_000  # cells that are remembered
WADE_M = 2.0  # around who stands in water; so far some of the ground must be dry, or nobody goes there
DRY = 0.15  # how much of it


class Ground:
    """Heights of cells of CELL_M, first seen first believed: what is drawn later is drawn from where the eye then is,
    and would carry its drift on; and how likely each is water."""

    def __init__(self) -> None:
        self._height_m: dict[tuple[int, int], float] = {}
        self._water: dict[tuple[int, int], float] = {}

    def stand(self, pose: list[float]) -> None:
        """Somebody stands here [x, y, z, ...]: so that is where the ground is."""
        x, y, z = pose[:3]
        self._believe((floor(x / CELL_M), floor(z / CELL_M)), y - EYE_M)

    def learn(self, distance_m: Tensor, water: Tensor, pose: Tensor) -> None:
        """What a frame shows of it: distances [1, H, W] in metres, of which the lower half is looked at, how likely
        what is there is water [1, H / STEP, W / STEP], and its pose [1, 5]."""
        coarse = distance_m[:, STEP // 2 :: STEP, STEP // 2 :: STEP]
        lower = slice(coarse.shape[1] // 2, None)
        points, wet = unproject(coarse, pose)[0, :, lower].flatten(1), water[0, lower].flatten()
        away = torch.hypot(points[0] - pose[0, 0], points[2] - pose[0, 2])
        here = (away < REACH_M) & (points[1] < pose[0, 1] - BELOW_M)
        if not here.any():
            return
        cells = (points[::2, here] / CELL_M).floor().long().T
        which, place, count = torch.unique(cells, dim=0, return_inverse=True, return_counts=True)
        sums = torch.zeros(2, len(which)).index_add(1, place, torch.stack([points[1], wet])[:, here])
        for cell, height, wetness in zip(which.tolist(), *(sums / count).tolist(), strict=True):
            self._believe((cell[0], cell[1]), height)
            self._water[cell[0], cell[1]] = self._eased(self._water.get((cell[0], cell[1])), wetness)

    def height_m(self, x: float, z: float) -> float | None:
        """The ground's height at (x, z) in metres, or None where nothing is known of it."""
        column, row, reach = floor(x / CELL_M), floor(z / CELL_M), int(NEAR_M / CELL_M) + 1
        total = weight = 0.0
        for i in range(column - reach, column + reach + 1):
            for j in range(row - reach, row + reach + 1):
                height = self._height_m.get((i, j))
                share = NEAR_M - hypot((i + 0.5) * CELL_M - x, (j + 0.5) * CELL_M - z)
                if height is not None and share > 0:
                    total, weight = total + share * height, weight + share
        return total / weight if weight else None

    def at_sea(self, x: float, z: float) -> bool:
        """Whether (x, z) lies in water with hardly any dry ground around it, as far as it was seen."""
        column, row, reach = floor(x / CELL_M), floor(z / CELL_M), int(WADE_M / CELL_M) + 1
        cells = [(i, j) for i in range(column - reach, column + reach + 1) for j in range(row - reach, row + reach + 1)]
        near = [cell for cell in cells if hypot((cell[0] + 0.5) * CELL_M - x, (cell[1] + 0.5) * CELL_M - z) < WADE_M]
        wet = [self._water[cell] for cell in near if cell in self._water]
        return 2 * len(wet) > len(near) and sum(wet) > (1 - DRY) * len(wet)

    def _believe(self, cell: tuple[int, int], height: float) -> None:
        before = self._height_m.get(cell)
        if before is None and len(self._height_m) >= MOST:
            oldest = next(iter(self._height_m))
            del self._height_m[oldest]
            self._water.pop(oldest, None)
        self._height_m[cell] = self._eased(before, height)

    @staticmethod
    def _eased(before: float | None, now: float) -> float:
        return now if before is None else before + EASE * (now - before)
