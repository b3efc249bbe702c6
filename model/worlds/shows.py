"""How each event looks by its age: as solids, lights, sparks and shadows.
Knows one land and what began on it; refuses to know who asked and from where it is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, exp, pi, sin

import numpy as np

from model.worlds.acts import Act, Scene
from model.worlds.happenings import Event
from model.worlds.physics import (
    BALL_RADIUS_M,
    BALLOON_BUOYANCY_S,
    BALLOON_RISE_M_S,
    BOULDER_RADIUS_M,
    LIGHTHOUSE_TURN_S,
    SPARK_DRAG_1_S,
    WIND_M_S,
)
from model.worlds.solids import BOX, ELLIPSOID, TAPERED, Colour
from model.worlds.terrain import PINE, ROUND

BRIGHT: tuple[Colour, ...] = (
    (0.90, 0.16, 0.14), (0.98, 0.72, 0.10), (0.14, 0.45, 0.85), (0.20, 0.65, 0.30), (0.70, 0.22, 0.62),
)  # fmt: skip
SHELL_EVERY_S, SHELL_RISE_S, SHELL_SPARKS = 1.1, 1.0, 110
FLOCK, BIRD_PARTS = 15, 5  # birds, and solids of each


def _balloons(act: Act, age: float, scene: Scene) -> None:
    e, rng = act.event, np.random.default_rng([act.seed, 12])
    for k in range(7):
        side, depth, late = rng.uniform(-9, 9), rng.uniform(-6, 14), rng.uniform(0, 2.5)
        big = float(rng.uniform(0.9, 1.5))
        t = max(age - float(late), 0.0)
        rise = BALLOON_RISE_M_S * (t - BALLOON_BUOYANCY_S * (1 - exp(-t / BALLOON_BUOYANCY_S)))
        x, z = e.x + side + WIND_M_S[0] * 0.7 * t, e.z + depth + WIND_M_S[1] * t
        y = act.land.height(e.x + side, e.z + depth) + 1.9 * big + rise
        colour, other = BRIGHT[k % 5], BRIGHT[(k + 2) % 5]
        swing = 0.06 * sin(1.1 * age + k)
        scene.body.add(ELLIPSOID, (x, y + 1.1 * big, z), (1.05 * big, 1.2 * big, 1.05 * big), colour, material="cloth")
        scene.body.add(ELLIPSOID, (x, y + 1.1 * big, z), (1.07 * big, 0.34 * big, 1.07 * big), other, material="cloth")
        scene.body.add(TAPERED, (x, y - 0.02 * big, z), (0.22 * big, 0.32 * big, 0.72 * big), colour, material="cloth")
        basket = (x + swing, y - 1.0 * big, z)
        scene.body.add(BOX, basket, (0.26 * big, 0.22 * big, 0.26 * big), (0.45, 0.28, 0.14), material="cloth")
        for dx, dz in ((-1, -1), (1, 1), (-1, 1), (1, -1)):
            foot = (basket[0] + 0.24 * dx * big, basket[1] + 0.2 * big, z + 0.24 * dz * big)
            scene.body.limb(foot, (x + 0.3 * dx * big, y - 0.2 * big, z + 0.3 * dz * big), 0.022, (0.2, 0.16, 0.12))
        scene.body.shadow((x, y + 1.1 * big, z), 1.05 * big)
        if k < 2:
            scene.sparks.append((x, y - 0.5 * big, z, 0.4, 1.0, 0.6, 0.2, 0.35 * (0.6 + 0.4 * sin(9 * age + k))))


def _campfire(act: Act, age: float, scene: Scene) -> None:
    e, up = act.event, act.shown(age, 1.2)
    for k in range(6):
        a = k * pi / 3 + 0.3
        low = (e.x + 0.55 * cos(a), e.y + 0.08, e.z + 0.55 * sin(a))
        scene.body.limb(low, (e.x - 0.08 * cos(a), e.y + 0.42, e.z - 0.08 * sin(a)), 0.075, (0.22, 0.14, 0.09), "trunk")
    for k in range(9):
        a = k * 2 * pi / 9
        at = (e.x + 0.85 * cos(a), e.y + 0.06, e.z + 0.85 * sin(a))
        scene.body.add(ELLIPSOID, at, (0.17, 0.13, 0.15), (0.36, 0.35, 0.34), material="stone", turn=a * 3)
    flicker = 0.85 + 0.1 * sin(age * 11.0) + 0.07 * sin(age * 23.0 + 1)
    scene.fires.append((e.x, e.y + 0.7, e.z, 1.5 * up * flicker))
    rng = np.random.default_rng([act.seed, 13])
    for phase, rate, a, out in rng.uniform((0, 0.9, 0, 0.03), (1, 1.6, 2 * pi, 0.30), (46, 4)):
        life = (age * rate + phase) % 1.0
        r = out * (1 - 0.7 * life)
        x = e.x + r * cos(a) + 0.10 * life * sin(age * 5 + a * 3)
        warm = 0.75 - 0.5 * life
        size = (0.26 * (1 - life) + 0.05) * up
        scene.sparks.append(
            (x, e.y + 0.15 + 1.15 * life, e.z + r * sin(a), size, 1.0, warm, 0.22 * (1 - life), 0.42 * (1 - life) * up)
        )
    for phase, rate, a, out in rng.uniform((0, 0.25, 0, 0.1), (1, 0.5, 2 * pi, 0.7), (14, 4)):
        life = (age * rate + phase) % 1.0
        x, z = e.x + out * life * cos(a + 2 * life) + WIND_M_S[0] * 0.4 * life, e.z + out * life * sin(a + 2 * life)
        scene.sparks.append((x, e.y + 0.6 + 3.4 * life, z, 0.022, 1.0, 0.55, 0.15, 1.2 * (1 - life) * up))


@dataclass(frozen=True)
class Shell:
    """Rises from `age_s` on, and bursts SHELL_RISE_S later `at` x, y, z in metres."""

    age_s: float
    at: tuple[float, float, float]
    colour: Colour


def shells(event: Event, seed: int) -> list[Shell]:
    """Those of a display of fireworks, in the order in which they rise."""
    rng = np.random.default_rng([seed, 14])
    count = int((event.end_s - event.begin_s - 3.0) / SHELL_EVERY_S * 2)
    shells = []
    for k in range(count):
        dx, dy, dz = rng.uniform((-26, 15, -14), (26, 31, 14))
        tone = BRIGHT[int(rng.integers(5))]
        at = (float(event.x + dx), float(event.y + dy), float(event.z + dz))
        shells.append(Shell(k * SHELL_EVERY_S / 2, at, tone))
    return shells


def _fireworks(act: Act, age: float, scene: Scene) -> None:
    gravity = act.land.gravity_m_s2
    flash = np.zeros(4)
    for number, shell in enumerate(shells(act.event, act.seed)):
        t = age - shell.age_s - SHELL_RISE_S
        if -SHELL_RISE_S < t < 0:
            share = 1 + t / SHELL_RISE_S
            for back in range(5):
                up = max(share - 0.03 * back, 0.0)
                y = act.event.y + (shell.at[1] - act.event.y) * (1 - (1 - up) ** 2)
                scene.sparks.append((shell.at[0], y, shell.at[2], 0.22, 1.0, 0.8, 0.5, 0.9 - 0.17 * back))
        elif 0 <= t < 2.4:
            rng = np.random.default_rng([act.seed, 15, number])
            ways = rng.normal(size=(SHELL_SPARKS, 3))
            ways *= (rng.uniform(11, 15, (SHELL_SPARKS, 1))) / np.linalg.norm(ways, axis=1, keepdims=True)
            fade = exp(-1.3 * t) * min(1.0, (2.4 - t) / 0.8)
            for trail in range(3):
                tt = max(t - 0.05 * trail, 0.0)
                glide = (1 - exp(-SPARK_DRAG_1_S * tt)) / SPARK_DRAG_1_S
                places = np.array(shell.at) + ways * glide - np.array([0, 0.5 * gravity * tt * tt * 0.45, 0])
                strong = fade * (2.6 - 0.75 * trail)
                tones = np.array([*(0.35 + 0.75 * np.array(shell.colour)), strong])
                rows = np.column_stack([places, np.full(SHELL_SPARKS, 0.32), np.tile(tones, (SHELL_SPARKS, 1))])
                scene.sparks.extend(map(tuple, rows))
            flash += np.array([*shell.colour, 1.0]) * exp(-3.5 * t)
    red, green, blue = (float(part) for part in flash[:3] / max(float(flash[3]), 1e-6))
    scene.burst = (red, green, blue, min(float(flash[3]), 1.5) * 0.15)


def _tree(act: Act, age: float, scene: Scene) -> None:
    e = act.event
    kind = PINE if act.seed % 2 else ROUND
    left = e.end_s - e.begin_s - age
    share = min(age / 6.0, 1.0)
    grown = (share * share * (3 - 2 * share)) * min(1.0, max(left, 0.0) / 0.6 + 0.4 * (left > 0.0))
    scene.saplings.append((e.x, e.y - 0.05, e.z, 0.4 + 7.4 * grown, float(act.seed % 7), float(kind)))


def _boulder(act: Act, age: float, scene: Scene) -> None:
    assert act.path is not None
    at, rolled = act.path.where(age)
    a = rolled / BOULDER_RADIUS_M
    r = BOULDER_RADIUS_M
    ahead, _ = act.path.where(age + 0.3)
    way = ahead - at
    turn = float(np.arctan2(way[0], way[2])) if np.hypot(way[0], way[2]) > 1e-3 else 0.0
    scene.body.add(ELLIPSOID, at, (r, r * 0.93, r * 0.97), (0.42, 0.39, 0.36), material="rock", turn=turn)
    for k in range(7):  # lumps that turn with it
        b, c = a + k * 2.4, 0.8 * sin(k * 1.7)
        ring = cos(c)
        spot = np.array([sin(turn) * cos(b), 0, cos(turn) * cos(b)]) * ring + np.array([0, -sin(b) * ring, 0])
        spot += np.array([cos(turn), 0, -sin(turn)]) * sin(c)
        scene.body.add(ELLIPSOID, at + spot * r * 0.62, (0.5 * r,) * 3, (0.37, 0.34, 0.31), material="rock")
    scene.body.shadow(at, r)


def _ball(act: Act, age: float, scene: Scene) -> None:
    assert act.path is not None
    at, rolled = act.path.where(age)
    scene.body.add(ELLIPSOID, at, (BALL_RADIUS_M,) * 3, (0.92, 0.20, 0.12))
    a = age * 5 + rolled / BALL_RADIUS_M
    for k in range(2):
        spot = np.array([cos(a + pi * k), sin(a + pi * k), 0.35]) * BALL_RADIUS_M * 0.62
        scene.body.add(ELLIPSOID, at + spot, (BALL_RADIUS_M * 0.46,) * 3, (0.97, 0.94, 0.86))
    scene.body.shadow(at, BALL_RADIUS_M)


def _lighthouse(act: Act, age: float, scene: Scene) -> None:
    e = act.event
    up = act.shown(age, 1.5)
    sunk = 19.0 * (1 - up * up * (3 - 2 * up))  # it rises out of the ground and goes back into it
    base = e.y - 1.0 - sunk
    for k in range(5):
        low, high = 2.5 - 0.25 * k, 2.5 - 0.25 * (k + 1)
        tone: Colour = (0.93, 0.91, 0.86) if k % 2 == 0 else (0.76, 0.14, 0.12)
        scene.body.add(TAPERED, (e.x, base + 1.5 + 3.0 * k, e.z), (low, 1.5, high), tone, material="stone")
    scene.body.add(TAPERED, (e.x, base + 15.2, e.z), (1.9, 0.2, 1.9), (0.25, 0.25, 0.28), material="stone")
    scene.body.add(TAPERED, (e.x, base + 16.2, e.z), (0.85, 0.85, 0.85), (1.0, 0.86, 0.5), material="window", light=0.9)
    scene.body.add(TAPERED, (e.x, base + 17.6, e.z), (1.25, 0.55, 0.08), (0.70, 0.13, 0.11), material="stone")
    for k in range(3):
        scene.body.shadow((e.x, base + 3 + 5 * k, e.z), 2.4 - 0.3 * k)
    if sunk < 0.5:
        turn = 2 * pi * age / LIGHTHOUSE_TURN_S
        scene.lamp = (e.x, base + 16.2, e.z, turn)
        scene.sparks.append((e.x, base + 16.2, e.z, 1.5, 1.0, 0.9, 0.65, 0.55))


def _rainbow(act: Act, age: float, scene: Scene) -> None:
    scene.rainbow = act.shown(age, 1.5)


def _birds(act: Act, age: float, scene: Scene) -> None:
    e, rng = act.event, np.random.default_rng([act.seed, 16])
    a = float(rng.uniform(-0.5, 0.5)) + act.yaw + pi / 2
    way, side = np.array([sin(a), 0, cos(a)]), np.array([cos(a), 0, -sin(a)])
    for k in range(FLOCK):
        row = (k + 1) // 2 * (1 if k % 2 else -1)
        at = np.array([e.x, e.y + 7.5 + 0.6 * sin(age + k), e.z]) + way * (6.5 * (age - 3.0) - 1.5 * abs(row))
        at = at + side * (1.7 * row) + rng.uniform(-0.4, 0.4, 3)
        flap = 0.55 * sin(9.0 * age + 1.3 * k)
        scene.body.limb(at - way * 0.28, at + way * 0.30, 0.09, (0.20, 0.20, 0.23))
        for s in (-1, 1):
            elbow = at + side * s * 0.42 + np.array([0, 0.42 * flap, 0])
            scene.body.limb(at, elbow, 0.06, (0.27, 0.27, 0.30))
            scene.body.limb(
                elbow, elbow + side * s * 0.46 - way * 0.14 - np.array([0, 0.20 * flap, 0]), 0.04, (0.2, 0.2, 0.23)
            )


SHOWS: dict[str, Callable[[Act, float, Scene], None]] = {
    "balloons": _balloons, "campfire": _campfire, "fireworks": _fireworks, "tree": _tree, "boulder": _boulder,
    "ball": _ball, "lighthouse": _lighthouse, "rainbow": _rainbow, "birds": _birds,
}  # fmt: skip


def show(act: Act, at_s: float, scene: Scene) -> None:
    """Adds what it looks like at a second of the film; nothing before its begin and after its end."""
    if act.event.active(at_s):
        SHOWS[act.event.name](act, at_s - act.event.begin_s, scene)
