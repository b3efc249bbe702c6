"""Sixteen thousand samples a second to log-mel frames, thirty-three a second, with a mean that follows.
Knows filters; refuses to know words."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

RATE = 16_000
HOP, WINDOW = 160, 400
STACK = 3  # spectra a step: 30 ms
STEP = HOP * STACK
MELS = 40
FEATURES = MELS * STACK
PRIOR_STEPS = 14.0  # how many steps the usual mean counts for at the beginning of an utterance
USUAL = -7.0
FLOOR = 1e-7


def mel_filters() -> Tensor:
    """Triangles [WINDOW / 2 + 1, MELS] from 60 Hz to 7.6 kHz (HTK's mel scale)."""
    low, high = (2595 * math.log10(1 + hz / 700) for hz in (60.0, 7600.0))
    centres = 700 * (10 ** (torch.linspace(low, high, MELS + 2) / 2595) - 1)
    hz = torch.arange(WINDOW // 2 + 1) * RATE / WINDOW
    rise = (hz[:, None] - centres[:-2]) / (centres[1:-1] - centres[:-2])
    fall = (centres[2:] - hz[:, None]) / (centres[2:] - centres[1:-1])
    return torch.minimum(rise, fall).clamp_min(0)


def log_mel(pcm: Tensor) -> Tensor:
    """pcm [B, S] in [-1, 1] -> [B, S // 480, 120]: three spectra a step, each of the 25 ms that end with its hop."""
    padded = F.pad(pcm, (WINDOW - HOP, 0))
    spectrum = torch.fft.rfft(padded.unfold(1, WINDOW, HOP) * torch.hann_window(WINDOW, device=pcm.device))
    level = (spectrum.abs().square() @ mel_filters().to(pcm.device) + FLOOR).log()
    steps = level.shape[1] // STACK
    return level[:, : steps * STACK].reshape(len(pcm), steps, FEATURES)


def normalised(features: Tensor) -> Tensor:
    """Less the mean of all steps so far [B, T, 120] (causal cepstral mean normalisation), over a usual deviation."""
    sums = features.reshape(*features.shape[:2], STACK, MELS).mean(2).cumsum(1)
    count = torch.arange(1, features.shape[1] + 1, device=features.device)[:, None]
    mean = (sums + PRIOR_STEPS * USUAL) / (count + PRIOR_STEPS)
    return (features - mean.repeat(1, 1, STACK)) / 3.0


def at_speed(pcm: Tensor, speed: float) -> Tensor:
    """pcm [B, S], so many times as fast and as high -> [B, S / speed], a step at least."""
    return F.interpolate(pcm[:, None], size=max(round(pcm.shape[1] / speed), STEP), mode="linear", align_corners=True)[
        :, 0
    ]
