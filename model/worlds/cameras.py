"""How a scene is filmed: from the eyes, from behind on a spring arm, in orbit, from a drone, from the side; and the
moves that a director names. Knows poses and time; refuses to know what is filmed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import atan2, cos, exp, hypot, pi, sin

from configs.paths import vocabulary
from model.worlds.lands import Land
from model.worlds.physics import EYE_M, FRAME_S
from model.worlds.shots import SPAN, Camera

ARM_M = {"third": 3.7, "orbit": 4.6, "drone": 11.0, "side": 5.2}
AIM_M = {"third": 1.25, "orbit": 1.0, "drone": 0.8, "side": 1.0}
ORBIT_RAD_S = 0.35
ARM_S = 0.25  # the time constant of the spring arm
CLEAR_M = 0.55  # the camera stays this high above the ground
MOVE_S = 4.0  # a move's whole swing
ZOOM_TO = 0.42


@dataclass(frozen=True)
class Filmed:
    """Who or what is filmed: feet in world metres, where it looks and how fast the camera's `since_s` goes on."""

    x: float
    y: float
    z: float
    yaw: float
    pitch: float
    size: float = 1.0


@dataclass(frozen=True)
class Rig:
    """The camera between two frames: its pose, and for how long (s) it has been filming."""

    camera: Camera
    since_s: float = 0.0


def check(camera: str, move: str) -> None:
    """Raises ValueError on a name that the vocabulary does not have."""
    for kind, name in (("camera", camera), ("move", move)):
        if name not in vocabulary()[kind]:
            raise ValueError(f"a {kind} is one of {', '.join(vocabulary()[kind])}; got {name!r}")


def film(land: Land, rig: Rig | None, filmed: Filmed, camera: str, move: str = "none") -> Rig:
    """The camera one frame later (the first frame without a rig): where the kind of camera wants to be, through its
    spring arm, never below the ground nor in a wall; then the director's move."""
    check(camera, move)
    since = 0.0 if rig is None else rig.since_s + FRAME_S
    if camera == "first":
        pose = Camera(filmed.x, filmed.y + EYE_M * filmed.size, filmed.z, filmed.yaw, filmed.pitch)
        return Rig(pose if move == "none" else _moved(land, pose, filmed, move, since), since)
    yaw, pitch, arm = _wanted(filmed, camera, since)
    aim_y = filmed.y + AIM_M[camera] * filmed.size
    arm = _free_arm(land, filmed, aim_y, (yaw, pitch), arm)
    x, z = filmed.x - arm * sin(yaw) * cos(pitch), filmed.z - arm * cos(yaw) * cos(pitch)
    y = aim_y - arm * sin(pitch)
    if rig is not None and camera != "side" and move == "none":
        keep = exp(-FRAME_S / ARM_S)
        old = rig.camera
        x, y, z = x + (old.x - x) * keep, y + (old.y - y) * keep, z + (old.z - z) * keep
    y = max(y, _floor(land, x, z) + CLEAR_M)
    away = hypot(filmed.x - x, filmed.z - z)
    look = Camera(x, y, z, atan2(filmed.x - x, filmed.z - z), atan2(aim_y - y, max(away, 1e-3)))
    return Rig(look if move == "none" else _moved(land, look, filmed, move, since), since)


def _floor(land: Land, x: float, z: float) -> float:
    return land.height(x, z) if land.dry else max(land.height(x, z), 0.0)


def _wanted(filmed: Filmed, camera: str, since_s: float) -> tuple[float, float, float]:
    """The way from the camera to its aim (yaw, pitch), and its arm in metres."""
    arm = ARM_M[camera] * max(filmed.size, 0.55)
    if camera == "third":
        return filmed.yaw, min(filmed.pitch, 0.2) - 0.16, arm
    if camera == "orbit":
        return filmed.yaw + pi + 0.6 + ORBIT_RAD_S * since_s, -0.20, arm
    if camera == "drone":
        return filmed.yaw + 0.12 * sin(0.4 * since_s), -0.62, arm
    return filmed.yaw - pi / 2, -0.08, arm


def _free_arm(land: Land, filmed: Filmed, aim_y: float, way: tuple[float, float], arm: float) -> float:
    """The arm, shortened to where neither something solid nor branches are between."""
    steps = 14
    for k in range(3, steps + 1):
        m = arm * k / steps
        x, z = filmed.x - m * sin(way[0]) * cos(way[1]), filmed.z - m * cos(way[0]) * cos(way[1])
        y = aim_y - m * sin(way[1])
        ground = land.height(x, z)
        solid = y - ground < 7.0 and land.blocked(x, z, 0.25)
        if solid or y < ground - 1.0 or land.in_crown(x, y, z):
            return max(arm * (k - 1) / steps, 1.2)
    return arm


def _moved(land: Land, camera: Camera, filmed: Filmed, move: str, since_s: float) -> Camera:
    """The director's move on top of a pose: a smooth swing there and back, every 2 x MOVE_S."""
    u = 0.5 - 0.5 * cos(pi * since_s / MOVE_S)
    right = (cos(camera.yaw), -sin(camera.yaw))
    ahead = (sin(camera.yaw), cos(camera.yaw))
    made = camera
    if move == "pan":
        made = replace(camera, yaw=camera.yaw + 0.9 * (u - 0.5))
    elif move == "tilt":
        made = replace(camera, pitch=camera.pitch + 0.7 * (u - 0.35))
    elif move == "truck":
        made = replace(camera, x=camera.x + 5 * (u - 0.5) * right[0], z=camera.z + 5 * (u - 0.5) * right[1])
    elif move == "dolly":
        made = replace(camera, x=camera.x - 4 * (1 - u) * ahead[0], z=camera.z - 4 * (1 - u) * ahead[1])
    elif move == "pedestal":
        made = replace(camera, y=camera.y + 3.0 * u)
    elif move == "zoom":
        made = replace(camera, span=SPAN * ZOOM_TO**u)
    elif move == "roll":
        made = replace(camera, roll=0.8 * (u - 0.5))
    elif move == "crane":
        up = 7.0 * u
        made = replace(camera, y=camera.y + up, pitch=camera.pitch - atan2(up, 11.0))
    elif move == "dolly_zoom":
        aim = max(hypot(filmed.x - camera.x, filmed.z - camera.z), 6.0)
        back = 1.6 * aim * u  # what stands at `aim` keeps its size
        made = replace(
            camera, x=camera.x - back * ahead[0], z=camera.z - back * ahead[1], span=SPAN * aim / (aim + back)
        )
    return replace(made, y=max(made.y, _floor(land, made.x, made.z) + CLEAR_M))
