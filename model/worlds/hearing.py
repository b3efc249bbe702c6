"""What sounds where somebody is: the ground under feet, wind, and how far fire and waves are.
Knows a land, a sky and a place in it; refuses to know how anything sounds."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot

import numpy as np

from model.worlds.happenings import Event
from model.worlds.lands import Land
from model.worlds.terrain import TEXELS, TILE_M
from model.worlds.walker import Walk
from model.worlds.weather import Sky, nightly

WAVES_M = 120.0
BIRDS_A_S = {"meadow": 0.55, "forest": 0.8, "mountains": 0.2, "coast": 0.1, "canyon": 0.1, "town": 0.3}
GULLS_A_S = {"coast": 0.2}
CRICKETS = {"meadow": 1.0, "forest": 0.8, "desert": 0.7, "canyon": 0.6, "coast": 0.4, "town": 0.4}


def underfoot(land: Land, walk: Walk, sky: Sky) -> str:
    """What feet at a walk's place tread on: one of happenings.GROUNDS."""
    h = land.height(walk.x, walk.z)
    if not land.dry and h < -0.02:
        return "water"
    if sky.cover > 0.5:
        return "snow"
    if land.place == "town":
        half = 68.5
        inside = max(abs(walk.x % TILE_M - TILE_M / 2), abs(walk.z % TILE_M - TILE_M / 2)) < half
        return "stone" if inside else "grass"
    if land.place in ("desert", "canyon") or (land.place == "coast" and h < 1.6):
        return "sand"
    return {"mountains": "rock", "moon": "dust"}.get(land.place, "grass")


def wind(land: Land, sky: Sky, storm: float) -> float:
    """Its strength in [0, 1]; none without air."""
    return 0.0 if land.place == "moon" else min(1.0, 0.15 + 0.25 * sky.cloud + 0.3 * sky.snow + 0.5 * storm)


def animals(land: Land, sky: Sky, storm: float) -> tuple[float, float, float]:
    """Birds and gulls by day (times a second) and crickets by night (a strength in [0, 1]), where it is dry."""
    dry = float(np.clip(1 - 1.5 * max(sky.rain, storm) - 1.5 * sky.snow - sky.cover, 0, 1))
    night = float(nightly(sky.tod))
    birds, gulls = (rate.get(land.place, 0.0) * dry * (1 - night) for rate in (BIRDS_A_S, GULLS_A_S))
    return birds, gulls, CRICKETS.get(land.place, 0.0) * dry * night


def fire_m(going: Sequence[Event], walk: Walk) -> float:
    """Metres to the nearest campfire; infinite where there is none."""
    fires = [event for event in going if event.name == "campfire"]
    return min((hypot(walk.x - e.x, walk.z - e.z) for e in fires), default=float("inf"))


def waves_m(land: Land, walk: Walk) -> float:
    """Metres to the nearest water of a coast, at most WAVES_M; infinite elsewhere."""
    if land.place != "coast":
        return float("inf")
    rows, columns = np.nonzero(land.ground[::8, ::8, 0] < 0)
    if not len(rows):
        return float("inf")
    cell = 8 * TILE_M / TEXELS
    dx, dz = ((c * cell - a + TILE_M / 2) % TILE_M - TILE_M / 2 for c, a in ((columns, walk.x), (rows, walk.z)))
    return float(min(np.hypot(dx, dz).min(), WAVES_M))
