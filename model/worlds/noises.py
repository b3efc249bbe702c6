"""What sounds are made of: bands of noise, bursts, chirps, slow curves; all by a random generator that is handed in;
and how they are mixed. Knows samples at 24 kHz; refuses to know what in a world makes a sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 24_000
SAMPLES = 1_000  # a frame of 1/24 s
AUDIBLE_DB = -52.0  # of full scale, in one frame
MASKED_DB = 20.0  # below the loudest source of the frame nobody hears it
Wave = NDArray[np.float32]
Stems = dict[str, Wave]  # by source


@dataclass(frozen=True)
class Sounds:
    """`pcm` [T * 1000] in [-1, 1] at 24 kHz; `audible` [T, sources]: which sources somebody would notice."""

    pcm: Wave
    audible: NDArray[np.bool_]


class OtherNoise(np.random.Generator):
    """Draws what a generator of this seed draws, so that the same happens; only its noise is another."""

    def __init__(self, seed: Sequence[int], noise: int) -> None:
        super().__init__(np.random.PCG64(np.random.SeedSequence(seed)))
        self._noise = np.random.default_rng([*seed, noise])

    def standard_normal(self, *given: Any, **named: Any) -> Any:
        super().standard_normal(*given, **named)
        return self._noise.standard_normal(*given, **named)


def band(rng: np.random.Generator, samples: int, low_hz: float, high_hz: float) -> Wave:
    """Noise [samples] between two frequencies, with edges of half an octave; root mean square 1."""
    if not 0 < low_hz < high_hz <= RATE / 2:
        raise ValueError(f"a band lies between 0 and {RATE // 2} Hz, low before high; got {low_hz} to {high_hz}")
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    octaves = np.log2(np.maximum(np.fft.rfftfreq(samples, 1 / RATE), 1e-3))
    rise = 1 / (1 + np.exp(-12 * (octaves - np.log2(low_hz))))
    fall = 1 / (1 + np.exp(12 * (octaves - np.log2(high_hz))))
    made = np.fft.irfft(spectrum * rise * fall, samples)
    return np.asarray(made / max(float(np.sqrt(np.mean(made**2))), 1e-9), np.float32)


def drift(rng: np.random.Generator, frames: int, period_s: float) -> Wave:
    """A slow curve in [0, 1], one value a frame, that turns about every `period_s` seconds."""
    knots = rng.uniform(0, 1, int(frames / 24 / period_s) + 4)
    at = np.arange(frames) / 24 / period_s + rng.uniform()
    i = at.astype(int)
    f = at - i
    w = f * f * (3 - 2 * f)
    return np.asarray(knots[i] * (1 - w) + knots[i + 1] * w, np.float32)


def by_sample(levels: NDArray[np.floating]) -> Wave:
    """Values at the ends of frames [T] -> [T * SAMPLES], in straight lines."""
    ends = np.concatenate([levels[:1], levels])
    share = (np.arange(SAMPLES) + 1) / SAMPLES
    return np.asarray(ends[:-1, None] * (1 - share) + ends[1:, None] * share, np.float32).reshape(-1)


def burst(rng: np.random.Generator, low_hz: float, high_hz: float, decay_s: float) -> Wave:
    """A knock: a band of noise that is there within 2 ms and falls by e in `decay_s`; peak about 1."""
    samples = int(5 * decay_s * RATE) + 64
    seconds = np.arange(samples) / RATE
    shape = np.minimum(seconds / 0.002, 1) * np.exp(-seconds / decay_s)
    return np.asarray(band(rng, samples, low_hz, high_hz) * shape * 0.4, np.float32)


def chirp(from_hz: float, to_hz: float, seconds: float, wobble_hz: float = 0.0) -> Wave:
    """A tone that glides, with soft ends, its amplitude beating at `wobble_hz`; peak 1."""
    samples = max(int(seconds * RATE), 2)
    share = np.arange(samples) / (samples - 1)
    turns = np.cumsum(from_hz + (to_hz - from_hz) * share) / RATE
    shape = np.sin(np.pi * share) ** 0.7
    if wobble_hz:
        shape = shape * (0.55 + 0.45 * np.sin(2 * np.pi * wobble_hz * share * seconds))
    return np.asarray(np.sin(2 * np.pi * turns) * shape, np.float32)


def lay(track: Wave, at_s: float, sound: Wave, gain: float) -> None:
    """Adds a sound to a track from this second on; what lies outside of the track is left out."""
    first = int(at_s * RATE)
    begin, end = max(first, 0), min(first + len(sound), len(track))
    if begin < end:
        track[begin:end] += gain * sound[begin - first : end - first]


def mixed(stems: Stems) -> Sounds:
    """All sources at once, softly limited."""
    power = np.stack([np.square(stem.reshape(-1, SAMPLES)).mean(1) for stem in stems.values()], -1)
    level_db = 10 * np.log10(power + 1e-12)
    audible = (level_db > AUDIBLE_DB) & (level_db > level_db.max(1, keepdims=True) - MASKED_DB)
    pcm = np.tanh(1.2 * np.sum(list(stems.values()), 0)) / 1.2
    return Sounds(pcm.astype(np.float32), audible)
