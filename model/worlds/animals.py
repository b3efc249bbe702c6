"""How animals sound: birds, gulls, crickets; laid on a track by a random generator that is handed in.
Knows samples at 24 kHz; refuses to know where and when animals are."""

from __future__ import annotations

import numpy as np

from model.worlds.noises import SAMPLES, Wave, chirp, lay


def song(track: Wave, at_s: float, rng: np.random.Generator) -> None:
    """A bird sings a phrase."""
    gain, base = float(rng.uniform(0.02, 0.09)), float(rng.uniform(2400, 5200))
    rise, length_s = float(rng.uniform(0.75, 1.35)), float(rng.uniform(0.06, 0.16))
    for k in range(int(rng.integers(2, 8))):
        lay(track, at_s + 1.5 * length_s * k, chirp(base, base * rise, length_s), gain)


def cries(track: Wave, at_s: float, rng: np.random.Generator) -> None:
    """A gull cries a few times."""
    gain, high = float(rng.uniform(0.03, 0.1)), float(rng.uniform(1300, 1900))
    for k in range(int(rng.integers(2, 5))):
        cry = chirp(high, 0.62 * high, 0.28, 28.0) + 0.5 * chirp(2 * high, 1.24 * high, 0.28, 28.0)
        lay(track, at_s + 0.38 * k, cry, gain)


def chirring(frames: int, rng: np.random.Generator) -> Wave:
    """Two crickets through so many frames, [frames * SAMPLES]."""
    track = np.zeros(frames * SAMPLES, np.float32)
    for _ in range(2):
        pitch, every_s = float(rng.uniform(3900, 4700)), float(rng.uniform(0.42, 0.75))
        call = np.concatenate([np.pad(chirp(pitch, 0.99 * pitch, 0.022), (0, 430)) for _ in range(4)])
        at_s, gain = float(rng.uniform(0, every_s)), float(rng.uniform(0.4, 1.0))
        while at_s < frames / 24:
            lay(track, at_s, call, gain)
            at_s += every_s * float(rng.uniform(0.97, 1.03))
    return track
