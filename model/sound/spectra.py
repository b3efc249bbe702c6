"""Short spectra and bands of hearing, a frame of 1000 samples at a time.
Knows filters and windows; refuses to know networks."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

RATE = 24_000
SAMPLES = 1_000  # a frame
HOP = 250
HOPS = SAMPLES // HOP  # a frame
WINDOW = 2 * HOP
LOWEST_HZ, HIGHEST_HZ = 40.0, 11_800.0
BINS = 136  # the lowest of a window's 251: up to 6.5 kHz, where sounds have pitch


def edges_hz(bands: int) -> Tensor:
    """Edges [bands + 1] that are evenly spaced in equivalent rectangular bandwidths (Glasberg and Moore, 1990)."""
    low, high = (math.log1p(0.00437 * hz) for hz in (LOWEST_HZ, HIGHEST_HZ))
    return torch.expm1(torch.linspace(low, high, bands + 1)) / 0.00437


def filters(bands: int, window: int) -> Tensor:
    """Triangles over the bins of a window's power spectrum [window / 2 + 1, bands]; each sums to 1."""
    edges = edges_hz(bands + 1)
    hz = torch.arange(window // 2 + 1) * RATE / window
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rise, fall = (hz[:, None] - low) / (middle - low), (high - hz[:, None]) / (high - middle)
    triangle = torch.minimum(rise, fall).clamp_min(0)
    nearest = F.one_hot((hz[:, None] - middle).abs().argmin(0), len(hz)).T.to(triangle.dtype)
    triangle = torch.where(triangle.sum(0) > 0, triangle, nearest)
    return triangle / triangle.sum(0)


def stft(pcm: Tensor, window: int, hop: int) -> Tensor:
    """pcm [B, S] -> complex [B, N, window / 2 + 1], Hann, without padding."""
    return torch.fft.rfft(pcm.unfold(1, window, hop) * torch.hann_window(window, device=pcm.device))


def noise_bands(loops: Tensor) -> Tensor:
    """Looped noise [bands, longest loop, 1000] as float16: each band's has a root mean square of 1, and no seam after
    as many frames as `loops` [bands] says."""
    generator = torch.Generator().manual_seed(7)
    edges, longest = edges_hz(len(loops)), int(loops.max())
    made = torch.zeros(len(loops), longest, SAMPLES, dtype=torch.float16)
    soft, noise = 24.0, torch.randn(longest * SAMPLES, generator=generator)
    for band, frames in enumerate(loops.tolist()):
        samples = frames * SAMPLES
        octaves = torch.log2((torch.arange(samples // 2 + 1) * RATE / samples).clamp_min(1e-3))
        rise = torch.sigmoid(soft * (octaves - edges[band].log2()))
        fall = torch.sigmoid(soft * (edges[band + 1].log2() - octaves))
        wave = torch.fft.irfft(torch.fft.rfft(noise[:samples]) * rise * fall, samples)
        made[band, :frames] = (wave / wave.square().mean().sqrt()).reshape(frames, SAMPLES).half()
    return made
