"""How good a sound is beside its truth: correlation of band envelopes, F1 of onsets, clicks at the borders of frames.
Knows waves alone: pure functions of arrays."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.sound.losses import band_rises, envelopes, repeats, rises
from model.sound.spectra import SAMPLES

WITHIN_FRAMES = 2
DECIBELS = 10 / math.log(10)  # of a neper of power
ONSET_HOP = 250
RISE = 0.55  # nats by which the mean level of a third of the bands rises at an onset
APART_HOPS = 8  # of two onsets, at least


def envelope_correlation(made: Tensor, truth: Tensor) -> float:
    """Pearson's correlation of the bands' levels over time and bands together, of pcm [B, S]."""
    a, b = envelopes(made).flatten(), envelopes(truth).flatten()
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1])


def onsets(pcm: Tensor) -> list[int]:
    """Hops of 250 samples at which something begins in pcm [S]: peaks of the rise of band levels."""
    strongest = rises(band_rises(pcm[None]))[0]
    found: list[int] = []
    for hop in torch.argsort(strongest, descending=True).tolist():
        if strongest[hop] < RISE:
            break
        if all(abs(hop + 3 - other) >= APART_HOPS for other in found):
            found.append(hop + 3)
    return sorted(found)


def onset_f1(made: list[int], truth: list[int]) -> float:
    """F1 of onsets that lie within two frames of one another, each counted once; 1 where both have none."""
    within = WITHIN_FRAMES * SAMPLES // ONSET_HOP
    left, hits = list(truth), 0
    for hop in made:
        near = min(left, key=lambda other: abs(other - hop), default=None)
        if near is not None and abs(near - hop) <= within:
            left.remove(near)
            hits += 1
    return 1.0 if not made and not truth else 2 * hits / (len(made) + len(truth))


def click_ratio(pcm: Tensor) -> float:
    """Energy above 8 kHz of the eight samples around frame borders over that of all other places: 1 without clicks."""
    steep = pcm[..., 2:] - 2 * pcm[..., 1:-1] + pcm[..., :-2]
    place = (torch.arange(steep.shape[-1]) + 1) % SAMPLES
    border = (place < 4) | (place >= SAMPLES - 4)
    return float(steep[..., border].square().mean() / steep[..., ~border].square().mean().clamp_min(1e-12))


def repetition(pcm: Tensor) -> float:
    """The most by which pcm [S] is like itself some frames later, in one of four ranges of pitch: 1 for a hum."""
    return float(repeats(pcm[None]).amax())


def mean_spectrum_db(pcm: Tensor) -> Tensor:
    """The mean level of 24 bands of pcm [S], in decibels."""
    return DECIBELS * envelopes(pcm[None])[0].mean(0)
