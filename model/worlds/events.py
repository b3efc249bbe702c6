"""What can be asked to happen: where each event begins, how long it lasts and what is heard of it.
Knows one land and one moment of beginning; refuses to know who asked, and how it looks."""

from __future__ import annotations

from math import cos, sin

import numpy as np

from model.worlds.acts import Act
from model.worlds.bodies import Path, roll_down, throw
from model.worlds.happenings import Event
from model.worlds.lands import Land
from model.worlds.shows import SHELL_RISE_S, shells

LASTS_S = {
    "balloons": 14.0, "campfire": 12.0, "fireworks": 9.0, "tree": 10.0, "boulder": 9.0, "ball": 6.0,
    "lighthouse": 16.0, "rainbow": 12.0, "birds": 10.0,
}  # fmt: skip
AHEAD_M = {
    "balloons": 22.0, "campfire": 5.5, "fireworks": 70.0, "tree": 13.0, "boulder": 13.0, "ball": 4.0,
    "lighthouse": 55.0, "rainbow": 0.0, "birds": 26.0,
}  # fmt: skip
SEEN_AFTER_S = {"fireworks": 1.3, "lighthouse": 1.3, "tree": 1.5, "rainbow": 0.8}  # from its begin on; others at once
TOP_M = {
    "lighthouse": 15.0,
    "fireworks": 22.0,
    "balloons": 3.0,
    "tree": 1.5,
    "boulder": 1.6,
    "birds": 8.0,
}  # what is looked for
ASIDE_RAD = {"campfire": 0.30, "ball": 0.45, "tree": 0.26, "lighthouse": 0.20, "balloons": 0.08}  # beside who is there


def begin(name: str, land: Land, at: tuple[float, float], yaw: float, begin_s: float, seed: int) -> Act:
    """The event of this name, called by somebody at (x, z) who looks along `yaw`. Raises ValueError by name."""
    if name not in LASTS_S:
        raise ValueError(f"an event is one of {', '.join(LASTS_S)}; got {name!r}")
    rng = np.random.default_rng([seed, 11])
    x, z = _room(land, at, yaw + ASIDE_RAD.get(name, 0.0), AHEAD_M[name], name)
    y = land.height(x, z)
    frames = int(LASTS_S[name] * 24)
    path = None
    if name == "ball":
        speed = float(rng.uniform(1.6, 2.6))
        way = yaw + ASIDE_RAD[name]
        push = np.array([sin(way) * speed, float(rng.uniform(5.5, 7.0)), cos(way) * speed])
        path = throw(land, np.array([x, y + 1.5, z]), push, frames)
    if name == "boulder":
        path = _longest_roll(land, x, z, yaw, frames)
    event = Event(name, begin_s, begin_s + LASTS_S[name], x, y, z)
    return Act(event, land, seed, yaw, path, _noises(name, path, event, seed))


def _longest_roll(land: Land, x: float, z: float, yaw: float, frames: int) -> Path:
    """A boulder that crosses in front of (x, z), from the side from which it rolls farther."""
    paths = []
    for side in (-1.0, 1.0):
        across = (cos(yaw) * side, -sin(yaw) * side)
        start = (x - across[0] * 7, z - across[1] * 7)
        paths.append(roll_down(land, start, (across[0] * 3.2, across[1] * 3.2), frames))
    return max(paths, key=lambda path: float(path.rolled_m[-1]))


def _room(land: Land, at: tuple[float, float], yaw: float, ahead_m: float, name: str) -> tuple[float, float]:
    """A place about `ahead_m` away that is free and dry: nearer, farther or to a side where it has to be."""
    for turn in (0.0, 0.22, -0.22, 0.4, -0.4, 0.6, -0.6):
        for share in (1.0, 0.8, 1.25):
            x = at[0] + ahead_m * share * sin(yaw + turn)
            z = at[1] + ahead_m * share * cos(yaw + turn)
            dry = land.dry or land.height(x, z) > 0.25
            if name in ("rainbow", "birds", "fireworks") or (dry and not land.blocked(x, z, 1.2)):
                return x, z
    return at[0] + ahead_m * sin(yaw), at[1] + ahead_m * cos(yaw)


def _noises(
    name: str, path: Path | None, event: Event, seed: int
) -> tuple[tuple[float, str, float, float, float, float], ...]:
    if path is not None:
        return tuple((b.at_s, "bounce", *b.at, min(b.speed_m_s / 8, 1.0)) for b in path.bounces)
    if name == "fireworks":
        return tuple((s.age_s + SHELL_RISE_S, "burst", *s.at, 1.0) for s in shells(event, seed))
    return ()
