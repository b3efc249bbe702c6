"""How far one sound is from another: spectra at several resolutions, and the envelopes of bands.
Knows waves; refuses to know networks."""

from __future__ import annotations

import torch
from torch import Tensor

from model.sound.spectra import filters, stft

RESOLUTIONS = ((256, 64), (512, 125), (2048, 512))  # window, hop
FLOOR = 3e-3  # of a spectrum's magnitude, below which nobody hears a difference
ENVELOPE_BANDS, ENVELOPE_WINDOW, ENVELOPE_HOP = 24, 500, 250


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


def heard(logits: Tensor, audible: Tensor) -> Tensor:
    """Cross entropy of what the decoder says it hears."""
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, audible.to(logits.dtype))
