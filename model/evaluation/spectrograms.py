"""Spectrograms of two sounds, what was made above what is true, as a data URI.
Knows waves and JPEG; nothing of metrics."""

from __future__ import annotations

import base64
import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from model.sound.spectra import filters, stft

WINDOW, HOP, ROWS = 1024, 500, 96
QUIET_DB, LOUD_DB = -75.0, -5.0
MOST_SAMPLES = 240_000  # 10 s at 24 kHz
QUALITY = 80


def picture(pcm: Tensor) -> np.ndarray:
    """Levels of ROWS bands over time, high ones above: pcm [S] in [-1, 1] at 24 kHz -> [ROWS, N] uint8."""
    power = stft(pcm[None, :MOST_SAMPLES], WINDOW, HOP)[0].abs().square() @ filters(ROWS, WINDOW)
    level_db = 10 * torch.log10(power / (WINDOW / 4) ** 2 + 1e-12)
    share = ((level_db - QUIET_DB) / (LOUD_DB - QUIET_DB)).clamp(0, 1)
    return (255 * share.T.flip(0)).to(torch.uint8).numpy()


def pair(made: Tensor, truth: Tensor) -> str:
    """Both of them, as a JPEG data URI."""
    border = np.full((3, picture(truth).shape[1]), 255, np.uint8)
    both = np.concatenate([picture(made), border, picture(truth)]).repeat(2, 0).repeat(2, 1)
    data = io.BytesIO()
    Image.fromarray(both).save(data, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()
