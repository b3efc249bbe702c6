"""The ground of a world as arrays baked from a seed: heights, slopes, and what grows where.
Knows nothing of drawing; the shader and the simulation read the same arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import hypot

import numpy as np
from numpy.typing import NDArray

from model.worlds.physics import gravity_m_s2

Array = NDArray[np.float32]
PLACES = ("meadow", "desert", "mountains", "coast")
DRY = ("desert", "moon")
TILE_M = 512.0
TEXELS = 1024
NOISE_TEXELS = 256
CELL_M = 8.0
CELLS = int(TILE_M / CELL_M)
KINDS = PINE, ROUND, CACTUS, ROCK = range(1, 5)
CROWN_RADIUS = 0.4  # of a tree's height, at most
TRUNK_RADIUS = {PINE: 0.05, ROUND: 0.06, CACTUS: 0.1, ROCK: 0.95}  # of the height


@dataclass(frozen=True)
class Terrain:
    """`ground` [1024,1024,4] (z, x; height m, dh/dx, dh/dz, tint), `cells` [64,64,4] (centre x, centre z in the
    cell, height m, kind), `noise` [256,256,4]. All periodic."""

    place: str
    ground: Array
    cells: Array
    noise: Array

    def height(self, x: float, z: float) -> float:
        """Height of the ground in metres at world metres (x, z), bilinear, as the shader samples it."""
        u, v = x / TILE_M * TEXELS - 0.5, z / TILE_M * TEXELS - 0.5
        i, j = int(np.floor(u)), int(np.floor(v))
        f, g = u - i, v - j
        h = self.ground[:, :, 0]
        i0, i1, j0, j1 = i % TEXELS, (i + 1) % TEXELS, j % TEXELS, (j + 1) % TEXELS
        low = h[j0, i0] * (1 - f) + h[j0, i1] * f
        high = h[j1, i0] * (1 - f) + h[j1, i1] * f
        return float(low * (1 - g) + high * g)

    @cached_property
    def plants(self) -> tuple[Array, Array, Array, Array]:
        """What grows: feet [N,3] in metres, heights [N], kinds [N], turns [N] in radians."""
        j, i = np.nonzero(self.cells[..., 2])
        cx, cz, size, kind = self.cells[j, i].T
        x, z = (i + cx) * CELL_M, (j + cz) * CELL_M
        feet = np.array([(a, self.height(a, b), b) for a, b in zip(x, z, strict=True)])
        return feet.reshape(-1, 3), size, kind, (cx + cz) * 40

    @property
    def dry(self) -> bool:
        """Whether there is no water, however low the ground."""
        return self.place in DRY

    @property
    def gravity_m_s2(self) -> float:
        """The acceleration of a free fall here."""
        return gravity_m_s2(self.place)

    def blocked(self, x: float, z: float, margin_m: float) -> bool:
        """Whether something solid is nearer than `margin_m` to (x, z)."""
        return not all(hypot(x - ox, z - oz) > r + margin_m for ox, oz, r in self.obstacles(x, z))

    def obstacles(self, x: float, z: float) -> list[tuple[float, float, float]]:
        """Solid circles (x, z, radius, in metres) in the cells around (x, z)."""
        return [(ox, oz, size * TRUNK_RADIUS.get(kind, 0.0)) for ox, oz, size, kind in self._around(x, z)]

    def in_crown(self, x: float, y: float, z: float) -> bool:
        """Whether a point lies among the branches of a tree."""
        for ox, oz, size, kind in self._around(x, z):
            away = hypot(x - ox, z - oz) / size
            if kind in (PINE, ROUND) and away < CROWN_RADIUS:
                up = (y - self.height(ox, oz)) / size
                if kind == PINE and 0.1 < up < 1 and away < 0.03 + 0.3 * (1 - up):
                    return True
                if kind == ROUND and hypot(away / CROWN_RADIUS, (up - 0.62) / 0.36) < 1:
                    return True
        return False

    def _around(self, x: float, z: float) -> list[tuple[float, float, float, int]]:
        """What grows in the cells around (x, z): its x, z and height in metres, and its kind."""
        i0, j0 = int(np.floor(x / CELL_M)), int(np.floor(z / CELL_M))
        found = []
        for j in range(j0 - 1, j0 + 2):
            for i in range(i0 - 1, i0 + 2):
                cx, cz, size, kind = self.cells[j % CELLS, i % CELLS]
                if size > 0:
                    found.append(((i + cx) * CELL_M, (j + cz) * CELL_M, float(size), int(kind)))
        return found


def smooth_noise(rng: np.random.Generator, period: int, texels: int) -> Array:
    """Periodic value noise in [-1, 1] with `period` lattice points, interpolated by a quintic, [texels, texels]."""
    lattice = rng.uniform(-1, 1, (period, period)).astype(np.float32)
    at = (np.arange(texels) + 0.5) / texels * period
    i = np.floor(at).astype(int)
    f = (at - i).astype(np.float32)
    w = f * f * f * (f * (f * 6 - 15) + 10)
    i0, i1 = i % period, (i + 1) % period
    rows = lattice[i0] * (1 - w[:, None]) + lattice[i1] * w[:, None]
    return np.asarray(rows[:, i0] * (1 - w) + rows[:, i1] * w, dtype=np.float32)


def octaves(rng: np.random.Generator, first: int, count: int, gain: float) -> Array:
    """Periodic noise [TEXELS, TEXELS]: `count` octaves from `first` lattice points on, each weaker by `gain`."""
    total = np.zeros((TEXELS, TEXELS), np.float32)
    for k in range(count):
        total += gain**k * smooth_noise(rng, first * 2**k, TEXELS)
    return total


def heights(place: str, rng: np.random.Generator) -> NDArray[np.floating]:
    """Metres above the water [TEXELS, TEXELS] of one of PLACES."""
    if place == "meadow":
        h = 6.5 * octaves(rng, 6, 4, 0.42) + 2.6
        return np.where(h < 0.5, 0.5 + (h - 0.5) * 0.7, h)
    if place == "desert":
        ridges = 1 - np.abs(octaves(rng, 9, 3, 0.4))
        return 5.0 * ridges**2 + 3.0 * octaves(rng, 4, 2, 0.5) + 4.0
    if place == "mountains":
        base = octaves(rng, 4, 3, 0.5)
        ridges = 1 - np.abs(octaves(rng, 7, 6, 0.48))
        rise = np.clip(base * 0.8 + 0.45, 0, None)
        return 30.0 * rise * (0.35 + 0.65 * np.clip(ridges, 0, None) ** 1.6) + 5.0 * base + 1.0
    h = 9.0 * octaves(rng, 5, 5, 0.42) - 0.6
    return np.where(h > 0, h * 0.85, h * 1.1)


def scattered(
    rng: np.random.Generator, ground: Array, low: float, high: float
) -> tuple[Array, NDArray[np.float64], Array, Array, Array]:
    """A place in each cell, its share of either side in [low, high), for what may grow there: the cells [CELLS, CELLS,
    4] with nothing in them yet; and chance, grove, height and steepness of each [CELLS, CELLS]."""
    cells = np.zeros((CELLS, CELLS, 4), np.float32)
    cells[..., :2] = rng.uniform(low, high, (CELLS, CELLS, 2))
    chance, grove = rng.uniform(size=(CELLS, CELLS)), smooth_noise(rng, 9, CELLS)
    j, i = np.mgrid[0:CELLS, 0:CELLS]
    tx = ((i + cells[..., 0]) * CELL_M / TILE_M * TEXELS).astype(int) % TEXELS
    tz = ((j + cells[..., 1]) * CELL_M / TILE_M * TEXELS).astype(int) % TEXELS
    return cells, chance, grove, ground[tz, tx, 0], np.hypot(ground[tz, tx, 1], ground[tz, tx, 2])


def _cells(place: str, rng: np.random.Generator, ground: Array) -> Array:
    cells, chance, grove, h, steep = scattered(rng, ground, 0.36, 0.64)
    kind, size = np.zeros_like(h), rng.uniform(0.75, 1.25, h.shape)
    if place == "meadow":
        grows = (chance < 0.16 + 0.42 * np.clip(grove, 0, 1)) & (h > 1.2)
        kind[grows] = np.where(grove[grows] > 0.25, PINE, ROUND)
        size *= np.where(kind == PINE, 7.5, 6.2)
    elif place == "desert":
        kind[chance < 0.14] = CACTUS
        kind[chance > 0.93] = ROCK
        size *= np.where(kind == ROCK, 1.3, 3.4)
    elif place == "mountains":
        kind[(chance < 0.30 + 0.4 * grove) & (h > 1.0) & (h < 17) & (steep < 0.65)] = PINE
        kind[(chance > 0.90) & (steep < 0.8) & (h > 0.3)] = ROCK
        size *= np.where(kind == ROCK, 1.5, 7.5)
    else:
        kind[(chance < 0.24 + 0.4 * grove) & (h > 1.6)] = ROUND
        kind[(chance > 0.93) & (h > -0.8)] = ROCK
        size *= np.where(kind == ROCK, 1.2, 5.4)
    cells[..., 2] = np.where(kind > 0, size, 0)
    cells[..., 3] = kind
    return cells


def bake(place: str, seed: int) -> Terrain:
    """The terrain of a place. A function of (place, seed) alone. Raises ValueError on an unknown place."""
    if place not in PLACES:
        raise ValueError(f"a place is one of {', '.join(PLACES)}; got {place!r}")
    if seed < 0:
        raise ValueError(f"a seed is a non-negative integer; got {seed}")
    rng = np.random.default_rng([seed, PLACES.index(place)])
    h = heights(place, rng).astype(np.float32)
    ground = with_slopes(h, smooth_noise(rng, 24, TEXELS) * 0.5 + 0.5)
    fine = np.stack([smooth_noise(rng, 256, NOISE_TEXELS) for _ in range(4)], -1) * 0.5 + 0.5
    return Terrain(place, ground, _cells(place, rng, ground), fine.astype(np.float32))


def with_slopes(h: Array, tint: Array) -> Array:
    """Heights and a tint [1024,1024] as a terrain's `ground`."""
    texel_m = TILE_M / TEXELS
    dx = (np.roll(h, -1, 1) - np.roll(h, 1, 1)) / (2 * texel_m)
    dz = (np.roll(h, -1, 0) - np.roll(h, 1, 0)) / (2 * texel_m)
    return np.stack([h, dx, dz, tint], -1).astype(np.float32)
