"""What a film sounds like: from its records of what happens and of what sounds all the time. A function of the seed.
Knows the records of happenings.py; nothing of pictures, walks or networks."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np

from model.worlds.animals import chirring, cries, song
from model.worlds.happenings import Ambience, Heard
from model.worlds.noises import RATE, SAMPLES, Sounds, Stems, band, burst, by_sample, chirp, drift, lay, mixed
from model.worlds.sounds import STEP_SOUNDS, rumble

AMBIENT = ("wind", "rain", "fire", "waves", "boat", "birds", "gulls", "crickets")
SHORT = ("thunder", "bounce", "burst", "splash", "steps")
FILM_SOURCES = (*AMBIENT, *SHORT)
NEAR_M = 4.0  # where a thing is as loud as it gets
TREADS = {"stone": "rock", "dust": "sand", "wood": "rock", "none": "grass"}  # grounds that sound like another
LOUDER_LANDING = 1.9
CRACKLES_A_S = 14.0
WAVE_S = 5.5  # from one wave's fall to the next


def film_sound(heard: Sequence[Heard], ambience: Sequence[Ambience], seed: int) -> Sounds:
    """The sound of len(ambience) frames; `audible` is by FILM_SOURCES. Raises ValueError on a film without frames."""
    if not ambience:
        raise ValueError("expected a film of one frame at least; got none")
    rng = np.random.default_rng([seed, 8])
    stems = {name: np.zeros(len(ambience) * SAMPLES, np.float32) for name in FILM_SOURCES}
    _ambient(stems, ambience, rng)
    _animals(stems, ambience, rng)
    for one in heard:
        _short(stems, one, rng)
    return mixed(stems)


def nearness(distance_m: float) -> float:
    """How much of a thing's loudness arrives from there: 1 within NEAR_M, then falling as its distance grows."""
    return NEAR_M / max(distance_m, NEAR_M) if isfinite(distance_m) else 0.0


def _ambient(stems: Stems, ambience: Sequence[Ambience], rng: np.random.Generator) -> None:
    frames = len(ambience)
    samples = frames * SAMPLES
    wind, rain, boat = (np.array([getattr(one, name) for one in ambience]) for name in ("wind", "rain", "boat"))
    fire, waves = (np.array([nearness(getattr(one, name)) for one in ambience]) for name in ("fire_m", "waves_m"))
    gusts = 0.35 + 0.9 * drift(rng, frames, 2.5) * drift(rng, frames, 0.8)
    stems["wind"] += band(rng, samples, 60, 400) * by_sample(0.07 * wind * gusts)
    stems["wind"] += band(rng, samples, 350, 1400) * by_sample(0.03 * (wind * gusts) ** 2)
    stems["rain"] += band(rng, samples, 900, 9000) * by_sample(0.035 * rain)
    turns = np.cumsum(0.85 + 0.3 * drift(rng, frames, 4.0)) / 24 / WAVE_S + rng.uniform()
    swell = 0.12 + 1.1 * np.exp(3.0 * (np.cos(2 * np.pi * turns) - 1))
    stems["waves"] += band(rng, samples, 90, 5000) * by_sample(0.11 * waves * swell)
    stems["fire"] += band(rng, samples, 60, 700) * by_sample(0.05 * fire * (0.6 + 0.4 * drift(rng, frames, 0.3)))
    creaks = drift(rng, frames, 0.9)
    stems["boat"] += band(rng, samples, 120, 900) * by_sample(0.05 * boat * creaks**2)
    for frame in range(frames):
        for _ in range(rng.poisson(CRACKLES_A_S / 24 * (fire[frame] > 0))):
            lay(stems["fire"], (frame + rng.uniform()) / 24, burst(rng, 1200, 9000, 0.004), 0.35 * fire[frame])
        if rng.uniform() < 0.6 / 24 * boat[frame]:
            high = float(rng.uniform(300, 520))
            lay(stems["boat"], frame / 24, chirp(high, 0.8 * high, 0.35, 18.0), 0.03 * boat[frame])


def _animals(stems: Stems, ambience: Sequence[Ambience], rng: np.random.Generator) -> None:
    for name, sing in (("birds", song), ("gulls", cries)):
        rates = np.array([getattr(one, name) for one in ambience])
        for frame in np.nonzero(rng.uniform(size=len(rates)) < rates / 24)[0]:
            sing(stems[name], frame / 24, rng)
    crickets = np.array([one.crickets for one in ambience])
    if crickets.max() > 0:
        stems["crickets"] += chirring(len(ambience), rng) * by_sample(0.06 * crickets)


def _short(stems: Stems, one: Heard, rng: np.random.Generator) -> None:
    """Lays one short sound where it arrives."""
    gain = one.strength * nearness(one.distance_m)
    if one.kind == "thunder":
        lay(stems["thunder"], one.heard_s, rumble(rng, one.distance_m), one.strength)
    elif one.kind == "bounce":
        lay(stems["bounce"], one.heard_s, burst(rng, 90, 500, 0.05), 0.5 * gain)
        lay(stems["bounce"], one.heard_s, chirp(240, 150, 0.07), 0.25 * gain)
    elif one.kind == "burst":
        lay(stems["burst"], one.heard_s, burst(rng, 50, 3500, 0.14), 1.2 * min(8 * gain, 1.0))
    elif one.kind == "splash":
        lay(stems["splash"], one.heard_s, burst(rng, 400, 6000, 0.22), 0.6 * gain)
    else:
        weight = gain * (LOUDER_LANDING if one.kind == "landing" else 1.0)
        for low, high, decay_s, loud in STEP_SOUNDS[f"steps_{TREADS.get(one.ground, one.ground)}"]:
            lay(stems["steps"], one.heard_s, burst(rng, low, high, decay_s), loud * weight)


assert RATE == 24 * SAMPLES
