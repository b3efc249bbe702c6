"""Whose eyes a world is seen by: somebody who walks, as the motion head says, or a camera that nobody carries. Knows
hands, the ground and the last frame; nothing of what the next one shows."""

from __future__ import annotations

from math import cos, hypot, sin

import torch
from torch import Tensor

from engine.batch import Network
from engine.cameras import DRONE, FIRST, ORBIT, Orbit, fly
from engine.ground import Ground
from engine.messages import CAMERAS
from engine.obstacles import Obstacles
from model.conditioning import control, state
from model.omni import Seen
from model.overlay import Known
from model.planes import metres

NEXT_CAMERA = 1 << len(control.HELD)  # the button after those that the networks know
LEARN_EVERY = 4  # frames after which the ground is looked at
RISE = 0.3  # how much of the way to their height over the ground a walker's eyes go in a frame
LAND_M_S = 2.5  # how fast who has flown comes down to it
LANDED_M = 0.05


class Body:
    """Moves the state of one world, frame by frame."""

    def __init__(self, omni: Network):
        self._omni = omni
        self.ground = Ground()
        self._obstacles = Obstacles(self.ground.at_sea)
        self._orbit = Orbit()
        self._held = self._landing = False

    def see_through(self, now: state.WorldState, buttons: int, camera: str) -> None:
        """Takes the camera that is asked for, or the next one, when its button was pressed. Raises ValueError."""
        if camera and camera not in CAMERAS:
            raise ValueError(f"a camera is one of {', '.join(CAMERAS)}; got {camera!r}")
        held, before = bool(buttons & NEXT_CAMERA), self._held
        self._held = held
        if held and not before and not camera:
            camera = CAMERAS[(CAMERAS.index(now.camera) + 1) % len(CAMERAS)]
        if camera in ("", now.camera):
            return
        if now.camera == FIRST:
            now.floor_m = now.pose[1] - state.EYE_M
        now.camera, self._landing = camera, camera == FIRST
        self._orbit.forget()

    def move(self, now: state.WorldState, controls: Tensor, seen: Seen, known: Known) -> None:
        """Its pose, velocity and contact a frame later, by controls [12]; `seen` and `known`: of the last frame."""
        if now.camera == DRONE:
            fly(now, controls, known, self.ground.height_m)
        elif now.camera == ORBIT:
            self._orbit.circle(now, controls, known, self.ground.height_m)
        else:
            self._walk(now, controls, seen, known)

    def told(self, now: state.WorldState, controls: Tensor) -> Tensor:
        """Controls [12] as the networks know them: a walker's buttons mean something else to who flies."""
        if now.camera == FIRST:
            return controls
        return torch.cat([torch.zeros(len(control.HELD)), controls[len(control.HELD) :]])

    def feel_ground(self, now: state.WorldState, water: Tensor, known: Known, index: int) -> None:
        """Where somebody stands, and what frame `index` shows of the ground, every few frames; `water`: how likely its
        cells [1, 36, 64] are that."""
        if index % LEARN_EVERY:
            return
        if now.ground:
            self.ground.stand(now.pose)
        self.ground.learn(metres(known.planes), water, known.pose)

    def _walk(self, now: state.WorldState, controls: Tensor, seen: Seen, known: Known) -> None:
        """The body by the motion head, past what stands in its way, the look exactly."""
        x, y, z, yaw, pitch = now.pose
        new_yaw, new_pitch = control.look(yaw, pitch, controls)
        velocity = state.turned(now.velocity, new_yaw - yaw)
        features = control.features(controls)
        velocity, contact = self._omni.move(seen.hidden[0, -1], features, velocity, torch.tensor(now.ground))
        now.ground = float(contact > 0)
        now.velocity = velocity = state.settle(velocity, now.ground)
        right, up, ahead = (float(part) / 24 for part in velocity)
        c, s = cos(new_yaw), sin(new_yaw)
        step = right * c + ahead * s, ahead * c - right * s
        if any(step):
            self._obstacles.see(metres(known.planes), known.pose)
            east, north = self._obstacles.way(x, z, step)
            if (east, north) != step:
                velocity[0], velocity[2] = 24 * (east * c - north * s), 24 * (east * s + north * c)
                if now.ground:  # up or down the way that is not gone
                    velocity[1] = up = up * hypot(east, north) / hypot(*step)
            x, z = x + east, z + north
        below_m = self.ground.height_m(x, z)
        if self._landing:
            y = self._come_down(now, now.floor_m if below_m is None else below_m)
        else:
            y += up
            if now.ground and below_m is not None:
                y += RISE * (below_m + state.EYE_M - y)
        now.pose = [x, y, z, new_yaw, new_pitch]

    def _come_down(self, now: state.WorldState, below_m: float) -> float:
        """The height of the eyes of who flew and is to walk, a frame later: on their feet, when they are there."""
        most, left = LAND_M_S / 24, below_m + state.EYE_M - now.pose[1]
        self._landing = abs(left) > LANDED_M
        now.velocity[1], now.ground = 0.0, float(not self._landing)
        return now.pose[1] + max(-most, min(most, left))
