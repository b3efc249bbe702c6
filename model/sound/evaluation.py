"""The figures of sound: a true sound through the tokenizer, and what the head makes up beside what is true.
Knows networks and recordings; the judge of a rollout is its statistics, since no two rains are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from model.sound.figures import click_ratio, envelope_correlation, mean_spectrum_db, onset_f1, onsets, repetition
from model.sound.networks import Sounding, SoundNetworks
from model.sound.recordings import Recording
from model.sound.spectra import HOP
from model.sound.tokenizer import Decoded

STATE = (4, 8)
Values = dict[str, float | list[float]]  # of one recording; of an F1: [hits, what could have been hit]


@dataclass(frozen=True)
class Rendition:
    """A recording as somebody makes it: `coded` [S], the same sound again, and what is heard in it [T, sources];
    `own` [S], a sound of the same states, and what is heard in that."""

    coded: Tensor
    heard: Tensor
    own: Tensor
    own_heard: Tensor


def rendered(networks: SoundNetworks, of: Recording, seed: int) -> Rendition:
    """By the tokenizer, and by the head and the decoder."""
    again = coded(networks, of.pcm.float() / 32767)
    own, own_heard = imagined(networks, of.given, seed)
    return Rendition(again.pcm[0], again.heard[0].sigmoid() > 0.5, own, own_heard > 0.5)


def as_recorded(other: Recording) -> Rendition:
    """Another recording in the place of one: of the same happenings in other noise, or of another world."""
    pcm = other.pcm.float() / 32767
    return Rendition(pcm, other.audible, pcm, other.audible)


@torch.inference_mode()
def coded(networks: SoundNetworks, pcm: Tensor) -> Decoded:
    """pcm [S] in [-1, 1] through the tokenizer, frame after frame's latents decoded in one go."""
    tokenizer = networks.tokenizer
    return tokenizer.decode(tokenizer.encode(torch.cat([torch.zeros(HOP), pcm])[None]), tokenizer.silence())


def imagined(networks: SoundNetworks, given: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """What the head makes of states and controls [T, 44]: pcm [T * 1000], and what it hears in it [T, sources]."""
    sounding = Sounding(networks, seed)
    frames = [sounding.step(row[: STATE[0] * STATE[1]].reshape(STATE), row[STATE[0] * STATE[1] :]) for row in given]
    return torch.cat([pcm for pcm, _ in frames]), torch.stack([heard for _, heard in frames])


def values(of: Recording, made: Rendition) -> Values:
    """Of one recording: `envelope_correlation`, `onset_f1`, `click_ratio` and `repetition` of what was coded;
    `listening_f1` of what is heard in it; of the own sound `imagined_repetition`, `imagined_spectrum_db`, the mean
    difference of band levels, and `imagined_listening_f1`, what is heard beside what the simulator would sound."""
    pcm = of.pcm.float() / 32767
    here, there = onsets(made.coded), onsets(pcm)
    counted = float(len(here) + len(there))
    return {
        "envelope_correlation": envelope_correlation(made.coded[None], pcm[None]),
        "onset_f1": [onset_f1(here, there) * counted, counted],
        "click_ratio": click_ratio(made.coded) / click_ratio(pcm),
        "repetition": repetition(made.coded),
        "listening_f1": _hits(made.heard, of.audible),
        "imagined_repetition": repetition(made.own),
        "imagined_spectrum_db": float((mean_spectrum_db(made.own) - mean_spectrum_db(pcm)).abs().mean()),
        "imagined_listening_f1": _hits(made.own_heard, of.audible),
    }


def total(of: Sequence[float | list[float]]) -> float:
    """One figure out of its values: the mean of numbers, all hits over all that could have been hit."""
    pairs = [one if isinstance(one, list) else [one, 1.0] for one in of]
    return sum(hit for hit, _ in pairs) / max(sum(counted for _, counted in pairs), 1e-9)


def measure(networks: SoundNetworks, recordings: Sequence[Recording]) -> dict[str, float]:
    """The figures over recordings that no training saw."""
    each = [values(of, rendered(networks, of, seed)) for seed, of in enumerate(recordings)]
    return {name: total([one[name] for one in each]) for name in each[0]}


def _hits(said: Tensor, true: Tensor) -> list[float]:
    return [2.0 * float((said & true).sum()), float(said.sum() + true.sum())]
