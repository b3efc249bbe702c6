"""A full world that goes on, frame by frame: who acts, what happens, under what sky, and how it is filmed; `reset` and
`step`. Knows the truth of every frame; refuses to know pixels and words."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import atan2, exp, hypot, pi

import numpy as np

from configs.paths import vocabulary
from model.worlds.acts import Act, Scene
from model.worlds.cameras import Filmed, Rig, check, film
from model.worlds.events import begin
from model.worlds.happenings import Ambience, Event, Heard
from model.worlds.hearing import animals, fire_m, underfoot, waves_m, wind
from model.worlds.lands import Land
from model.worlds.physics import BOAT_SPEED_M_S, EYE_M, FRAME_S, TURN_S
from model.worlds.scenery import Spot
from model.worlds.shots import Heaven, Lights, Shot
from model.worlds.shows import show
from model.worlds.solids import Body
from model.worlds.subjects import Pose, build, stride_m
from model.worlds.walker import Controls, Walk, sail, step
from model.worlds.weather import Sky, toward

STRIKES_A_S = 0.22  # in a full storm
BOLT_S = 0.45
ACTING = ("wave", "dance", "sit")
SKY_BOUNDS = {"storm": 0.5, "aurora": 0.4}  # a second


@dataclass(frozen=True)
class Wish:
    """What is asked of a frame: the sky to move to, with its storm and aurora in [0, 1], what the subject shall do of
    its own (wave, dance, sit; else it follows the controls), an event that begins now, the camera and its move, the
    look, and how loud the music is that the lights follow, in [0, 1]."""

    sky: Sky
    storm: float = 0.0
    aurora: float = 0.0
    act: str = "idle"
    event: str = "none"
    camera: str = "first"
    move: str = "none"
    look: str = "natural"
    pulse: float = 0.0

    def __post_init__(self) -> None:
        for name in ("storm", "aurora", "pulse"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1]; got {getattr(self, name)}")
        for name in ("event", "look"):
            if getattr(self, name) not in vocabulary()[name]:
                raise ValueError(f"a {name} is one of {', '.join(vocabulary()[name])}; got {getattr(self, name)!r}")
        if self.act not in ("idle", *ACTING):
            raise ValueError(f"what is done is one of idle, {', '.join(ACTING)}; got {self.act!r}")
        check(self.camera, self.move)


@dataclass(frozen=True)
class Moment:
    """The truth of one frame, besides its pixels."""

    at_s: float
    shot: Shot
    walk: Walk
    pose: Pose
    action: str
    events: tuple[Event, ...]
    heard: tuple[Heard, ...]
    ambience: Ambience


@dataclass
class _State:
    walk: Walk
    sky: Sky
    heading: float
    frame: int = 0
    gait: float = 0.0
    action: str = "idle"
    since_s: float = 0.0
    storm: float = 0.0
    aurora: float = 0.0
    rig: Rig | None = None
    acts: list[Act] = field(default_factory=list)
    strikes: list[tuple[float, float, float]] = field(default_factory=list)  # second, azimuth, distance


class Stage:
    """One world with one subject ('none': whoever walks is not seen)."""

    def __init__(self, land: Land, subject: str, seed: int) -> None:
        if subject not in vocabulary()["subject"]:
            raise ValueError(f"a subject is one of {', '.join(vocabulary()['subject'])}; got {subject!r}")
        if seed < 0:
            raise ValueError(f"a seed is a non-negative integer; got {seed}")
        self.land, self.subject, self.seed = land, subject, seed
        self.rng = np.random.default_rng([seed, 21])
        self.clock_s = float(self.rng.uniform(0, 60))
        self._state: _State | None = None

    def reset(self, spot: Spot, wish: Wish) -> Moment:
        """The first frame: the subject stands at the spot, under the wished sky as it will be."""
        x, z = spot.x, spot.z
        ground = 0.0 if self.subject == "boat" else self.land.height(x, z)
        walk = Walk(x, ground + EYE_M, z, spot.yaw, 0.0)
        self._state = _State(walk, wish.sky, spot.yaw, storm=wish.storm, aurora=wish.aurora)
        return self._moment(self._state, wish, [])

    def step(self, controls: Controls, wish: Wish) -> Moment:
        """One frame later. Raises RuntimeError before `reset`."""
        state = self._state
        if state is None:
            raise RuntimeError("reset() a stage before its first step")
        state.frame += 1
        before = state.walk
        free_hands = wish.act not in ACTING
        state.walk = (
            sail(self.land, before, controls)
            if self.subject == "boat"
            else step(
                self.land, before, controls if free_hands else Controls(look_x=controls.look_x, look_y=controls.look_y)
            )
        )
        state.sky = toward(state.sky, wish.sky)
        for name, rate in SKY_BOUNDS.items():
            gap = getattr(wish, name) - getattr(state, name)
            setattr(state, name, getattr(state, name) + float(np.clip(gap, -rate * FRAME_S, rate * FRAME_S)))
        heard = self._act(state, before, wish.act if not free_hands else "")
        if wish.event != "none":
            at = (state.walk.x, state.walk.z)
            yaw = state.rig.camera.yaw if state.rig else state.walk.yaw  # in view, wherever the camera is
            act = begin(wish.event, self.land, at, yaw, self._at_s(state), self.seed + state.frame)
            state.acts.append(act)
        heard += self._strike(state)
        return self._moment(state, wish, heard)

    def _at_s(self, state: _State) -> float:
        return state.frame * FRAME_S

    def _act(self, state: _State, before: Walk, wished: str) -> list[Heard]:
        """The subject's action, heading and gait; and the feet that fall on the way."""
        walk = state.walk
        speed = hypot(walk.vx, walk.vz)
        if self.subject == "boat":
            action = "idle"
        elif not walk.ground:
            action = "jump"
        else:
            action = wished or ("run" if speed > 4.2 else "walk" if speed > 0.3 else "idle")
        state.since_s = state.since_s + FRAME_S if action == state.action else 0.0
        state.action = action
        goal = atan2(walk.vx, walk.vz) if speed > 0.3 else walk.yaw if self.subject == "boat" else state.heading
        gap = (goal - state.heading + pi) % (2 * pi) - pi
        state.heading += gap * (1 - exp(-FRAME_S / TURN_S))
        return [] if self.subject == "boat" else self._feet(state, before, speed)

    def _feet(self, state: _State, before: Walk, speed: float) -> list[Heard]:
        at_s, walk = self._at_s(state), state.walk
        if walk.ground and not before.ground:
            state.gait = 0.0
            ground = underfoot(self.land, walk, state.sky)
            kind = "splash" if ground == "water" else "landing"
            return [Heard(kind, at_s, self._distance(state), 1.0, ground)]
        if not walk.ground or speed <= 0.3:
            return []
        old = state.gait
        state.gait += speed * FRAME_S / (2 * stride_m(speed))
        falls = []
        for half in range(int(2 * old) + 1, int(2 * state.gait) + 1):
            share = (half / 2 - old) / (state.gait - old)
            ground = underfoot(self.land, walk, state.sky)
            strength = min(0.35 + 0.09 * speed, 1.0)
            falls.append(Heard("footfall", at_s - FRAME_S * (1 - share), self._distance(state), strength, ground))
        return falls

    def _distance(self, state: _State) -> float:
        if state.rig is None:
            return EYE_M
        c, w = state.rig.camera, state.walk
        return float(np.linalg.norm([c.x - w.x, c.y - w.y + EYE_M, c.z - w.z]))

    def _strike(self, state: _State) -> list[Heard]:
        if state.storm < 0.5 or self.rng.uniform() >= STRIKES_A_S * FRAME_S * state.storm:
            return []
        azimuth = state.walk.yaw + float(self.rng.normal(0, 0.8))
        distance = float(self.rng.uniform(400, 2600))
        state.strikes.append((self._at_s(state), azimuth, distance))
        return [Heard("thunder", self._at_s(state), distance, min(1.0, 600 / distance))]

    def _moment(self, state: _State, wish: Wish, heard: list[Heard]) -> Moment:
        walk, at_s = state.walk, self._at_s(state)
        feet = walk.y - EYE_M
        size = {"fox": 0.55, "boat": 2.0}.get(self.subject, 1.0)
        state.rig = film(
            self.land, state.rig, Filmed(walk.x, feet, walk.z, walk.yaw, walk.pitch, size), wish.camera, wish.move
        )
        ground = 0.0 if self.subject == "boat" else self.land.height(walk.x, walk.z)
        since = at_s if self.subject == "boat" or state.action == "idle" else state.since_s
        speed = hypot(walk.vx, walk.vz)
        pose = Pose(
            walk.x, ground, walk.z, state.heading, state.action, since, state.gait, speed, max(feet - ground, 0.0)
        )
        scene = Scene(Body())
        if wish.camera != "first" or self.subject == "boat":
            build(scene.body, self.subject, pose)
        going = [act for act in state.acts if act.event.active(at_s)]
        for act in going:
            show(act, at_s, scene)
            heard = heard + self._noises(act, at_s, state.rig)
        shot = self._shot(state, wish, scene)
        boat = min(speed / BOAT_SPEED_M_S, 1.0) if self.subject == "boat" else 0.0
        ambience = Ambience(wind(self.land, state.sky, state.storm), max(state.sky.rain, state.storm),
                            fire_m([act.event for act in going], walk), waves_m(self.land, walk), boat,
                            *animals(self.land, state.sky, state.storm))  # fmt: skip
        return Moment(at_s, shot, walk, pose, state.action, tuple(a.event for a in going), tuple(heard), ambience)

    def _noises(self, act: Act, at_s: float, rig: Rig) -> list[Heard]:
        found, eye = [], np.array([rig.camera.x, rig.camera.y, rig.camera.z])
        for age, kind, x, y, z, strength in act.noises:
            when = act.event.begin_s + age
            if at_s - FRAME_S < when <= at_s:
                found.append(Heard(kind, when, float(np.linalg.norm(eye - (x, y, z))), strength))
        return found

    def _shot(self, state: _State, wish: Wish, scene: Scene) -> Shot:
        at_s = self._at_s(state)
        assert state.rig is not None
        azimuth, flash, which = 0.0, 0.0, 0.0
        for number, (struck_s, way, distance) in enumerate(state.strikes):
            age = at_s - struck_s
            if 0 <= age < BOLT_S:
                flicker = 1.0 if age < 0.09 else 0.35 + 0.55 * (int(age * 24) % 3 == 0)
                azimuth, which = way, (number * 0.37) % 1.0
                flash = flicker * (1 - age / BOLT_S) * min(1.0, 1100 / distance + 0.25)
        heaven = Heaven(**asdict(state.sky), storm=state.storm, aurora=state.aurora, rainbow=min(scene.rainbow, 1.0),
                        pulse=wish.pulse, bolt_azimuth=azimuth, bolt=flash, bolt_seed=which)  # fmt: skip
        rows = lambda found, columns: np.array(found, np.float32).reshape(-1, columns)  # noqa: E731
        lights = Lights(rows(scene.fires[:2], 4), scene.burst, scene.lamp, rows(scene.sparks, 8))
        return Shot(state.rig.camera, heaven, self.clock_s + at_s, wish.look, scene.body.rows, scene.body.casters,
                    rows(scene.saplings, 6), lights)  # fmt: skip
