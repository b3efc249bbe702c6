"""Where to stand in a land, and where to look, so that there is something to see.
Knows heights and what stands around; refuses to know of cameras and of light."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, isfinite, pi, sin

import numpy as np
from numpy.typing import NDArray

from model.worlds.lands import TOWN_CELLS, Land
from model.worlds.physics import EYE_M
from model.worlds.terrain import CELL_M, CELLS, TEXELS, TILE_M
from model.worlds.walker import free

TRIES = 60
DIRECTIONS = 16
REACH = np.arange(2.0, 150.0, 2.0)


@dataclass(frozen=True)
class Spot:
    """A place to stand, in world metres, and the way to look from there in radians."""

    x: float
    z: float
    yaw: float

    def __post_init__(self) -> None:
        for name in ("x", "z", "yaw"):
            if not isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be finite; got {getattr(self, name)}")


def ground_heights(land: Land, x: NDArray[np.floating], z: NDArray[np.floating]) -> NDArray[np.floating]:
    """Heights of the nearest texels at arrays of world metres."""
    column, row = (np.floor(np.asarray(a) / TILE_M * TEXELS).astype(int) % TEXELS for a in (x, z))
    return land.ground[row, column, 0].astype(float)


def open_m(land: Land, x: float, z: float, yaw: float) -> float:
    """How far somebody at (x, z) sees along `yaw` before the ground or a plant is in the way, in metres."""
    px, pz = x + REACH * sin(yaw), z + REACH * cos(yaw)
    eye = land.height(x, z) + EYE_M
    hidden = ground_heights(land, px, pz) > eye + 0.06 * REACH
    far = float(REACH[np.argmax(hidden)]) if hidden.any() else float(REACH[-1])
    feet, size, _, _ = land.plants
    dx, dz = ((feet[:, k] - a + TILE_M / 2) % TILE_M - TILE_M / 2 for k, a in ((0, x), (2, z)))
    ahead, aside = dx * sin(yaw) + dz * cos(yaw), np.abs(dx * cos(yaw) - dz * sin(yaw))
    wall = (ahead > 0) & (aside < 0.25 * size + 0.15 * ahead) & (ahead < 14)
    return min(far, float(ahead[wall].min()) if wall.any() else far)


def spot(land: Land, rng: np.random.Generator) -> Spot:
    """A free, dry spot with an open view over ground that is not flat. Raises RuntimeError where there is none."""
    best, best_worth = None, -1.0
    for _ in range(TRIES):
        x, z = _anywhere(land, rng)
        if not _stands(land, x, z):
            continue
        for k in range(DIRECTIONS) if land.place != "town" else (0, 4, 8, 12):
            yaw = (k + float(rng.uniform(-0.3, 0.3)) * (land.place != "town")) * 2 * pi / DIRECTIONS
            worth = _worth(land, x, z, yaw)
            if worth > best_worth:
                best, best_worth = Spot(x, z, (yaw + pi) % (2 * pi) - pi), worth
    if best is None:
        raise RuntimeError(f"no free place to stand in this {land.place}")
    return best


def _anywhere(land: Land, rng: np.random.Generator) -> tuple[float, float]:
    if land.place != "town":
        return float(rng.uniform(0, TILE_M)), float(rng.uniform(0, TILE_M))
    first = CELLS // 2 - TOWN_CELLS // 2
    along = float(rng.uniform(first, first + TOWN_CELLS)) * CELL_M
    if rng.uniform() < 0.5:
        return (first + 4.5 + 5 * int(rng.integers(3))) * CELL_M, along
    return along, (first + 2.5 + 3 * int(rng.integers(5))) * CELL_M


def _stands(land: Land, x: float, z: float) -> bool:
    height = land.height(x, z)
    slope = hypot(land.height(x + 1, z) - height, land.height(x, z + 1) - height)
    wet = not land.dry and height < 0.2
    canyon_top = land.place == "canyon" and height > 9
    feet, size, _, _ = land.plants
    away = np.hypot(*((feet[:, k] - a + TILE_M / 2) % TILE_M - TILE_M / 2 for k, a in ((0, x), (2, z))))
    crowded = bool((away < 2.2 + 0.22 * size).any())
    return free(land, x, z) and slope < 0.5 and not wet and not canyon_top and not crowded


def _worth(land: Land, x: float, z: float, yaw: float) -> float:
    """Openness ahead, shape of the ground beyond, and water in view."""
    fan = [open_m(land, x, z, yaw + turn) for turn in (-0.35, 0.0, 0.35)]
    near = min(fan)
    px, pz = x + REACH * sin(yaw), z + REACH * cos(yaw)
    h = ground_heights(land, px, pz) - land.height(x, z)
    relief = float(np.abs(h[REACH > 25]).max())
    water = float((h + land.height(x, z) < 0).mean()) if not land.dry else 0.0
    if land.place == "forest":
        return min(near, 13.0) / 13 - min(sum(fan) / 3, 60.0) / 60 - 3 * water
    return min(near, 22.0) / 22 + min(sum(fan) / 3, 80.0) / 80 + min(relief, 14.0) / 14 + min(water, 0.3) * 2.5
