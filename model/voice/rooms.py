"""Where a voice is heard: rooms, microphones, background noise and music; and music alone.
Knows waves at 16 kHz; refuses to know words."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.voice.spectra import RATE

Wave = NDArray[np.float32]


def room(pcm: Wave, rng: np.random.Generator) -> Wave:
    """The same in a room: sound that comes again, falling by 60 dB within 0.1 to 0.6 s."""
    seconds = float(rng.uniform(0.1, 0.6))
    count = int(seconds * RATE)
    answer = rng.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
    answer *= float(rng.uniform(0.1, 0.8)) / np.sqrt(np.square(answer).sum())
    answer[0] = 1.0
    size = 1 << (len(pcm) + count).bit_length()
    return np.asarray(np.fft.irfft(np.fft.rfft(pcm, size) * np.fft.rfft(answer, size), size)[: len(pcm)], np.float32)


def microphone(pcm: Wave, rng: np.random.Generator) -> Wave:
    """The same through a microphone: a tilt, edges, now and then a telephone's, and now and then clipping."""
    hz = np.maximum(np.fft.rfftfreq(len(pcm), 1 / RATE), 1.0)
    telephone = rng.uniform() < 0.15
    low, high = (300.0, 3400.0) if telephone else (float(rng.uniform(20, 180)), float(rng.uniform(5000, 8000)))
    tilt = (hz / 1000) ** float(rng.uniform(-0.35, 0.35))
    response = tilt / (1 + (low / hz) ** 4) / (1 + (hz / high) ** 8)
    heard = np.fft.irfft(np.fft.rfft(pcm) * response, len(pcm))
    level = 10 ** float(rng.uniform(-1.6, -0.1)) / max(float(np.abs(heard).max()), 1e-6)
    if rng.uniform() < 0.05:
        level *= 3
    return np.asarray(np.clip(heard * level, -1, 1), np.float32)


def noise(samples: int, rng: np.random.Generator) -> Wave:
    """Noise between white and brown, with mains hum now and then; root mean square 1."""
    hz = np.maximum(np.fft.rfftfreq(samples, 1 / RATE), 20.0)
    colour = hz ** -float(rng.uniform(0.0, 1.0))
    made = np.fft.irfft(np.fft.rfft(rng.standard_normal(samples)) * colour, samples)
    made /= made.std() + 1e-9
    if rng.uniform() < 0.2:
        made += 0.7 * np.sin(2 * np.pi * float(rng.choice([50, 60, 100])) * np.arange(samples) / RATE)
    return np.asarray(made / (made.std() + 1e-9), np.float32)


def music(samples: int, rng: np.random.Generator) -> Wave:
    """Chords, a melody and a beat of a seed's own key, tempo and instruments; root mean square 1."""
    track = np.zeros(samples)
    beat_s, key = float(rng.uniform(0.25, 0.7)), float(rng.uniform(90, 240))
    scale = 2 ** (np.array([0, 2, 4, 5, 7, 9, 11] if rng.uniform() < 0.6 else [0, 2, 3, 5, 7, 8, 10]) / 12)
    partials, decay = int(rng.integers(2, 9)), float(rng.uniform(0.15, 1.2))
    sung = rng.uniform() < 0.5
    for beat in range(int(samples / RATE / beat_s) + 1):
        notes = [scale[rng.integers(7)] * 2 ** rng.integers(0, 3) for _ in range(int(rng.integers(1, 4)))]
        for note in notes:
            at, length = int(beat * beat_s * RATE), int(beat_s * RATE * rng.uniform(0.8, 2.5))
            _note(track, at, length, key * note, (partials, decay, sung))
        if rng.uniform() < 0.6:
            at, length = int(beat * beat_s * RATE), min(2400, samples)
            hit = rng.standard_normal(length) * np.exp(-np.arange(length) / 500)
            end = min(at + length, samples)
            track[at:end] += 0.5 * hit[: max(end - at, 0)]
    return np.asarray(track / (track.std() + 1e-9), np.float32)


def _note(track: NDArray[np.floating], at: int, length: int, hz: float, sound: tuple[int, float, bool]) -> None:
    end = min(at + length, len(track))
    if end <= at:
        return
    partials, decay, sung = sound
    seconds = np.arange(end - at) / RATE
    wobble = 0.012 * np.sin(2 * np.pi * 5.5 * seconds) if sung else 0.0
    shape = np.minimum(seconds / 0.02, 1) * np.exp(-seconds / decay)
    for k in range(1, partials + 1):
        if k * hz < RATE / 2:
            track[at:end] += np.sin(2 * np.pi * k * hz * seconds * (1 + wobble / np.maximum(seconds, 1))) / k * shape


def mixed(voice: Wave, background: Wave, snr_db: float) -> Wave:
    """A voice over a background, so much louder than it (by the voice's own samples that are not silence)."""
    loud = np.abs(voice) > 0.05 * max(float(np.abs(voice).max()), 1e-9)
    power = float(np.square(voice[loud]).mean()) if loud.any() else 0.0
    gain = np.sqrt(power / max(float(np.square(background).mean()), 1e-12)) * 10 ** (-snr_db / 20)
    return np.asarray(voice + gain * background[: len(voice)], np.float32)


def at_16k(pcm: Tensor) -> Tensor:
    """pcm [S] at 24 kHz -> at 16 kHz, past a short low-pass."""
    smooth = torch.nn.functional.avg_pool1d(pcm[None, None], 3, 1, 1)
    resampled = torch.nn.functional.interpolate(smooth, scale_factor=2 / 3, mode="linear", align_corners=False)
    return resampled[0, 0]
