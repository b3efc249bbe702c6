"""The figures of sound: a true sound through the tokenizer, and what the head makes up beside what is true.
Knows networks and recordings; the judge of a rollout is its statistics, since no two rains are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from model.sound.figures import click_ratio, envelope_correlation, mean_spectrum_db, onset_f1, onsets
from model.sound.networks import Sounding, SoundNetworks
from model.sound.spectra import HOP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.sound.recordings import Recording

STATE = (4, 8)


@torch.inference_mode()
def reconstructed(networks: SoundNetworks, pcm: Tensor) -> Tensor:
    """pcm [S] in [-1, 1] through the tokenizer, frame after frame's latents decoded in one go."""
    tokenizer = networks.tokenizer
    latents = tokenizer.encode(torch.cat([torch.zeros(HOP), pcm])[None])
    return tokenizer.decode(latents, tokenizer.silence()).pcm[0]


def imagined(networks: SoundNetworks, given: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """What the head makes of states and controls [T, 44]: pcm [T * 1000], and what it hears in it [T, sources]."""
    sounding = Sounding(networks, seed)
    frames = [sounding.step(row[: STATE[0] * STATE[1]].reshape(STATE), row[STATE[0] * STATE[1] :]) for row in given]
    return torch.cat([pcm for pcm, _ in frames]), torch.stack([heard for _, heard in frames])


def measure(networks: SoundNetworks, recordings: Sequence[Recording]) -> dict[str, float]:
    """On recordings that no training saw: `envelope_correlation`, `onset_f1` and `click_ratio` of the tokenizer;
    `listening_f1` of what it says it hears; of the head's own sound `imagined_spectrum_db`, the mean difference of band
    levels, and `imagined_listening_f1`, what it says is heard beside what the simulator would have sounded."""
    correlations, hits, counted, spectra, borders = [], 0.0, 0, [], []
    truths, heard_of_truth, heard_of_own = [], [], []
    for seed, of in enumerate(recordings):
        pcm = of.pcm.float() / 32767
        made = reconstructed(networks, pcm)
        correlations.append(envelope_correlation(made[None], pcm[None]))
        here, there = onsets(made), onsets(pcm)
        hits, counted = hits + onset_f1(here, there) * (len(here) + len(there)), counted + len(here) + len(there)
        borders.append(click_ratio(made) / click_ratio(pcm))
        own, heard = imagined(networks, of.given, seed)
        spectra.append(float((mean_spectrum_db(own) - mean_spectrum_db(pcm)).abs().mean()))
        truths.append(of.audible)
        heard_of_own.append(heard > 0.5)
        heard_of_truth.append(_heard(networks, pcm) > 0.5)
    audible = torch.cat(truths)
    return {
        "envelope_correlation": sum(correlations) / len(correlations),
        "onset_f1": hits / max(counted, 1),
        "click_ratio": sum(borders) / len(borders),
        "listening_f1": _f1(torch.cat(heard_of_truth), audible),
        "imagined_spectrum_db": sum(spectra) / len(spectra),
        "imagined_listening_f1": _f1(torch.cat(heard_of_own), audible),
    }


@torch.inference_mode()
def _heard(networks: SoundNetworks, pcm: Tensor) -> Tensor:
    tokenizer = networks.tokenizer
    latents = tokenizer.encode(torch.cat([torch.zeros(HOP), pcm])[None])
    return tokenizer.decode(latents, tokenizer.silence()).heard[0].sigmoid()


def _f1(said: Tensor, true: Tensor) -> float:
    return float(2 * (said & true).sum() / (said.sum() + true.sum()).clamp_min(1))
