"""A person who walks on a terrain at 24 steps a second: inertia, gravity, and nobody walks through trees or into lakes;
and a boat. Knows nothing of drawing; the physical constants stand in physics.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import cos, exp, hypot, pi, sin

from model.worlds.physics import ARROW_RAD_S as ARROW_RAD_S
from model.worlds.physics import BOAT_SPEED_M_S
from model.worlds.physics import BODY_M as BODY_M
from model.worlds.physics import EYE_M as EYE_M
from model.worlds.physics import FRAME_S as FRAME_S
from model.worlds.physics import GRAVITY_M_S2 as GRAVITY_M_S2
from model.worlds.physics import INERTIA_S as INERTIA_S
from model.worlds.physics import JUMP_M_S as JUMP_M_S
from model.worlds.physics import PITCH_LIMIT as PITCH_LIMIT
from model.worlds.physics import RUN_M_S as RUN_M_S
from model.worlds.physics import STEEP as STEEP
from model.worlds.physics import WADE_M as WADE_M
from model.worlds.physics import WALK_M_S as WALK_M_S
from model.worlds.terrain import Terrain


@dataclass(frozen=True)
class Walk:
    """Eye at (x, y, z) metres; yaw, pitch in radians; velocity in the world's frame; on the ground or not."""

    x: float
    y: float
    z: float
    yaw: float
    pitch: float
    vx: float = 0.0
    vy: float = 0.0
    vz: float = 0.0
    ground: bool = True


@dataclass(frozen=True)
class Controls:
    """What the person does in one frame; look deltas in radians, right and up positive."""

    forward: bool = False
    back: bool = False
    left: bool = False
    right: bool = False
    look_up: bool = False
    look_down: bool = False
    look_left: bool = False
    look_right: bool = False
    jump: bool = False
    run: bool = False
    look_x: float = 0.0
    look_y: float = 0.0


def turn(yaw: float, pitch: float, c: Controls) -> tuple[float, float]:
    """The look after this frame: arrows turn at ARROW_RAD_S, deltas add."""
    arrow = ARROW_RAD_S * FRAME_S
    yaw += c.look_x + arrow * (c.look_right - c.look_left)
    pitch += c.look_y + arrow * (c.look_up - c.look_down)
    return yaw, max(-PITCH_LIMIT, min(PITCH_LIMIT, pitch))


def floor(terrain: Terrain, x: float, z: float) -> float:
    """Where feet stand at (x, z): the ground, or the bed of shallow water."""
    return terrain.height(x, z)


def free(terrain: Terrain, x: float, z: float) -> bool:
    """Whether somebody can stand at (x, z)."""
    if not terrain.dry and terrain.height(x, z) < -WADE_M:
        return False
    return not terrain.blocked(x, z, BODY_M)


def step(terrain: Terrain, walk: Walk, c: Controls) -> Walk:
    """One frame later. Blocked moves slide along the axis that is free, or stop."""
    yaw, pitch = turn(walk.yaw, walk.pitch, c)
    ahead, aside = c.forward - c.back, c.right - c.left
    norm = hypot(ahead, aside) or 1.0
    speed = RUN_M_S if c.run else WALK_M_S
    wish_x = speed * (ahead * sin(yaw) + aside * cos(yaw)) / norm
    wish_z = speed * (ahead * cos(yaw) - aside * sin(yaw)) / norm
    keep = exp(-FRAME_S / INERTIA_S) if walk.ground else 1.0
    vx, vz = wish_x + (walk.vx - wish_x) * keep, wish_z + (walk.vz - wish_z) * keep
    vy = walk.vy
    if walk.ground and c.jump:
        vy = JUMP_M_S

    gravity = terrain.gravity_m_s2
    here = floor(terrain, walk.x, walk.z)
    for way_x, way_z in ((vx, vz), (vx, 0.0), (0.0, vz), (0.0, 0.0)):
        x, z = walk.x + way_x * FRAME_S, walk.z + way_z * FRAME_S
        rise = floor(terrain, x, z) - here
        if (way_x, way_z) == (0.0, 0.0) or (
            free(terrain, x, z) and rise < STEEP * hypot(way_x, way_z) * FRAME_S + 1e-3
        ):
            break
    vx, vz = way_x, way_z
    lowest = floor(terrain, x, z) + EYE_M
    airborne = not walk.ground or (c.jump and vy > 0)
    y = walk.y + (vy - 0.5 * gravity * FRAME_S) * FRAME_S if airborne else lowest
    if y <= lowest:
        return replace(walk, x=x, y=lowest, z=z, yaw=yaw, pitch=pitch, vx=vx, vy=0.0, vz=vz, ground=True)
    if not airborne:
        return replace(walk, x=x, y=y, z=z, yaw=yaw, pitch=pitch, vx=vx, vy=0.0, vz=vz, ground=True)
    vy -= gravity * FRAME_S
    return replace(walk, x=x, y=y, z=z, yaw=yaw, pitch=pitch, vx=vx, vy=vy, vz=vz, ground=False)


def sail(terrain: Terrain, walk: Walk, c: Controls) -> Walk:
    """A boat goes on water by itself, slowly, and where it is steered; it does not run aground."""
    wish = 0.35 + 0.65 * c.forward - 0.35 * c.back
    yaw = walk.yaw + 0.5 * FRAME_S * (c.right - c.left) + 0.4 * c.look_x
    speed = hypot(walk.vx, walk.vz) + (wish * BOAT_SPEED_M_S - hypot(walk.vx, walk.vz)) * FRAME_S / 1.2
    vx, vz = speed * sin(yaw), speed * sin(yaw + pi / 2)
    x, z = walk.x + vx * FRAME_S, walk.z + vz * FRAME_S
    if terrain.height(x + 1.5 * sin(yaw), z + 1.5 * sin(yaw + pi / 2)) > -0.5:
        return replace(walk, yaw=yaw + 0.5 * FRAME_S, vx=vx * 0.9, vz=vz * 0.9)
    return Walk(x, EYE_M, z, yaw, walk.pitch, vx, 0.0, vz, True)
