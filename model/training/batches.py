"""What one step of the dynamics trains on: rows of frames from clips, with sources for their views.
Knows clips' labels and chance; nothing of networks' insides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.conditioning import control, state
from model.training.latents import Clip
from model.training.sentences import Sentences
from model.worlds.weather import FRAME_S

LONG_AGO = 480  # frames: the age of a prompt that stood when the clip began


@dataclass(frozen=True)
class Mixture:
    """Shares of what a step sees."""

    frames: int = 12
    rows: int = 2
    single_rows: float = 0.25  # rows of unrelated frames, without past
    single_blind: float = 0.75  # of those frames: without view
    blind_rows: float = 0.04  # sequences without view
    other_sky: float = 0.3  # sources under the other sky
    worn: float = 0.5  # sources that the model made itself, where it has
    visits: int = 4  # steps in a row that see the same rows: after the first, what the model made of them is the source
    worn_again: float = 0.85  # the share of such sources after the first visit
    lag_one: float = 0.5  # rows whose sources are the frames before; else one source for several frames
    band: float = 0.2  # frames that lose a band of their view, as after a quick turn
    state_noise: float = 0.015

    def __post_init__(self) -> None:
        if not 2 <= self.frames <= 15:
            raise ValueError(
                f"frames a row must be 2 to 15, so that a clip of 16 holds them and a source; got {self.frames}"
            )


@dataclass
class Frames:
    """One row: which frames, and what is their source. All lists have `frames` entries."""

    clips: list[Clip]
    sky: list[int]
    frame: list[int]
    source_sky: list[int]
    source_frame: list[int]
    blind: list[bool]
    isolated: bool


def draw_row(clips: list[Clip], mixture: Mixture, rng: np.random.Generator) -> Frames:
    """A row of one clip's frames in order, or of unrelated frames."""
    if rng.uniform() < mixture.single_rows:
        return _unrelated(clips, mixture, rng)
    count = mixture.frames
    clip = clips[int(rng.integers(len(clips)))]
    first = int(rng.integers(1, 16 - count + 1))
    skies = _skies(count, rng)
    frames = list(range(first, first + count))
    if rng.uniform() < mixture.lag_one:
        sources = [f - 1 for f in frames]
        relit = rng.uniform() < 0.5
        other = [relit and bool(rng.uniform() < 2 * mixture.other_sky) for _ in frames]
    else:
        sources, other = _keyframes(frames, mixture, rng)
    blind = bool(rng.uniform() < mixture.blind_rows)
    source_skies = [sky ^ o for sky, o in zip(skies, other, strict=True)]
    return Frames([clip] * count, skies, frames, source_skies, sources, [blind] * count, False)


def _skies(count: int, rng: np.random.Generator) -> list[int]:
    """The sky of each frame of a sequence: one for all, or changed once, or at random on every frame; so that not the
    frames before but the state decides how a frame is lit."""
    sky, way = int(rng.integers(2)), rng.uniform()
    if way < 0.45:
        return [sky] * count
    if way < 0.75:
        at = int(rng.integers(1, count))
        return [sky ^ (t >= at) for t in range(count)]
    return [int(s) for s in rng.integers(0, 2, count)]


def _unrelated(clips: list[Clip], mixture: Mixture, rng: np.random.Generator) -> Frames:
    """Frames of as many clips, each alone; most of them blind."""
    count = mixture.frames
    chosen = [clips[int(i)] for i in rng.integers(0, len(clips), count)]
    skies, frames = ([int(i) for i in rng.integers(0, most, count)] for most in (2, 16))
    sources = [
        f - lag if f >= lag else f + lag for f, lag in zip(frames, map(int, rng.integers(1, 9, count)), strict=True)
    ]
    source_skies = [sky ^ bool(rng.uniform() < mixture.other_sky) for sky in skies]
    blind = [bool(rng.uniform() < mixture.single_blind) for _ in frames]
    return Frames(chosen, skies, frames, source_skies, [min(15, s) for s in sources], blind, True)


def _keyframes(frames: list[int], mixture: Mixture, rng: np.random.Generator) -> tuple[list[int], list[bool]]:
    """One source for 3 to 8 frames at a time, mostly from before them, and whether it lies under the other sky."""
    sources: list[int] = []
    other: list[bool] = []
    keep, key, relit = 0, 0, False
    for f in frames:
        if keep == 0:
            keep, relit = int(rng.integers(3, 9)), bool(rng.uniform() < mixture.other_sky)
            before = rng.uniform() < 0.8
            key = int(rng.integers(max(0, f - 4), f)) if before else min(15, f + int(rng.integers(1, 6)))
        keep -= 1
        sources.append(key)
        other.append(relit)
    return sources, other


def labels(row: Frames, sentences: Sentences, mixture: Mixture, rng: np.random.Generator) -> dict[str, Tensor]:
    """The row's labels as tensors with T first: state [T,4,8], control [T,12], sentence [T], age_s [T],
    velocity [T,3], ground [T], pose [T,5], source_pose [T,5], next_* for the motion head."""
    out: dict[str, list[Tensor]] = {}

    def put(name: str, value: Tensor) -> None:
        out.setdefault(name, []).append(value)

    told: dict[tuple[int, int, bool], int] = {}
    for clip, sky, f in zip(row.clips, row.sky, row.frame, strict=True):
        walk, skies, prompt = clip.walk, clip.sky[sky], clip.prompt[sky].tolist()
        velocity, ground = body_velocity(walk, f)
        one_hot = torch.zeros(len(state.PLACES))
        one_hot[clip.place] = 1
        noise = torch.from_numpy(rng.normal(0, mixture.state_noise, 6)).float() * (rng.uniform() < 0.5)
        here = state.advance((skies[f + 1] + noise), torch.zeros(6))
        put("state", state.tokens(velocity, ground, here, one_hot, walk[f + 1, 4]))
        put("control", control.features(clip.controls[f]))
        came = prompt[4]
        asked = came > -(10**5) and f >= came
        put("age_s", torch.tensor((f - came if asked else LONG_AGO + f) * FRAME_S))
        key = (id(clip), sky, asked)
        if key not in told:
            told[key] = choose_sentence(clip.place, prompt, asked, sentences, rng)
        put("sentence", torch.tensor(told[key]))
        put("velocity", velocity)
        put("ground", ground)
        put("pose", walk[f + 1, :5])
        after = min(f + 1, 15)
        put("next_control", control.features(clip.controls[after]))
        put("next_known", torch.tensor(float((f + 1 <= 15 and not row.isolated) or f + 1 <= 15)))
        turned, grounded = body_velocity(walk, after)
        put("next_velocity", turned)
        put("next_ground", grounded)
        put("turned_velocity", body_velocity(walk, f, walk[after + 1, 3])[0])
    for clip, f in zip(row.clips, row.source_frame, strict=True):
        put("source_pose", clip.walk[f + 1, :5])
    return {k: torch.stack(v).float() if k != "sentence" else torch.stack(v) for k, v in out.items()}


def body_velocity(walk: Tensor, f: int, yaw: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """How frame f moved from the one before: right, up, forward in m/s at `yaw` (its own); and contact."""
    moved = (walk[f + 1, :3] - walk[f, :3]) / FRAME_S
    yaw = walk[f + 1, 3] if yaw is None else yaw
    c, s = yaw.cos(), yaw.sin()
    return torch.stack([moved[0] * c - moved[2] * s, moved[1], moved[0] * s + moved[2] * c]), walk[f + 1, 8]


def choose_sentence(place: int, prompt: list[int], asked: bool, sentences: Sentences, rng: np.random.Generator) -> int:
    """A sentence that is true of the clip at that time: a change that was asked for, or a description; parts unsaid
    at random."""
    nowhere, never, whatever = len(state.PLACES), len(state.TIMES), len(state.WEATHERS)
    time, weather, to_time, to_weather, _ = prompt
    if asked:
        t, w = (to_time if to_time >= 0 else never), (to_weather if to_weather >= 0 else whatever)
        said_place = place if rng.uniform() < 0.1 else nowhere
        table = sentences.changes if said_place == nowhere and rng.uniform() < 0.75 else sentences.states
        first = table[said_place, t, w]
    else:
        while True:
            p = place if rng.uniform() < 0.85 else nowhere
            t = time if rng.uniform() < 0.75 else never
            w = weather if rng.uniform() < 0.75 else whatever
            if (p, t, w) != (nowhere, never, whatever):
                break
        first = sentences.states[p, t, w]
    return first + int(rng.integers(sentences.count))
