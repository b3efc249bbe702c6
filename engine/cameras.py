"""Cameras that nobody carries: one flies, one circles around what it looks at. Knows poses, hands, metres and from how
high a world can be seen; nothing of networks, pictures or walking."""

from __future__ import annotations

from collections.abc import Callable
from math import atan2, cos, hypot, inf, pi, sin

import torch
from torch import Tensor

from engine.messages import CAMERAS
from model.camera import project, within
from model.conditioning import control
from model.conditioning.state import WorldState, turned
from model.overlay import Known
from model.planes import GRID_HEIGHT, GRID_WIDTH, metres

FIRST, DRONE, ORBIT = CAMERAS
FLY_M_S, CIRCLE_M_S, RISE_M_S = 3.0, 2.0, 1.5
EASE = (
    0.12  # of the way to the speed that is asked for in a frame: a third of a second, as of something that has weight
)
REST_M_S = 0.03  # slower than this it hangs still, and so does its picture
CEILING_M = 6.0  # over the ground. The networks saw walkers' views only: from higher up, what they draw tears
LOWEST_M = 0.8
BRAKE_S = 0.5  # in which it comes to rest before a border
CLEAR_M = 1.5  # kept from what lies ahead
WINDOW = 6  # half-resolution pixels on either side of where it goes, of which the nearest tenth counts
NEAREST_M, FARTHEST_M = 2.5, 15.0  # from what is circled around
TURN_RAD_S = 0.7  # of a circle, however small

Below = Callable[[float, float], float | None]  # the ground's height in metres at (x, z), where it is known


def fly(now: WorldState, controls: Tensor, known: Known, below: Below) -> None:
    """One frame of a drone: it goes where it looks, sideways, up and down, and does not fly into what it sees."""
    x, y, z, was, pitch = now.pose
    yaw, pitch = control.look(was, pitch, controls)
    right, ahead, rise = _asked(controls)
    wanted = FLY_M_S * torch.tensor([right, ahead * sin(pitch), ahead * cos(pitch)])
    wanted[1] += RISE_M_S * rise
    velocity = _eased(turned(now.velocity, yaw - was), wanted)
    velocity *= _share(now.pose, yaw, velocity, known)
    _keep_height(now, velocity, below(x, z))
    across, up, along = _in_a_frame(velocity)
    c, s = cos(yaw), sin(yaw)
    now.pose = [x + across * c + along * s, y + up, z - across * s + along * c, yaw, pitch]
    now.velocity, now.ground = velocity, 0.0


class Orbit:
    """A camera that keeps what is in the middle of the picture there, and circles around it. Who turns the look chooses
    another middle."""

    def __init__(self) -> None:
        self._middle: list[float] | None = None

    def forget(self) -> None:
        """What is looked at next is circled around."""
        self._middle = None

    def circle(self, now: WorldState, controls: Tensor, known: Known, below: Below) -> None:
        """One frame of it: to the left and right around, nearer and farther, higher and lower."""
        x, y, z, yaw, pitch = now.pose
        looked = torch.cat([torch.zeros(len(control.HELD)), controls[len(control.HELD) :]])
        yaw, pitch = control.look(yaw, pitch, looked)
        now.pose, now.ground = [x, y, z, yaw, pitch], 0.0
        if self._middle is None or bool(looked.any()):
            self._middle = _before(now.pose, known)
        right, ahead, rise = _asked(controls)
        right = max(-1.0, min(1.0, right + float(controls[7] - controls[6])))
        rise = max(-1.0, min(1.0, rise + float(controls[4] - controls[5])))
        now.velocity = _eased(now.velocity, torch.tensor([CIRCLE_M_S * right, RISE_M_S * rise, FLY_M_S * ahead]))
        now.velocity *= _share(now.pose, yaw, now.velocity, known)
        _keep_height(now, now.velocity, below(x, z))
        if now.velocity.any():  # who rests sees the very same view
            now.pose = _around(self._middle, now)


def _around(middle: list[float], now: WorldState) -> list[float]:
    """The pose [5] a frame later of somebody who moves around a point [3] and looks at it."""
    x, y, z, yaw, _ = now.pose
    across, up, along = _in_a_frame(now.velocity)
    away_x, away_z = middle[0] - x, middle[2] - z
    far = max(NEAREST_M, min(max(FARTHEST_M, hypot(away_x, away_z)), hypot(away_x, away_z) - along))
    most = TURN_RAD_S / 24
    direction = atan2(away_x, away_z) - max(-most, min(most, across / far))
    yaw += (direction - yaw + pi) % (2 * pi) - pi
    y += up
    pitch = max(-control.PITCH_LIMIT, min(control.PITCH_LIMIT, atan2(middle[1] - y, far)))
    return [middle[0] - far * sin(yaw), y, middle[2] - far * cos(yaw), yaw, pitch]


def _before(pose: list[float], known: Known) -> list[float]:
    """The point [3] that the middle of a picture shows, neither too near nor too far to circle around."""
    x, y, z, yaw, pitch = pose
    far = min(FARTHEST_M, _distance_m(known, GRID_WIDTH // 2, GRID_HEIGHT // 2, 0.5))
    level = max(NEAREST_M, far * cos(pitch))
    return [x + level * sin(yaw), y + level * sin(pitch) / cos(pitch), z + level * cos(yaw)]


def _asked(controls: Tensor) -> tuple[float, float, float]:
    """To the right, ahead and up, of the buttons that are held; -1, 0 or 1 each."""
    forward, back, left, right = controls[:4].tolist()
    jump, run = controls[8:10].tolist()
    return right - left, forward - back, jump - run


def _eased(velocity: Tensor, wanted: Tensor) -> Tensor:
    velocity = torch.lerp(velocity, wanted, EASE)
    return torch.where(wanted.eq(0) & (velocity.abs() < REST_M_S), torch.zeros(3), velocity)


def _in_a_frame(velocity: Tensor) -> tuple[float, float, float]:
    right, up, ahead = (velocity / 24).tolist()
    return right, up, ahead


def _keep_height(now: WorldState, velocity: Tensor, below_m: float | None) -> None:
    """Changes how fast it rises or sinks so that it stays between the lowest and the highest over the ground."""
    if below_m is not None:
        now.floor_m += EASE * (below_m - now.floor_m)
    over = now.pose[1] - now.floor_m
    least = max(-RISE_M_S, min(FLY_M_S, (LOWEST_M - over) / BRAKE_S))
    most = max(-RISE_M_S, min(RISE_M_S, (CEILING_M - over) / BRAKE_S))
    up = max(least, min(most, float(velocity[1])))
    velocity[1] = up if abs(up) >= REST_M_S else 0.0


def _share(pose: list[float], yaw: float, velocity: Tensor, known: Known) -> float:
    """How much of its velocity [3] leaves it time to stop before what the last picture shows where it goes."""
    speed = float(velocity.norm())
    if speed == 0:
        return 1.0
    right, up, ahead = (velocity / speed).tolist()
    c, s = cos(yaw), sin(yaw)
    away = torch.tensor([right * c + ahead * s, up, -right * s + ahead * c]) * FARTHEST_M
    point = (torch.tensor(pose[:3]) + away)[None, :, None]
    seen = project(point, known.pose, GRID_HEIGHT, GRID_WIDTH)
    if not within(seen, GRID_HEIGHT, GRID_WIDTH).all():
        return 1.0
    clear_m = _distance_m(known, round(float(seen[0])), round(float(seen[1])), 0.1) - CLEAR_M
    return max(0.0, min(1.0, clear_m / (BRAKE_S * speed)))


def _distance_m(known: Known, column: int, row: int, quantile: float) -> float:
    """How far what a picture shows about a pixel is; inf for nothing."""
    rows = slice(max(0, row - WINDOW), row + WINDOW + 1)
    about = metres(known.planes)[0, rows, max(0, column - WINDOW) : column + WINDOW + 1]
    return float(about.flatten().quantile(quantile)) if about.numel() else inf
