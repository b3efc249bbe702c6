"""Films of the full worlds, each with its truth, as a function of a seed and a profile: what happens is drawn from the
seed, played on a stage, painted, and said. Knows how to choose what can be seen; refuses to know of networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import tee
from math import pi

import numpy as np
from numpy.typing import NDArray

from model.worlds.events import SEEN_AFTER_S, TOP_M
from model.worlds.happenings import Event
from model.worlds.lands import Land, land
from model.worlds.music import loudness, piece
from model.worlds.narration import Labels, narrate
from model.worlds.noises import SAMPLES, Wave
from model.worlds.painter import Painter, Painting
from model.worlds.policy import hands
from model.worlds.profiles import Profile
from model.worlds.scenery import Spot, spot
from model.worlds.seen import Seen
from model.worlds.shots import Heaven, Shot
from model.worlds.shows import BIRD_PARTS, FLOCK
from model.worlds.stage import ACTING, Moment, Stage, Wish
from model.worlds.terrain import PINE, ROUND, TILE_M
from model.worlds.walker import Controls
from model.worlds.weather import Sky, settled

FRAMES = 48
EVENT_FRAME = 4
HELD_OUT = 17  # every 17th film is never trained on, and said in words and shapes that no other is
MUSIC_SHARE = 0.3
CROWNS = (  # as ellipsoids: of which kind, and of the height their middle, half width, half height
    (PINE, 0.22, 0.30, 0.20), (PINE, 0.60, 0.19, 0.42), (ROUND, 0.62, 0.37, 0.36),
)  # fmt: skip
NEEDS_DRY = ("campfire", "fireworks", "birds", "balloons")


@dataclass(frozen=True)
class Script:
    """What a film shall show, before it is played: names of the vocabulary, and the sky."""

    place: str
    time: str
    weather: str
    look: str
    subject: str
    action: str
    event: str
    camera: str
    move: str
    sky: Sky
    aurora: float


@dataclass(frozen=True)
class Shown:
    """One frame of a film: its moment, picture and truth; `seen_before` [H, W] of bool (an earlier frame showed what is
    there); `labels` and a `caption` of what it shows; the controls that led to it."""

    moment: Moment
    painting: Painting
    seen_before: NDArray[np.bool_]
    labels: Labels
    caption: str
    controls: Controls


Played = tuple[Script, Land, Moment, Labels, Controls]


def script(seed: int, profile: Profile) -> Script:
    """What the film of a seed shows. Names go together only where all of them can be seen: no weather on the moon, a
    rainbow only opposite a low sun, a boat only where there is water."""
    if seed < 0:
        raise ValueError(f"a film's seed is a non-negative integer; got {seed}")
    rng = np.random.default_rng([seed, 31])
    pick = lambda names: str(rng.choice(names))  # noqa: E731
    place = profile.places[seed % len(profile.places)]
    time = pick(profile.times)
    weather = "clear" if place == "moon" else pick(profile.weathers)
    subjects = [s for s in profile.subjects if s != "boat" or place == "coast"]
    subject, event = pick(subjects), pick(profile.events)
    cameras = [c for c in profile.cameras if c == "first" or subject != "none"]
    camera = pick(cameras) if subject != "none" else "first"
    action = pick(profile.actions) if subject not in ("none", "boat") else "idle"
    if event in NEEDS_DRY and weather not in ("clear", "overcast"):
        event = "none"
    if event != "none" and (place == "moon" and event in ("balloons", "birds", "rainbow", "tree", "campfire")):
        event = "none"
    move = pick(profile.moves) if rng.uniform() < 0.4 else "none"
    sky = settled(time, "rain" if weather == "storm" else weather, rng)
    if event == "rainbow":
        time, weather, camera, move = "day", "clear", "first" if subject == "none" else "third", "none"
        sky = replace(settled("day", "clear", rng), tod=float(rng.uniform(0.065, 0.10)), rain=0.0)
    if event == "fireworks" and time == "day":
        time, weather = "night", "clear"
        sky = settled(time, weather, rng)
    aurora = float(time == "night" and weather == "clear" and place in ("mountains", "forest") and rng.uniform() < 0.6)
    return Script(place, time, weather, pick(profile.looks), subject, action, event, camera, move, sky, aurora)


def narrator(seed: int) -> tuple[str, str]:
    """The language and the split of a film's captions: odd seeds speak Portuguese."""
    return ("en", "pt")[seed % 2], "test" if seed % HELD_OUT == 0 else "train"


def music_of(seed: int, frames: int) -> Wave:
    """What is played to a film [frames * SAMPLES]: a piece of its own, or silence."""
    if np.random.default_rng([seed, 34]).uniform() < MUSIC_SHARE:
        return piece(seed, frames)
    return np.zeros(frames * SAMPLES, np.float32)


def start(world: Land, plan: Script, rng: np.random.Generator) -> Spot:
    """Where a film begins: an open view; on water for a boat, away from the sun for a rainbow."""
    if plan.subject == "boat":
        for _ in range(400):
            x, z = rng.uniform(0, TILE_M, 2)
            if max(world.height(x + a, z + b) for a in (-8, 0, 8) for b in (-8, 0, 8)) < -0.6:
                return Spot(float(x), float(z), float(rng.uniform(-pi, pi)))
        raise RuntimeError(f"no open water in this {world.place}")
    found = spot(world, rng)
    if plan.event == "rainbow":
        sun = 2 * pi * plan.sky.tod
        found = replace(found, yaw=float(np.arctan2(-np.cos(sun), -0.42)))
    return found


def hold(plan: Script, rng: np.random.Generator) -> Iterator[Controls]:
    """The controls of a film: what its action needs, with the rhythm of hands for whoever walks unseen."""
    hand = hands(rng)
    while True:
        free = next(hand)
        if plan.subject == "none" and plan.event == "none":
            yield free
        elif plan.action == "jump":
            yield Controls(forward=True, jump=True)
        else:
            yield Controls(forward=plan.action in ("walk", "run") or plan.subject == "boat", run=plan.action == "run")


def play(seed: int, profile: Profile, frames: int = FRAMES, music: Wave | None = None) -> Iterator[Played]:
    """The film's moments and what may be said of each, without its pictures; to the film's own music if none is given.
    Raises ValueError on what is no film."""
    if frames <= 0:
        raise ValueError(f"expected a film of one frame at least; got {frames}")
    plan = script(seed, profile)
    pulses = loudness(music_of(seed, frames) if music is None else music, frames)
    world, rng = land(plan.place, seed), np.random.default_rng([seed, 32])
    stage = Stage(world, plan.subject, seed)
    wish = Wish(plan.sky, float(plan.weather == "storm"), plan.aurora, plan.action if plan.action in ACTING else "idle",
                "none", plan.camera, plan.move, plan.look, float(pulses[0]))  # fmt: skip
    held = hold(plan, rng)
    moment, controls = stage.reset(start(world, plan, rng), wish), Controls()
    for frame in range(frames):
        yield plan, world, moment, labels(plan, world, moment), controls
        controls = next(held)
        if frame + 1 < frames:
            asked = plan.event if frame == EVENT_FRAME else "none"
            moment = stage.step(controls, replace(wish, event=asked, pulse=float(pulses[frame + 1])))


def labels(plan: Script, world: Land, moment: Moment) -> Labels:
    """What this frame shows: the subject only when the camera sees it, an event only while it can be seen."""
    walk = moment.walk
    at = (walk.x, walk.y - 1.0, walk.z)
    filmed = plan.subject != "none" and plan.camera != "first"
    far = float(np.hypot(walk.x - moment.shot.camera.x, walk.z - moment.shot.camera.z))
    murky = far * _murk(moment.shot.heaven) > (0.5 if plan.subject == "fox" else 1.0)
    seen = filmed and not murky and in_view(moment, *at) and clear_line(world, moment, at, 0.0)
    weather = None if plan.place == "moon" else plan.weather
    going = [event.name for event in moment.events if event_seen(world, moment, event)]
    return Labels(
        plan.place, plan.time, weather, plan.look, plan.subject if seen else None,
        moment.action if seen and plan.subject != "boat" else None, going[0] if going else None, plan.camera, plan.move,
    )  # fmt: skip


def event_seen(world: Land, moment: Moment, event: Event) -> bool:
    """Whether an event has come out so far, is in view, and neither ground, nor walls, nor fog hide it."""
    if moment.at_s - event.begin_s < SEEN_AFTER_S.get(event.name, 0.0):
        return False
    if event.name == "rainbow":
        return moment.shot.heaven.rainbow > 0.5 and abs(moment.shot.camera.pitch) < 0.3
    camera, heaven = moment.shot.camera, moment.shot.heaven
    if event.name in ("ball", "boulder"):
        return _solid_seen(world, moment, event)
    if event.name == "birds":
        return _flock_seen(world, moment)
    top = event.y + TOP_M.get(event.name, 0.6)
    far = float(np.hypot(event.x - camera.x, event.z - camera.z))
    murk = _murk(heaven)
    return (
        far * murk < 1.2
        and in_view(moment, event.x, top, event.z)
        and clear_line(world, moment, (event.x, top, event.z))
    )


def _solid_seen(world: Land, moment: Moment, event: Event) -> bool:
    """A ball or a boulder is where its shadow is thrown from: the last of the shot's casters."""
    if not len(moment.shot.casters):
        return False
    x, y, z, _ = (float(part) for part in moment.shot.casters[-1])
    near = float(np.hypot(x - moment.shot.camera.x, z - moment.shot.camera.z)) < (12 if event.name == "ball" else 60)
    return near and in_view(moment, x, y, z) and clear_line(world, moment, (x, y, z))


def _murk(heaven: Heaven) -> float:
    """How much of a thing a metre of air hides, about."""
    return 0.042 * heaven.fog + 0.012 * heaven.snow + 0.010 * max(heaven.rain, heaven.storm)


def _flock_seen(world: Land, moment: Moment) -> bool:
    """Birds are where their bodies are: the last of the shot's solids, as `shows` adds them. A few of them at least."""
    camera, heaven = moment.shot.camera, moment.shot.heaven
    murk, seen = _murk(heaven), 0
    for x, y, z in moment.shot.solids[-FLOCK * BIRD_PARTS :: 3 * BIRD_PARTS, :3].astype(float):
        near = float(np.hypot(x - camera.x, z - camera.z)) * murk < 0.8
        seen += near and in_view(moment, x, y, z) and clear_line(world, moment, (x, y, z))
    return seen > 1


def clear_line(world: Land, moment: Moment, point: tuple[float, float, float], margin_m: float = 0.3) -> bool:
    """Whether nothing of the land stands between the camera and a point, trunks and walls by so much."""
    camera = moment.shot.camera
    for share in np.linspace(0.06, 0.94, 24):
        px, py, pz = (a + (b - a) * share for a, b in zip((camera.x, camera.y, camera.z), point, strict=True))
        above = py - world.height(px, pz)
        if above < 0.0 or (above < 7.0 and world.blocked(px, pz, margin_m)):
            return False
    return not behind_crowns(world, moment, *point)


def behind_crowns(world: Land, moment: Moment, x: float, y: float, z: float) -> bool:
    """Whether a tree's crown, as an ellipsoid, stands between the camera and a point."""
    camera, (feet, size, kind, _) = moment.shot.camera, world.plants
    eye = np.array([camera.x, camera.y, camera.z])
    for of_kind, middle, wide, high in CROWNS:
        size_m = size[kind == of_kind, None]
        way = feet[kind == of_kind] + size_m * (0.0, middle, 0.0) - eye
        way[:, (0, 2)] -= TILE_M * np.round(way[:, (0, 2)] / TILE_M)
        radii = size_m * (wide, high, wide)
        near, line = way / radii, (np.array([x, y, z]) - eye) / radii
        along = np.clip((near * line).sum(1) / np.maximum((line * line).sum(1), 1e-9), 0, 1)
        if (np.linalg.norm(near - line * along[:, None], axis=1) < 1).any():
            return True
    return False


def in_view(moment: Moment, x: float, y: float, z: float) -> bool:
    """Whether a point lies within the picture's sides."""
    camera = moment.shot.camera
    right, up, ahead = (np.array([x, y, z]) - np.array([camera.x, camera.y, camera.z])) @ camera.gaze
    return bool(
        ahead > 0.5 and abs(right / ahead) < 0.44 * camera.span * 16 / 9 and abs(up / ahead) < 0.47 * camera.span
    )


def shoot(
    seed: int, profile: Profile, painter: Painter, frames: int = FRAMES, music: Wave | None = None
) -> Iterator[Shown]:
    """The film of a seed, frame by frame, with its truth; its captions as `narrator` says."""
    rng, before = np.random.default_rng([seed, 33]), Seen()
    played, ahead = tee(play(seed, profile, frames, music))
    for (_, _, moment, said, controls), painting in zip(
        played, painter.paint_each(_entered(ahead, painter)), strict=True
    ):
        mask = before.mask(moment, painting)
        before.add(moment, painting)
        yield Shown(moment, painting, mask, said, narrate(said, rng, *narrator(seed)).text, controls)


def _entered(played: Iterator[Played], painter: Painter) -> Iterator[Shot]:
    """What is painted of a film that is played, in its land."""
    for number, (_, world, moment, _, _) in enumerate(played):
        if not number:
            painter.enter(world)
        yield moment.shot
