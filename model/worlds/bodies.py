"""Things that fly, bounce and roll over a land, followed step by step from their first push.
Knows gravity, restitution and slopes; refuses to know how they look."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import numpy as np
from numpy.typing import NDArray

from model.worlds.lands import Land
from model.worlds.physics import (
    BALL_FRICTION,
    BALL_RADIUS_M,
    BALL_RESTITUTION,
    BOULDER_RADIUS_M,
    FRAME_S,
    ROLLING_DRAG_1_S,
    ROLLING_SHARE,
)

Vector = NDArray[np.float64]
AT_REST_M_S = 0.35
TRUNKS_M, HOUSES_M = 2.5, 9.0  # above the ground, whatever is higher passes over


@dataclass(frozen=True)
class Bounce:
    """When (s since the throw), where (m), and how hard (m/s into the ground)."""

    at_s: float
    at: tuple[float, float, float]
    speed_m_s: float


@dataclass(frozen=True)
class Path:
    """Middles [T+1, 3] in metres at every 1/24 s, how far it has rolled [T+1] in metres, and the bounces."""

    at: Vector
    rolled_m: Vector
    bounces: tuple[Bounce, ...]

    def where(self, age_s: float) -> tuple[Vector, float]:
        """The middle and the rolled way at an age in seconds; at its end it stays."""
        last = len(self.at) - 1
        t = min(max(age_s / FRAME_S, 0.0), float(last))
        i = min(int(t), last - 1)
        share = t - i
        return self.at[i] * (1 - share) + self.at[i + 1] * share, float(
            self.rolled_m[i] * (1 - share) + self.rolled_m[i + 1] * share
        )


def _normal(land: Land, x: float, z: float) -> Vector:
    e = 0.25
    slope = [(land.height(x + e, z) - land.height(x - e, z)), (land.height(x, z + e) - land.height(x, z - e))]
    n = np.array([-slope[0] / (2 * e), 1.0, -slope[1] / (2 * e)])
    return n / float(np.linalg.norm(n))


def throw(land: Land, at: Vector, velocity: Vector, frames: int) -> Path:
    """A ball from `at` with a velocity in m/s. It falls by the land's gravity, bounces off the ground and off what is
    solid, and comes to rest. Free flight is exact; a bounce happens at the moment of contact."""
    p, v, gravity = np.array(at, float), np.array(velocity, float), land.gravity_m_s2
    ways, rolled, bounces = [p.copy()], [0.0], []
    resting = False
    for frame in range(frames):
        left, way = FRAME_S, 0.0
        for _ in range(4):
            if left <= 1e-9:
                break
            if resting:
                p, v, way = _roll(land, p, v, left, way)
                left = 0.0
                continue
            ahead = p + v * left - np.array([0, 0.5 * gravity * left * left, 0])
            if _hits(land, ahead) and not _hits(land, p):
                v = _off_solids(land, p, ahead, v)
                continue
            if ahead[1] - BALL_RADIUS_M > land.height(ahead[0], ahead[2]):
                p, v, left = ahead, v - np.array([0, gravity * left, 0]), 0.0
                continue
            part = _contact(land, p, v, left)
            p = p + v * part - np.array([0, 0.5 * gravity * part * part, 0])
            v = v - np.array([0, gravity * part, 0])
            left -= part
            n = _normal(land, p[0], p[2])
            into = -float(v @ n)
            if into < AT_REST_M_S:
                resting, v = True, v + n * max(into, 0.0)
                continue
            along = v + n * into
            v = along * BALL_FRICTION + n * into * BALL_RESTITUTION
            p[1] = max(p[1], land.height(p[0], p[2]) + BALL_RADIUS_M + 1e-4)
            bounces.append(Bounce(frame * FRAME_S + FRAME_S - left, (float(p[0]), float(p[1]), float(p[2])), into))
        ways.append(p.copy())
        rolled.append(rolled[-1] + way)
    return Path(np.array(ways), np.array(rolled), tuple(bounces))


def _contact(land: Land, p: Vector, v: Vector, most_s: float) -> float:
    low, high, gravity = 0.0, most_s, land.gravity_m_s2
    for _ in range(24):
        middle = (low + high) / 2
        q = p + v * middle - np.array([0, 0.5 * gravity * middle * middle, 0])
        if q[1] - BALL_RADIUS_M > land.height(q[0], q[2]):
            low = middle
        else:
            high = middle
    return low


def _hits(land: Land, at: Vector) -> bool:
    """Whether a ball at `at` touches a trunk, a rock or a house."""
    x, y, z = (float(part) for part in at)
    if y - land.height(x, z) < TRUNKS_M:
        return land.blocked(x, z, BALL_RADIUS_M)
    return y - land.height(x, z) < HOUSES_M and land.in_house(x, z, BALL_RADIUS_M)


def _off_solids(land: Land, p: Vector, ahead: Vector, v: Vector) -> Vector:
    """The velocity turned back along the axes on which the way is not free."""
    turned_x = _hits(land, np.array([ahead[0], p[1], p[2]]))
    turned_z = _hits(land, np.array([p[0], p[1], ahead[2]]))
    if not turned_x and not turned_z:
        turned_x = turned_z = True
    back = np.array([-1.0 if turned_x else 1.0, 1.0, -1.0 if turned_z else 1.0])
    return v * back * np.array([BALL_RESTITUTION, 1.0, BALL_RESTITUTION])


def _roll(land: Land, p: Vector, v: Vector, seconds: float, way: float) -> tuple[Vector, Vector, float]:
    n = _normal(land, p[0], p[2])
    pull = np.array([n[0] * n[1], 0, n[2] * n[1]]) * land.gravity_m_s2 * ROLLING_SHARE
    v = (np.array([v[0], 0, v[2]]) + pull * seconds) * np.exp(-1.6 * seconds)
    if hypot(v[0], v[2]) < 0.12:
        v = np.zeros(3)
    q = p + v * seconds
    if land.blocked(q[0], q[2], BALL_RADIUS_M):
        return p, np.zeros(3), way
    q[1] = land.height(q[0], q[2]) + BALL_RADIUS_M
    return q, v, way + hypot(v[0], v[2]) * seconds


def roll_down(land: Land, at: tuple[float, float], push: tuple[float, float], frames: int) -> Path:
    """A boulder from rest at (x, z), pushed at a speed in m/s: a rolling solid sphere is pulled by 5/7 of the slope."""
    x, z = at
    v = np.array([push[0], push[1]], float)
    ways, rolled = [np.array([x, land.height(x, z) + BOULDER_RADIUS_M * 0.85, z])], [0.0]
    for _ in range(frames):
        n = _normal(land, x, z)
        v = v + np.array([n[0] * n[1], n[2] * n[1]]) * land.gravity_m_s2 * ROLLING_SHARE * FRAME_S
        v = v * np.exp(-ROLLING_DRAG_1_S * FRAME_S)
        next_x, next_z = x + v[0] * FRAME_S, z + v[1] * FRAME_S
        if land.blocked(next_x, next_z, BOULDER_RADIUS_M * 0.8):
            v = v * -0.3
            next_x, next_z = x, z
        rolled.append(rolled[-1] + hypot(next_x - x, next_z - z))
        x, z = next_x, next_z
        ways.append(np.array([x, land.height(x, z) + BOULDER_RADIUS_M * 0.85, z]))
    return Path(np.array(ways), np.array(rolled), ())
