"""The grounds of all places of the vocabulary: what terrain.py has, with mesas, canyons, forests, streets and craters.
Knows heights and what stands on them; refuses to know of drawing and of time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from configs.paths import vocabulary
from model.worlds.terrain import (
    CACTUS,
    CELL_M,
    CELLS,
    NOISE_TEXELS,
    PINE,
    ROCK,
    ROUND,
    TEXELS,
    TILE_M,
    Array,
    Terrain,
    heights,
    octaves,
    scattered,
    smooth_noise,
    with_slopes,
)

HOUSE = 5
TOWN_CELLS = 17  # a town's square, in the middle of the tile
STOREY_M = 2.7


@dataclass(frozen=True)
class House:
    """Walls around (x, z), turned by a quarter or not: half sizes and heights in metres, a tint in [0, 1]."""

    x: float
    y: float
    z: float
    half_x: float
    half_z: float
    walls_m: float
    roof_m: float
    tint: float


@dataclass(frozen=True)
class Land(Terrain):
    """A terrain of any place of the vocabulary; its houses are solid to their walls."""

    houses: tuple[House, ...] = ()
    steepest: float = 1.0

    @cached_property
    def top_m(self) -> float:
        """How high the ground is at most."""
        return float(self.ground[..., 0].max())

    def blocked(self, x: float, z: float, margin_m: float) -> bool:
        """Whether a trunk, a rock or a wall is nearer than `margin_m` to (x, z)."""
        return super().blocked(x, z, margin_m) or self.in_house(x, z, margin_m)

    def in_house(self, x: float, z: float, margin_m: float) -> bool:
        """Whether a wall is nearer than `margin_m` to (x, z), or around it."""
        for house in self.houses:
            across, along = (abs((a + TILE_M / 2) % TILE_M - TILE_M / 2) for a in (x - house.x, z - house.z))
            if across < house.half_x + margin_m and along < house.half_z + margin_m:
                return True
        return False


def land(place: str, seed: int) -> Land:
    """The land of a place, a function of (place, seed) alone. Raises ValueError on an unknown place."""
    places = vocabulary()["place"]
    if place not in places:
        raise ValueError(f"a place is one of {', '.join(places)}; got {place!r}")
    if seed < 0:
        raise ValueError(f"a seed is a non-negative integer; got {seed}")
    rng = np.random.default_rng([seed, places.index(place), 7])
    h = np.asarray(_shape(place, rng), np.float32)
    tint = smooth_noise(rng, 24, TEXELS) * 0.5 + 0.5
    ground = with_slopes(h, tint)
    fine = np.stack([smooth_noise(rng, 256, NOISE_TEXELS) for _ in range(4)], -1) * 0.5 + 0.5
    cells = _growth(place, rng, ground)
    houses = _houses(cells, ground, rng) if place == "town" else ()
    steepest = float(np.percentile(np.hypot(ground[..., 1], ground[..., 2]), 99.5))
    return Land(place, ground, cells, fine.astype(np.float32), houses, steepest)


def _shape(place: str, rng: np.random.Generator) -> NDArray[np.floating]:
    if place in ("meadow", "mountains", "coast"):
        return heights(place, rng)
    if place == "desert":
        return _with_mesas(heights("desert", rng), rng)
    if place == "forest":
        h = 4.5 * octaves(rng, 5, 4, 0.42) + 3.0
        return np.where(h < 0.4, 0.4 + (h - 0.4) * 0.8, h)
    if place == "canyon":
        return _canyon(rng)
    if place == "town":
        return _streets(rng)
    return _craters(rng)


def smoothstep(low: float, high: float, x: NDArray[np.floating]) -> NDArray[np.floating]:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _with_mesas(dunes: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.floating]:
    where = octaves(rng, 5, 4, 0.4)
    foot, wall, cap = smoothstep(0.34, 0.52, where), smoothstep(0.50, 0.57, where), smoothstep(0.66, 0.72, where)
    table = 8.0 * foot + 12.0 * wall + 6.0 * cap + 0.5 * octaves(rng, 24, 3, 0.5)
    return dunes * (1 - 0.85 * foot) + foot * 2.0 + table * foot


def _canyon(rng: np.random.Generator) -> NDArray[np.floating]:
    """A river that winds between walls in terraces."""
    across = np.abs(octaves(rng, 3, 5, 0.40))
    floor = -1.3 + 3.2 * smoothstep(0.015, 0.075, across) + 3.0 * smoothstep(0.08, 0.24, across)
    walls = 11.0 * smoothstep(0.20, 0.245, across) + 2.0 * smoothstep(0.25, 0.33, across)
    walls += 10.0 * smoothstep(0.33, 0.37, across) + 4.0 * smoothstep(0.42, 0.62, across)
    return floor + walls + 0.35 * octaves(rng, 20, 4, 0.5)


def _streets(rng: np.random.Generator) -> NDArray[np.floating]:
    at = (np.arange(TEXELS) + 0.5) / TEXELS * TILE_M - TILE_M / 2
    away = np.maximum(np.abs(at)[:, None], np.abs(at)[None])
    hills = 9.0 * octaves(rng, 5, 4, 0.45) + 5.0
    gentle = 1.6 * octaves(rng, 3, 1, 0.5) + 3.0
    share = smoothstep(TOWN_CELLS * CELL_M / 2 + 4, TOWN_CELLS * CELL_M / 2 + 70, away)
    return gentle * (1 - share) + np.maximum(hills, 0.6) * share


def _craters(rng: np.random.Generator) -> NDArray[np.floating]:
    h = 3.5 * octaves(rng, 4, 3, 0.45) + 0.22 * octaves(rng, 32, 3, 0.5) + 6.0
    for _ in range(150):
        x, z = rng.uniform(0, TILE_M, 2)
        radius = float(np.exp(rng.uniform(np.log(2.0), np.log(42.0))))
        reach = int(2.0 * radius / TILE_M * TEXELS) + 2
        rows, columns = (np.arange(int(c / TILE_M * TEXELS) - reach, int(c / TILE_M * TEXELS) + reach) for c in (z, x))
        dz, dx = ((index + 0.5) / TEXELS * TILE_M - c for index, c in ((rows, z), (columns, x)))
        d = np.hypot(dz[:, None], dx[None]) / radius
        bowl = np.where(d < 1, d * d - 1, 0.0) * 0.32 * radius**0.92
        rim = np.exp(-(((d - 1.0) / 0.22) ** 2)) * 0.10 * radius**0.92
        h[np.ix_(rows % TEXELS, columns % TEXELS)] += np.maximum(bowl, -7.0) + rim
    return np.asarray(h)


def _growth(place: str, rng: np.random.Generator, ground: Array) -> Array:
    cells, chance, grove, h, steep = scattered(rng, ground, 0.33, 0.67)
    kind = np.zeros_like(h)
    spread = rng.uniform(0.72, 1.28, h.shape)
    if place == "forest":
        kind[(chance < 0.58 + 0.3 * grove) & (h > 1.0)] = PINE
        kind[(kind == PINE) & (grove + 0.5 * (chance - 0.5) < -0.12)] = ROUND
        kind[chance > 0.955] = ROCK
        tall = {PINE: 17.0, ROUND: 11.0, ROCK: 1.1}
    elif place == "canyon":
        kind[(chance < 0.26 + 0.3 * grove) & (h > 0.9) & (h < 7) & (steep < 0.5)] = ROUND
        kind[(chance > 0.91) & (steep < 0.7)] = ROCK
        kind[(chance > 0.86) & (chance < 0.91) & (h > 16) & (steep < 0.5)] = CACTUS
        tall = {ROUND: 4.2, ROCK: 1.5, CACTUS: 2.2}
    elif place == "moon":
        kind[chance > 0.90] = ROCK
        tall = {ROCK: 1.0}
    elif place == "desert":
        kind[(chance < 0.10) & (steep < 0.5)] = CACTUS
        kind[(chance > 0.94) & (steep < 0.8)] = ROCK
        tall = {CACTUS: 3.4, ROCK: 1.4}
    elif place == "mountains":
        kind[(chance < 0.34 + 0.45 * grove) & (h > 1.0) & (h < 17) & (steep < 0.65)] = PINE
        kind[(chance > 0.91) & (steep < 0.8) & (h > 0.3)] = ROCK
        tall = {PINE: 8.5, ROCK: 1.5}
    elif place == "coast":
        kind[(chance < 0.28 + 0.4 * grove) & (h > 1.6)] = ROUND
        kind[(chance > 0.93) & (h > -0.8)] = ROCK
        tall = {ROUND: 5.6, ROCK: 1.2}
    else:
        kind[(chance < 0.16 + 0.42 * np.clip(grove, 0, 1)) & (h > 1.2)] = ROUND
        kind[(kind == ROUND) & (grove > 0.25)] = PINE
        kind[(chance > 0.97) & (h > 1.0)] = ROCK
        tall = {ROUND: 6.6, PINE: 8.0, ROCK: 1.2}
    if place == "town":
        _plan(kind, chance, cells)
        tall[HOUSE] = 6.0
    size = np.zeros_like(h)
    for name, metres in tall.items():
        size[kind == name] = metres
    cells[..., 2] = size * np.where(kind == HOUSE, 1.0, spread)
    cells[..., 3] = kind
    return cells


def _plan(kind: NDArray[np.floating], chance: NDArray[np.floating], cells: Array) -> None:
    """Houses in the cells along streets; a square with a few trees in the middle."""
    first, half = CELLS // 2 - TOWN_CELLS // 2, TOWN_CELLS // 2
    for j in range(TOWN_CELLS):
        for i in range(TOWN_CELLS):
            row, column = first + j, first + i
            street = j % 3 == 2 or i % 5 == 4
            square = abs(j - half) <= 2 and abs(i - half) <= 2
            kind[row, column] = 0
            if square or street:
                if square and chance[row, column] < 0.16 and (abs(j - half), abs(i - half)) == (2, 2):
                    kind[row, column] = ROUND
            elif chance[row, column] < 0.86:
                kind[row, column] = HOUSE
                cells[row, column, :2] = 0.5
            elif chance[row, column] > 0.9:
                kind[row, column] = ROUND


def _houses(cells: Array, ground: Array, rng: np.random.Generator) -> tuple[House, ...]:
    built = []
    for j, i in np.argwhere(cells[..., 3] == HOUSE):
        x, z = (i + 0.5) * CELL_M, (j + 0.5) * CELL_M
        tx, tz = int(x / TILE_M * TEXELS), int(z / TILE_M * TEXELS)
        lowest = float(ground[tz - 6 : tz + 7, tx - 6 : tx + 7, 0].min())
        half_x, half_z = rng.uniform(2.7, 3.6, 2)
        walls = STOREY_M * float(rng.choice([1, 2, 2, 3])) + 0.4
        roof = float(rng.uniform(1.4, 2.4))
        built.append(House(x, lowest, z, float(half_x), float(half_z), walls, roof, float(rng.uniform())))
    return tuple(built)
