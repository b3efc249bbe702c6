"""Music as an input: a piece from a seed or a WAV file, and how loud each frame of it is. Lights follow that loudness.
Knows samples at 24 kHz; refuses to know what pulses."""

from __future__ import annotations

import wave
from math import exp
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.worlds.noises import RATE, SAMPLES, Wave, burst, chirp, lay
from model.worlds.physics import FRAME_S

QUIET_DB, LOUD_DB = -40.0, -12.0  # of full scale in one frame: no pulse, and all of it
RELEASE_S = 0.14  # the time constant with which a pulse fades when the music does
SCALE = (0, 2, 3, 5, 7, 8, 10)  # semitones of natural minor
CHORDS = ((0, 2, 4), (5, 0, 2), (2, 4, 6), (3, 5, 0))  # degrees, four beats each


class BadTrack(ValueError):
    """A file that is not a track that can be read."""


def loudness(pcm: Wave, frames: int) -> NDArray[np.float32]:
    """How loud each frame of a track is, [frames] in [0, 1]; from what was heard until then only: it rises at once and
    fades in RELEASE_S. After the track's end it is silent."""
    if frames <= 0:
        raise ValueError(f"expected one frame at least; got {frames}")
    padded = np.zeros(frames * SAMPLES, np.float64)
    padded[: min(len(pcm), len(padded))] = pcm[: len(padded)]
    level_db = 10 * np.log10(np.square(padded.reshape(frames, SAMPLES)).mean(1) + 1e-12)
    now, pulses = 0.0, np.zeros(frames, np.float32)
    for frame, level in enumerate(np.clip((level_db - QUIET_DB) / (LOUD_DB - QUIET_DB), 0, 1)):
        now = max(float(level), now * exp(-FRAME_S / RELEASE_S))
        pulses[frame] = now
    return pulses


def piece(seed: int, frames: int) -> Wave:
    """A made-up piece of so many frames [frames * SAMPLES] in [-1, 1]: chords, a bass drum, a melody, with breaks."""
    if seed < 0:
        raise ValueError(f"a seed is a non-negative integer; got {seed}")
    rng = np.random.default_rng([seed, 41])
    track = np.zeros(frames * SAMPLES, np.float32)
    beat_s, root_hz = 60 / float(rng.uniform(72, 138)), float(rng.uniform(98, 165))
    drums = rng.uniform(size=64) < 0.8  # bars with a drum
    at_s, beat = -float(rng.uniform(0, 4)) * beat_s, 0
    while at_s < frames * FRAME_S:
        bar = beat // 4
        if beat % 4 == 0:
            for degree in CHORDS[bar % len(CHORDS)]:
                lay(track, at_s, chirp(2 * _hz(root_hz, degree), 2 * _hz(root_hz, degree), 4.2 * beat_s), 0.035)
        if drums[bar % len(drums)]:
            lay(track, at_s, chirp(130, 42, 0.16), 0.62)
            lay(track, at_s + beat_s / 2, burst(rng, 4000, 11000, 0.02), 0.10)
        if rng.uniform() < 0.6:
            note = 4 * _hz(root_hz, int(rng.integers(7)))
            lay(track, at_s, chirp(note, note, 0.8 * beat_s), float(rng.uniform(0.05, 0.13)))
        at_s, beat = at_s + beat_s, beat + 1
    return np.asarray(np.tanh(track), np.float32)


def _hz(root_hz: float, degree: int) -> float:
    return float(root_hz * 2 ** (SCALE[degree] / 12))


def read_track(path: Path) -> Wave:
    """A WAV file of 16 bit as mono at 24 kHz, in [-1, 1]. Raises BadTrack with what is wrong."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            raw = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise BadTrack(f"expected a WAV file in {path}; got {error}") from error
    if width != 2 or not raw:
        raise BadTrack(f"expected samples of 16 bit in {path}; got {len(raw)} bytes of {8 * width} bit")
    mono = np.frombuffer(raw, "<i2").reshape(-1, channels).mean(1) / 32768
    at = np.arange(int(len(mono) * RATE / rate)) * rate / RATE
    return np.interp(at, np.arange(len(mono)), mono).astype(np.float32)
