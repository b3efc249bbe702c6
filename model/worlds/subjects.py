"""The ones who act: an explorer, a fox, a boat, posed limb by limb from what they do and how far they have gone.
Knows joints and gaits; refuses to know why somebody moves, and where the camera is."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from model.worlds.physics import RUN_STRIDE_M, WALK_STRIDE_M
from model.worlds.solids import BOX, ELLIPSOID, TAPERED, Body, Colour

COAT: Colour = (0.78, 0.16, 0.10)
TROUSERS: Colour = (0.16, 0.19, 0.30)
BOOTS: Colour = (0.20, 0.12, 0.07)
SKIN: Colour = (0.80, 0.56, 0.42)
HAT: Colour = (0.86, 0.74, 0.46)
PACK: Colour = (0.36, 0.40, 0.20)
FUR: Colour = (0.82, 0.36, 0.09)
CREAM: Colour = (0.95, 0.90, 0.82)
DARK: Colour = (0.13, 0.09, 0.08)
HULL: Colour = (0.62, 0.14, 0.10)
PLANK: Colour = (0.52, 0.33, 0.17)
SAIL: Colour = (0.95, 0.92, 0.84)
HIP_M, LEG_M = 0.92, 0.425
STANCE = 0.6  # the share of a step's turn in which a foot is on the ground


@dataclass(frozen=True)
class Pose:
    """Where the feet are (x, y, z of the ground below, metres), which way the body looks (radians), what it does, for
    how long (s), how far its gait has turned (turns; a foot falls at every half), how fast it goes, and how high its
    feet are above the ground."""

    x: float
    y: float
    z: float
    heading: float
    action: str = "idle"
    since_s: float = 0.0
    gait: float = 0.0
    speed_m_s: float = 0.0
    air_m: float = 0.0


def stride_m(speed_m_s: float) -> float:
    """From one foot's fall to the other's."""
    return WALK_STRIDE_M if speed_m_s < 4.2 else RUN_STRIDE_M


def foot(pose: Pose, side: int) -> tuple[float, float]:
    """One foot of a walking explorer relative to the hips' ground point: ahead and up in metres. While it stands it
    stays where it is in the world; it falls where `gait` passes a half turn (left: whole, right: half)."""
    turn = (pose.gait + 0.5 * (side > 0)) % 1.0
    reach = stride_m(pose.speed_m_s) * 2 * STANCE
    if turn < STANCE:
        return reach * (0.5 - turn / STANCE), 0.0
    swing = (turn - STANCE) / (1 - STANCE)
    lift = (0.13 if pose.speed_m_s < 4.2 else 0.32) * sin(pi * swing)
    return reach * (swing - 0.5), lift


class _Frame:
    """A body's own axes: right, up and ahead, as points in the world."""

    def __init__(self, pose: Pose, lean: float = 0.0, rise: float = 0.0) -> None:
        self.base = np.array([pose.x, pose.y + pose.air_m + rise, pose.z])
        self.right = np.array([cos(pose.heading), 0.0, -sin(pose.heading)])
        self.ahead = np.array([sin(pose.heading), 0.0, cos(pose.heading)])
        self.lean = lean

    def at(self, right: float, up: float, ahead: float) -> NDArray[np.float64]:
        forward = ahead + self.lean * max(up - HIP_M, 0.0)
        return self.base + self.right * right + self.ahead * forward + np.array([0, up, 0])


def _joint(hip: NDArray[np.float64], end: NDArray[np.float64], bend: NDArray[np.float64]) -> NDArray[np.float64]:
    """The knee or elbow between two ends, on the side of `bend`, both bones LEG_M long."""
    half = (end - hip) / 2
    reach = float(np.linalg.norm(half))
    side = (max(LEG_M * LEG_M - reach * reach, 0.0)) ** 0.5
    axis = bend - half * float(bend @ half) / max(reach * reach, 1e-6)
    return np.asarray(hip + half + axis / max(float(np.linalg.norm(axis)), 1e-6) * side)


def explorer(body: Body, pose: Pose) -> None:
    """The explorer in a red coat, with a hat and a pack."""
    swing, beat = pose.gait * 2 * pi, pose.since_s * 2 * pi * 1.7
    moving = pose.action in ("walk", "run")
    lean = 0.28 if pose.action == "run" else 0.08 if moving else 0.0
    sitting, dancing = pose.action == "sit", pose.action == "dance"
    settle = min(pose.since_s / 0.5, 1.0)
    drop = 0.73 * settle if sitting else 0.06 + 0.04 * cos(2 * beat) if dancing else 0.02
    bob = 0.03 * cos(2 * swing) if moving else 0.012 * sin(pose.since_s * 1.8)
    frame = _Frame(pose, lean)
    hips = HIP_M - drop + bob
    sway = 0.09 * sin(beat) if dancing else 0.03 * sin(swing) if moving else 0.0
    for side in (-1, 1):
        hip = frame.at(0.11 * side + sway, hips, 0.0)
        ahead, lift = foot(pose, side) if moving else (0.06 * side * (not sitting), 0.0)
        if pose.air_m > 0.02:
            ahead, lift = 0.22 * side, 0.10 + 0.1 * (side > 0)
        if sitting:
            ahead = 0.10 + 0.52 * settle
        if dancing:
            lift = max(0.0, 0.28 * sin(beat + pi * (side > 0)))
        sole = frame.at(0.12 * side + (0.06 * side if dancing else 0), 0.08 + lift, ahead)
        knee = _joint(hip, sole, frame.ahead + np.array([0, 0.35, 0]))
        body.limb(hip, knee, 0.092, TROUSERS)
        body.limb(knee, sole, 0.075, TROUSERS)
        body.limb(sole - np.array([0, 0.01, 0]), sole + frame.ahead * 0.14 - np.array([0, 0.02, 0]), 0.062, BOOTS)
    _trunk(body, frame, hips, sway)
    _arms(body, frame, pose, hips, sway)


def _trunk(body: Body, frame: _Frame, hips: float, sway: float) -> None:
    low, high = frame.at(sway, hips + 0.06, 0.0), frame.at(sway * 0.4, hips + 0.44, 0.0)
    body.limb(low, high, 0.165, COAT)
    body.limb(frame.at(sway * 0.4 - 0.13, hips + 0.47, 0), frame.at(sway * 0.4 + 0.13, hips + 0.47, 0), 0.095, COAT)
    pack = frame.at(sway * 0.5, hips + 0.30, -0.23)
    turn = atan2(frame.ahead[0], frame.ahead[2])
    body.add(ELLIPSOID, pack, (0.17, 0.25, 0.13), PACK, turn=turn)
    body.limb(frame.at(sway * 0.5 - 0.17, hips + 0.56, -0.21), frame.at(sway * 0.5 + 0.17, hips + 0.56, -0.21), 0.06,
              (0.55, 0.52, 0.44))  # fmt: skip
    head = frame.at(sway * 0.3, hips + 0.70, 0.02)
    body.add(ELLIPSOID, head, (0.105, 0.13, 0.115), SKIN, turn=turn)
    body.add(ELLIPSOID, head + np.array([0, 0.085, 0]), (0.24, 0.022, 0.24), HAT, material="cloth")
    body.add(TAPERED, head + np.array([0, 0.15, 0]), (0.125, 0.07, 0.095), HAT, material="cloth")
    body.shadow(low, 0.24)
    body.shadow(high, 0.27)
    body.shadow(head, 0.17)
    body.shadow(frame.at(sway, hips * 0.5, 0.0), 0.20)


def _arms(body: Body, frame: _Frame, pose: Pose, hips: float, sway: float) -> None:
    beat = pose.since_s * 2 * pi * 1.7
    for side in (-1, 1):
        shoulder = frame.at(0.20 * side + sway * 0.4, hips + 0.46, 0.0)
        swing = sin(pose.gait * 2 * pi + pi * (side < 0)) * (0.34 if pose.action == "run" else 0.24)
        hand = frame.at(0.27 * side, hips - 0.06, swing if pose.action in ("walk", "run") else 0.06)
        if pose.action == "run":
            hand = frame.at(0.22 * side, hips + 0.22, 0.16 + swing)
        if pose.action == "wave" and side > 0:
            hand = frame.at(0.34 + 0.16 * sin(pose.since_s * 9), hips + 1.02, 0.08)
        if pose.action == "dance":
            hand = frame.at(0.44 * side, hips + 0.62 + 0.30 * sin(beat + side), 0.18)
        if pose.action == "sit":
            hand = frame.at(0.15 * side, hips + 0.14, 0.34)
        if pose.air_m > 0.02:
            hand = frame.at(0.5 * side, hips + 0.55, 0.15)
        away = hand - shoulder
        reach = float(np.linalg.norm(away))
        hand = shoulder + away * min(1.0, 0.62 / max(reach, 1e-6))
        elbow = shoulder + (hand - shoulder) * 0.5 + (-frame.ahead * 0.10 + frame.right * side * 0.07)
        body.limb(shoulder, elbow, 0.068, COAT)
        body.limb(elbow, hand, 0.058, COAT)
        body.add(ELLIPSOID, hand, (0.06, 0.06, 0.06), SKIN)


def fox(body: Body, pose: Pose) -> None:
    """A red fox with a white-tipped brush."""
    moving = pose.action in ("walk", "run")
    swing = pose.gait * 2 * pi
    sitting = pose.action == "sit"
    hop = 0.05 * abs(sin(pose.since_s * 8)) if pose.action == "dance" else 0.03 * sin(2 * swing) * moving
    frame = _Frame(pose, 0.0, hop)
    rear = 0.20 if sitting else 0.36
    front = 0.40 if sitting else 0.37
    for side in (-1, 1):
        for end, phase, hip in ((0.24, 0.0, front), (-0.24, pi, rear)):
            stride = (0.24 if pose.action == "run" else 0.15) * moving
            turn = swing + phase + pi * (side > 0)
            lifted = pose.action == "wave" and side > 0 and end > 0
            lift = 0.26 + 0.05 * sin(pose.since_s * 9) if lifted else 0.06 * max(sin(turn), 0.0) * moving
            paw = frame.at(
                0.075 * side, 0.03 + lift, end + stride * cos(turn) + 0.12 * lifted + 0.1 * (sitting and end < 0)
            )
            top = frame.at(0.075 * side, hip, end)
            body.limb(top, (top + paw) / 2, 0.048, FUR)
            body.limb((top + paw) / 2, paw, 0.036, DARK)
    chest, rump = frame.at(0, front + 0.06, 0.22), frame.at(0, rear + 0.06, -0.24)
    body.limb(rump, chest, 0.125, FUR)
    body.add(ELLIPSOID, frame.at(0, front + 0.02, 0.30), (0.085, 0.11, 0.085), CREAM)
    head = frame.at(0.02 * sin(pose.since_s * 1.3), front + 0.24, 0.42)
    body.limb(chest, head, 0.085, FUR)
    body.add(ELLIPSOID, head, (0.10, 0.095, 0.10), FUR)
    body.limb(head + frame.ahead * 0.06 - np.array([0, 0.03, 0]), head + frame.ahead * 0.20 - np.array([0, 0.05, 0]),
              0.038, CREAM)  # fmt: skip
    body.add(ELLIPSOID, head + frame.ahead * 0.235 - np.array([0, 0.04, 0]), (0.022, 0.02, 0.022), DARK)
    for side in (-1, 1):
        ear = head + frame.right * side * 0.062 + np.array([0, 0.08, 0])
        body.limb(ear, ear + frame.right * side * 0.018 + np.array([0, 0.075, 0]), 0.026, DARK)
    wag = 0.10 * sin(pose.since_s * 3 + swing)
    middle, tip = frame.at(wag * 0.6, rear - 0.02, -0.52), frame.at(wag, rear + 0.02, -0.80)
    body.limb(rump, middle, 0.06, FUR)
    body.limb(middle, tip, 0.082, FUR)
    body.add(ELLIPSOID, tip, (0.075, 0.075, 0.075), CREAM)
    body.shadow(chest, 0.17)
    body.shadow(rump, 0.17)
    body.shadow(head, 0.12)


def boat(body: Body, pose: Pose) -> None:
    """A small sailing boat; it rolls and pitches with the swell."""
    roll, pitch = 0.05 * sin(pose.since_s * 1.3), 0.03 * sin(pose.since_s * 0.9 + 1)
    frame = _Frame(pose, 0.0, 0.06 * sin(pose.since_s * 1.1))
    heel = lambda right, up, ahead: frame.at(right + roll * up * 2, up - roll * right + pitch * ahead, ahead)  # noqa: E731
    turn = pose.heading
    for k in range(-4, 5):
        wide = 0.72 * (1 - (abs(k) / 5.2) ** 2.2)
        at = heel(0, 0.16 + 0.012 * k * k, 0.42 * k)
        body.add(ELLIPSOID, at, (wide, 0.40, 0.40), HULL, turn=turn, material="cloth")
        body.add(
            BOX, at + np.array([0, 0.33, 0]), (max(wide - 0.10, 0.08), 0.05, 0.22), PLANK, turn=turn, material="cloth"
        )
    body.limb(heel(0, 0.4, 0.35), heel(0, 4.6, 0.25), 0.05, PLANK, "cloth")
    body.limb(heel(0, 0.95, 0.3), heel(0.25, 0.95, -1.7), 0.035, PLANK, "cloth")
    for k in range(12):
        up = 1.15 + 0.27 * k
        depth = 1.75 * (1 - k / 12.5)
        belly = 0.20 * sin(pi * (k + 1) / 13)
        body.limb(heel(0.02, up, 0.22), heel(0.22 * (1 - k / 12) + belly, up, 0.22 - depth), 0.145, SAIL, "cloth")
    body.limb(heel(0, 4.62, 0.25), heel(0.2, 4.66, -0.25), 0.05, COAT, "cloth")
    for ahead, up in ((0.0, 0.5), (0.0, 2.2), (-0.6, 1.8), (1.0, 0.4), (-1.0, 0.4)):
        body.shadow(heel(0.1, up, ahead), 0.75)


BUILDERS = {"explorer": explorer, "fox": fox, "boat": boat}


def build(body: Body, subject: str, pose: Pose) -> None:
    """Adds the subject to a body; 'none' adds nothing. Raises ValueError on an unknown name."""
    if subject == "none":
        return
    if subject not in BUILDERS:
        raise ValueError(f"a subject is one of none, {', '.join(BUILDERS)}; got {subject!r}")
    BUILDERS[subject](body, pose)
