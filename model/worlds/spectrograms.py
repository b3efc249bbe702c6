"""What worlds sound like, to look at: spectrograms of everything that can be heard, each by itself.
Knows samples and pixels; refuses to know where a sound comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.worlds.film_sounds import film_sound
from model.worlds.happenings import GROUNDS, Ambience, Heard
from model.worlds.music import piece
from model.worlds.noises import RATE, Wave

Pixels = NDArray[np.uint8]
SECONDS = 5
WINDOW, HOP = 1024, 200  # samples
LOW_HZ, HIGH_HZ = 60.0, 12_000.0  # the lowest and the highest row, in octaves
FLOOR_DB, TOP_DB = -78.0, -18.0
TONES = np.array([(8, 8, 20), (52, 20, 92), (140, 40, 110), (222, 84, 70), (250, 170, 70), (255, 250, 210)], np.float64)
QUIET = Ambience(wind=0.0, rain=0.0, fire_m=inf, waves_m=inf, boat=0.0)
AMBIENCES = {
    "wind": replace(QUIET, wind=1.0),
    "rain": replace(QUIET, rain=1.0),
    "fire, 3 m away": replace(QUIET, fire_m=3.0),
    "waves, 6 m away": replace(QUIET, waves_m=6.0),
    "boat": replace(QUIET, boat=1.0),
    "birds by day": replace(QUIET, birds=1.2),
    "gulls by day": replace(QUIET, gulls=0.8),
    "crickets by night": replace(QUIET, crickets=1.0),
}


def spectrogram(pcm: Wave, size: tuple[int, int]) -> Pixels:
    """Levels of a sound as a picture [height, width, 3] of (width, height): time to the right, octaves upward."""
    framed = np.lib.stride_tricks.sliding_window_view(np.pad(pcm, WINDOW // 2), WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(framed * np.hanning(WINDOW))) * 4 / WINDOW
    rows = np.geomspace(HIGH_HZ, LOW_HZ, size[1]) / RATE * WINDOW
    low = np.minimum(rows.astype(int), WINDOW // 2 - 1)
    share = np.clip(rows - low, 0, 1)
    levels = power[:, low] * (1 - share) + power[:, low + 1] * share
    level_db = 20 * np.log10(np.maximum(levels.T, 1e-6))
    at = np.clip((level_db - FLOOR_DB) / (TOP_DB - FLOOR_DB), 0, 1) * (len(TONES) - 1)
    tones = np.stack([np.interp(at, np.arange(len(TONES)), TONES[:, k]) for k in range(3)], -1)
    return np.asarray(Image.fromarray(tones.astype(np.uint8)).resize(size, Image.Resampling.BILINEAR))


def every_sound() -> Iterator[tuple[str, Wave]]:
    """All that films can sound like, one at a time, SECONDS long."""
    frames = SECONDS * 24
    for name, ambience in AMBIENCES.items():
        yield name, film_sound([], [ambience] * frames, 1).pcm
    for metres in (450.0, 1029.0):
        strike = Heard("thunder", 0.0, metres, min(1.0, 600 / metres))
        yield f"thunder, {metres:.0f} m away, struck at 0 s", film_sound([strike], [QUIET] * frames, 1).pcm
    bounces = [Heard("bounce", 0.4 + 3.2 * (1 - 0.72**k), 4.0, 0.72**k) for k in range(7)]
    yield "a ball bounces", film_sound(bounces, [QUIET] * frames, 1).pcm
    bursts = [Heard("burst", 0.55 * k, 80.0) for k in range(8)]
    yield "fireworks, 80 m away", film_sound(bursts, [QUIET] * frames, 1).pcm
    falls = [Heard("landing", 0.5, 1.7, 1.0, "grass"), Heard("splash", 2.5, 1.7, 1.0, "water")]
    yield "landing on grass; in water", film_sound(falls, [QUIET] * frames, 1).pcm
    for ground in GROUNDS:
        if ground != "none":
            feet = [Heard("footfall", 0.244 * k, 1.7, 0.64, ground) for k in range(1, 20)]
            yield f"footsteps on {ground}", film_sound(feet, [QUIET] * frames, 1).pcm
    yield "music, as it is given", piece(1, frames)
