"""Light and weather as continuous values that move toward what a prompt asks for.
Knows nothing of drawing or of words beyond the vocabulary's names."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

TIMES = ("dawn", "day", "dusk", "night")
WEATHERS = ("clear", "overcast", "fog", "rain", "snow")
FRAME_S = 1 / 24
TIME_RATE = 0.2  # turns of the sky a second while a prompt moves the sun
RATES = {"cloud": 0.6, "fog": 0.5, "rain": 0.6, "snow": 0.6, "cover": 0.4}  # a second
TURNS = {"dawn": (0.015, 0.045), "day": (0.10, 0.40), "dusk": (0.458, 0.487), "night": (0.62, 0.88)}
RANGES = {  # cloud, fog, rain, snow, cover
    "clear": ((0.12, 0.42), (0, 0), (0, 0), (0, 0), (0, 0)),
    "overcast": ((0.86, 0.98), (0, 0.05), (0, 0), (0, 0), (0, 0)),
    "fog": ((0.5, 0.8), (0.85, 1), (0, 0), (0, 0), (0, 0)),
    "rain": ((0.9, 1), (0.05, 0.2), (1, 1), (0, 0), (0, 0)),
    "snow": ((0.88, 1), (0.05, 0.2), (0, 0), (1, 1), (1, 1)),
}


@dataclass(frozen=True)
class Sky:
    """`tod` in turns (0 sunrise, 0.25 noon, 0.5 sunset), the rest in [0, 1]."""

    tod: float
    cloud: float
    fog: float
    rain: float
    snow: float
    cover: float


def nightly(tod: float | NDArray[np.floating]) -> NDArray[np.floating]:
    """0 by day, 1 by night, of a sun in turns."""
    return np.clip(0.5 - 3 * np.sin(2 * np.pi * tod), 0, 1)


def settled(time: str, weather: str, rng: np.random.Generator) -> Sky:
    """A sky that shows `time` and `weather` fully. Raises ValueError on unknown names."""
    if time not in TIMES:
        raise ValueError(f"a time is one of {', '.join(TIMES)}; got {time!r}")
    if weather not in WEATHERS:
        raise ValueError(f"a weather is one of {', '.join(WEATHERS)}; got {weather!r}")
    tod, cloud, fog = (float(rng.uniform(*bounds)) for bounds in (TURNS[time], *RANGES[weather][:2]))
    rain, snow, cover = (float(low) for low, _ in RANGES[weather][2:])
    return Sky(tod, cloud, fog, rain, snow, cover)


def toward(now: Sky, goal: Sky) -> Sky:
    """The sky one frame later: the sun moves forward until it stands where the goal's stands, the rest in lines."""
    ahead = (goal.tod - now.tod) % 1.0
    step = min(ahead, TIME_RATE * FRAME_S) if ahead < 1 - 1e-6 else 0.0
    moved = {}
    for name, rate in RATES.items():
        gap = getattr(goal, name) - getattr(now, name)
        moved[name] = getattr(now, name) + float(np.clip(gap, -rate * FRAME_S, rate * FRAME_S))
    return replace(now, tod=(now.tod + step) % 1.0, **moved)
