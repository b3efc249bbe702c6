"""The microphone's last frame of sound as two tokens' input: loudness, and a spectrum.
Knows no words; keeps nothing."""

from __future__ import annotations

import torch
from torch import Tensor

RATE = 24_000
SAMPLES = 1_000
BANDS = 15
WIDTH = 16  # of each of the two tokens
FLOOR_DB = -60.0


def features(pcm: Tensor) -> Tensor:
    """pcm [..., 1000] in [-1, 1] -> [..., 2, 16], in [0, 1]: (loudness, peak, zeros), (15 bands, 100 Hz to 10 kHz).

    Levels are decibels over FLOOR_DB, divided by its size. What is not finite counts as silence."""
    if pcm.shape[-1] != SAMPLES:
        raise ValueError(f"expected {SAMPLES} samples a frame, got {pcm.shape[-1]}")
    pcm = torch.nan_to_num(pcm.float(), 0.0, 0.0, 0.0).clamp(-1, 1)
    window = torch.hann_window(SAMPLES, device=pcm.device)
    power = torch.fft.rfft(pcm * window).abs().square() / (window.sum() / 2) ** 2
    edges = torch.logspace(2, 4, BANDS + 1, device=pcm.device) * SAMPLES / RATE
    bins = torch.arange(power.shape[-1], device=pcm.device)
    inside = (bins[:, None] >= edges[:-1].floor()) & (
        bins[:, None] < edges[1:].floor().clamp_min(1 + edges[:-1].floor())
    )
    spectrum = _level(power @ inside.to(power.dtype))
    rms, peak = pcm.square().mean(-1, keepdim=True), pcm.abs().amax(-1, keepdim=True).square()
    first = torch.cat([_level(2 * rms), _level(peak), torch.zeros_like(spectrum[..., :14])], -1)
    return torch.stack([first, torch.cat([spectrum, torch.zeros_like(rms)], -1)], -2)


def _level(power: Tensor) -> Tensor:
    return (1 - 10 * power.clamp_min(1e-12).log10() / FLOOR_DB).clamp(0, 1)
