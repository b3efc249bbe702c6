"""How far one sound is from another: spectra at several resolutions, and the envelopes of bands.
Knows waves; refuses to know networks."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from model.sound.spectra import RATE, SAMPLES, filters, stft

RESOLUTIONS = ((256, 64), (512, 125), (2048, 512))  # window, hop
FLOOR = 3e-3  # of a spectrum's magnitude, below which nobody hears a difference
ENVELOPE_BANDS, ENVELOPE_WINDOW, ENVELOPE_HOP = 24, 500, 250
QUIET = 3e-4  # of a band's amplitude, below which nothing begins
LOUD_RISE = 1.5  # nats, above which an onset weighs no more
PEAK_HOP, PEAK_ROOM = 250, 1.25
RANGES_HZ, LAGS = (40.0, 150.0, 400.0, 1500.0, 6500.0), 40  # in which sound is held against itself, frames later
CHANCE = 0.05  # of a correlation
SILENT = 1e-4  # of the sum of squares in a range


def spectral(made: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference of log magnitudes, and of square roots of them: pcm [B, S] each."""
    total = made.new_zeros(())
    for window, hop in RESOLUTIONS:
        a, b = (stft(pcm, window, hop).abs() * (256 / window) ** 0.5 for pcm in (made, truth))
        logs = ((a + FLOOR).log() - (b + FLOOR).log()).abs().mean()
        roots = ((a + 1e-6).sqrt() - (b + 1e-6).sqrt()).abs().mean()
        total = total + logs + roots
    return total / len(RESOLUTIONS)


def envelopes(pcm: Tensor) -> Tensor:
    """Levels of bands [B, N, 24] as logarithms of their power, every 250 samples."""
    power = stft(pcm, ENVELOPE_WINDOW, ENVELOPE_HOP).abs().square()
    return (power @ filters(ENVELOPE_BANDS, ENVELOPE_WINDOW).to(power) + 1e-5).log()


def envelope(made: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference of the bands' levels."""
    return (envelopes(made) - envelopes(truth)).abs().mean()


def band_rises(pcm: Tensor) -> Tensor:
    """By how many nats each band is above the loudest of the three hops before: pcm [B, S] -> [B, N - 3, 24], of hops
    3, 4, ...; 0 where it is not."""
    levels = (((torch.exp(envelopes(pcm)) - 1e-5).clamp_min(0) + 1e-12).sqrt() + QUIET).log()
    before = torch.nn.functional.max_pool1d(levels.transpose(1, 2), 3, 1).transpose(1, 2)[:, :-1]
    return (levels[:, 3:] - before).clamp_min(0)


def rises(bands: Tensor) -> Tensor:
    """The mean rise of the third of the bands that rises most, [B, N, 24] -> [B, N]."""
    return bands.topk(bands.shape[2] // 3, 2).values.mean(2)


def onset(made: Tensor, truth: Tensor) -> Tensor:
    """Difference of the rises where something begins in either sound, which a mean over all moments would drown; band
    by band, or a few that rise too much would stand for all."""
    a, b = band_rises(made), band_rises(truth)
    weight = torch.maximum(rises(a.detach()), rises(b)).clamp_max(LOUD_RISE).square()
    apart = (a - b).abs().mean(2) + (rises(a) - rises(b)).abs()
    return (weight * apart).sum() / (weight.sum() + len(made))


def overshoot(made: Tensor, truth: Tensor) -> Tensor:
    """By how much the peaks of hops stand out above the truth's around them: logarithms hardly hear that."""
    a, b = (pcm.abs().unfold(1, PEAK_HOP, PEAK_HOP).amax(2) for pcm in (made, truth))
    around = torch.nn.functional.max_pool1d(b[:, None], 3, 1, 1)[:, 0]
    return (a - PEAK_ROOM * around).clamp_min(0).mean()


def repeats(pcm: Tensor) -> Tensor:
    """How much sound is like itself so many frames later: correlations in [-1, 1], pcm [B, S] -> [B, 4 ranges of pitch,
    lags of 1, 2, ... LAGS frames]. About 0 for noise; where a decoder draws noise alike every few frames, 1."""
    samples = pcm.shape[1]
    power = torch.fft.rfft(pcm, n=2 * samples).abs().square()
    hz = torch.arange(power.shape[1], device=pcm.device) * RATE / (2 * samples)
    ranges = torch.stack([(hz >= low) & (hz < high) for low, high in pairwise(RANGES_HZ)])
    alike = torch.fft.irfft(power[:, None] * ranges, n=2 * samples)
    lags = torch.arange(1, LAGS + 1, device=pcm.device) * SAMPLES
    return alike[..., lags] / (alike[..., :1] + SILENT) * (samples / (samples - lags))


def repetition(made: Tensor, truth: Tensor) -> Tensor:
    """By how much one repeats itself more than the other, over all lags, beyond what chance does."""
    return (repeats(made).abs() - repeats(truth).abs() - CHANCE).clamp_min(0).sum(2).mean()


def heard(logits: Tensor, audible: Tensor) -> Tensor:
    """Cross entropy of what the decoder says it hears."""
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, audible.to(logits.dtype))
