"""What one step of the dynamics trains on: rows of frames from clips, with sources for their views.
Knows clips' labels and chance; nothing of networks' insides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.conditioning import state
from model.training.latents import Clips
from model.training.sentences import Sentences
from model.worlds.weather import FRAME_S

LONG_AGO = 480  # frames: the age of a prompt that stood when the clip began


@dataclass(frozen=True)
class Mixture:
    """Shares of what a step sees."""

    frames: int = 12
    rows: int = 2
    single_rows: float = 0.6  # rows of unrelated frames, without past
    single_blind: float = 0.35  # of those frames: without view
    single_apart: float = 0.85  # of those frames: from clips that show seconds of a walk
    single_band: float = 0.4  # of those frames: with a band without view
    single_dry: float = 0.6  # of those frames: in rain or snow only where both of their clip's skies are
    torn: float = 0.4  # of those frames: torn views of walks instead, where there are pairs of them
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


HALF_BANDS = (72, 128)  # rows and columns of half a view, in half-resolution pixels


@dataclass
class Row:
    """Which frames, and what is their source. All lists have `frames` entries."""

    clip: list[int]
    sky: list[int]
    frame: list[int]
    source_sky: list[int]
    source_frame: list[int]
    blind: list[bool]
    isolated: bool


@dataclass
class Rows:
    """Several rows as indices on the clips' device: [B, T] each, isolated [B]."""

    clip: Tensor
    sky: Tensor
    frame: Tensor
    source_sky: Tensor
    source_frame: Tensor
    blind: Tensor
    isolated: Tensor


PER_FRAME = tuple(name for name in Rows.__dataclass_fields__ if name != "isolated")


def draw_rows(clips: Clips, mixture: Mixture, rng: np.random.Generator) -> Rows:
    """The rows of a step."""
    consecutive, apart = (clips.of_stride(which).tolist() for which in (True, False))
    wet = (clips["sky"][: clips.count, :, -1, 3:5].sum(-1) > 0.3).tolist()  # last: meanwhile more may be taken up
    which = Which(consecutive, apart, wet)
    rows = [draw_row(which, mixture, rng) for _ in range(mixture.rows)]

    def stack(name: str) -> Tensor:
        return torch.tensor([getattr(row, name) for row in rows], device=clips.device)

    return Rows(*(stack(name) for name in Rows.__dataclass_fields__))


@dataclass(frozen=True)
class Which:
    """Indices of the clips whose frames follow each other, and of those whose frames lie apart; and of each clip, under
    which of its skies rain or snow falls."""

    consecutive: list[int]
    apart: list[int]
    wet: list[list[bool]]


def draw_row(which: Which, mixture: Mixture, rng: np.random.Generator) -> Row:
    """A row of one clip's frames in order, or of unrelated frames."""
    if rng.uniform() < mixture.single_rows or not which.consecutive:
        return _unrelated(which, mixture, rng)
    count = mixture.frames
    clip = which.consecutive[int(rng.integers(len(which.consecutive)))]
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
    return Row([clip] * count, skies, frames, source_skies, sources, [blind] * count, False)


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


def _unrelated(which: Which, mixture: Mixture, rng: np.random.Generator) -> Row:
    """Frames of as many clips, each alone, seen from another frame of the clip: mostly an earlier one; some blind."""
    count = mixture.frames
    chosen: list[int] = []
    for apart in rng.uniform(size=count) < mixture.single_apart:
        some = (which.apart if apart else which.consecutive) or which.consecutive or which.apart
        chosen.append(some[int(rng.integers(len(some)))])
    skies, frames = ([int(i) for i in rng.integers(0, most, count)] for most in (2, 16))
    sources = []
    for f, lag, before in zip(
        frames, rng.geometric(0.4, count).clip(1, 8), rng.uniform(size=count) < 0.75, strict=True
    ):
        there = f - int(lag) if before else f + int(lag)
        sources.append(there if 0 <= there < 16 else 2 * f - there if 0 <= 2 * f - there < 16 else f)
    skies = [
        sky ^ bool(rng.uniform() < mixture.single_dry and which.wet[clip][sky] and not which.wet[clip][sky ^ 1])
        for clip, sky in zip(chosen, skies, strict=True)
    ]
    source_skies = [sky ^ bool(rng.uniform() < mixture.other_sky) for sky in skies]
    blind = [bool(rng.uniform() < mixture.single_blind) for _ in frames]
    return Row(chosen, skies, frames, source_skies, sources, blind, True)


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


def hidden_margins(rows: Rows, mixture: Mixture, rng: np.random.Generator) -> Tensor:
    """How much of each view is hidden from its left, right, top and bottom side, [B, T, 4] in half-resolution pixels:
    of blind frames all, of a share of the others a band along one side, as after a quick turn."""
    shape = tuple(rows.clip.shape)
    share = np.where(rows.isolated.cpu().numpy(), mixture.single_band, mixture.band)[:, None]
    side = rng.choice(4, size=shape, p=[0.35, 0.35, 0.15, 0.15])
    half = np.where(side < 2, HALF_BANDS[1], HALF_BANDS[0])
    wide = (rng.uniform(1 / 8, 1, shape) * half).astype(np.int64) * (rng.uniform(size=shape) < share)
    margins = torch.from_numpy((side[..., None] == np.arange(4)) * wide[..., None]).to(rows.blind.device)
    return torch.where(rows.blind[..., None], 2 * HALF_BANDS[1], margins)


def labels(
    rows: Rows, clips: Clips, sentences: Sentences, mixture: Mixture, rng: np.random.Generator
) -> dict[str, Tensor]:
    """The rows' labels [B, T, ...] on the clips' device: state [4,8], control [12], sentence, age_s, change [7] of
    light since the source, the sun's turn, velocity [3], ground, pose [5], source_pose [5], next_* for the motion
    head."""
    clip, sky, f = rows.clip, rows.sky, rows.frame
    after = (f + 1).clamp_max(clips["control"].shape[1] - 1)
    walk, skies, prompt = clips["walk"][clip, f + 1], clips["sky"][clip, sky, f + 1], clips["prompt"][clip, sky]
    noise = rng.normal(0, mixture.state_noise, (*clip.shape, 6)) * (rng.uniform(size=(*clip.shape, 1)) < 0.5)
    here = state.advance(skies + torch.from_numpy(noise).to(skies), torch.zeros_like(skies))
    velocity, ground, pose = clips["velocity"][clip, f], walk[..., 8], walk[..., :5]
    place = torch.nn.functional.one_hot(clips["place"][clip], len(state.PLACES)).float()
    came = prompt[..., 4]
    asked = (came > -(10**5)) & (f >= came)
    before = state.light(clips["sky"][clip, rows.source_sky, rows.source_frame + 1])
    return {
        "state": state.tokens(velocity, ground, state.fallen(here), place, pose[..., 4]),
        "control": clips["control"][clip, f],
        "sentence": _sentences(rows, clips, asked, prompt, sentences, rng),
        "age_s": torch.where(asked, f - came, LONG_AGO + f).float() * FRAME_S,
        "change": state.light(here) - before,
        "turn": skies[..., 0],
        "velocity": velocity,
        "ground": ground,
        "pose": pose,
        "source_pose": clips["walk"][clip, rows.source_frame + 1, :5],
        "next_control": clips["control"][clip, after],
        "next_known": ((after > f) & (clips["stride"][clip] == 1)).float(),
        "next_velocity": clips["velocity"][clip, after],
        "next_ground": clips["walk"][clip, after + 1, 8],
        "turned_velocity": clips["turned_velocity"][clip, f],
    }


def _sentences(
    rows: Rows, clips: Clips, asked: Tensor, prompt: Tensor, sentences: Sentences, rng: np.random.Generator
) -> Tensor:
    """The index of each frame's sentence, [B, T]: one for all frames of a row that show the same clip and sky."""
    keys = torch.stack([rows.clip, rows.sky, asked.long(), clips["place"][rows.clip]], -1).tolist()
    prompts = prompt.tolist()
    out = []
    for row, said in zip(keys, prompts, strict=True):
        told: dict[tuple[int, ...], int] = {}
        for key, one in zip(map(tuple, row), said, strict=True):
            if key not in told:
                told[key] = choose_sentence(key[3], one, bool(key[2]), sentences, rng)
            out.append(told[key])
    return torch.tensor(out, device=rows.clip.device).view(rows.clip.shape)


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
