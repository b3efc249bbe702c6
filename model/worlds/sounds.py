"""What is to be heard in a world: wind, rain, thunder, waves, animals and steps, from the simulator's own truth.
Knows walks, skies and water; a function of the seed. Nothing of networks and nothing of drawing."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from math import hypot

import numpy as np
from numpy.typing import NDArray

from model.worlds.animals import chirring, cries, song
from model.worlds.clips import start
from model.worlds.noises import (
    RATE,
    SAMPLES,
    OtherNoise,
    Sounds,
    Stems,
    Wave,
    band,
    burst,
    by_sample,
    drift,
    lay,
    mixed,
)
from model.worlds.policy import hands
from model.worlds.terrain import PLACES, TEXELS, TILE_M, Terrain, bake
from model.worlds.walker import EYE_M, Controls, step
from model.worlds.weather import TIMES, WEATHERS, Sky, nightly, settled, toward

SOUND_M_S = 343.0
STRIDE_M, RUN_STRIDE_M = 0.78, 1.35
WATER_STEP_TEXELS = 8  # the grid on which the nearest water is looked for: 4 m
FARTHEST_WATER_M = 120.0
THUNDERS_A_S = 1 / 20  # in full rain
STEPS = ("steps_grass", "steps_sand", "steps_rock", "steps_snow", "steps_water")
SOURCES = ("wind", "rain", "thunder", "waves", "birds", "gulls", "crickets", *STEPS)


@dataclass(frozen=True)
class Truth:
    """What the sounds follow, for T frames: walk [T+1, 9] (x, y, z, yaw, pitch, vx, vy, vz, ground), controls [T, 12],
    sky [T+1, 6], distance to the nearest water [T] in metres."""

    place: str
    walk: NDArray[np.float32]
    controls: NDArray[np.float32]
    sky: NDArray[np.float32]
    water_m: NDArray[np.float32]

    @property
    def frames(self) -> int:
        return len(self.controls)


def live(seed: int, frames: int) -> Truth:
    """A walk of a seed under a changing sky, without its pictures. Raises ValueError on a negative seed."""
    if seed < 0:
        raise ValueError(f"a seed is a non-negative integer; got {seed}")
    terrain = bake(PLACES[seed % len(PLACES)], seed)
    rng = np.random.default_rng([seed, 3])
    walk, hand = start(terrain, rng), hands(rng)
    sky, goal, next_change = _some_sky(rng), _some_sky(rng), int(rng.integers(48, 480))
    walks, controls, skies = [walk], [], [sky]
    for frame in range(frames):
        if frame == next_change:
            goal, next_change = _some_sky(rng), frame + int(rng.integers(120, 480))
        sky = toward(sky, goal) if frame >= 48 else sky
        controls.append(next(hand))
        walk = step(terrain, walk, controls[-1])
        walks.append(walk)
        skies.append(sky)
    at = np.array([astuple(w) for w in walks], np.float32)
    held = np.array([astuple(c) for c in controls], np.float32).reshape(frames, len(Controls.__dataclass_fields__))
    sky_rows = np.array([astuple(s) for s in skies], np.float32)
    return Truth(terrain.place, at, held, sky_rows, water_distances(terrain, at[1:, [0, 2]]))


def _some_sky(rng: np.random.Generator) -> Sky:
    return settled(str(rng.choice(TIMES)), str(rng.choice(WEATHERS, p=[0.36, 0.14, 0.12, 0.22, 0.16])), rng)


def water_distances(terrain: Terrain, at: NDArray[np.float32]) -> NDArray[np.float32]:
    """Metres from places [T, 2] (x, z) to the nearest water, at most FARTHEST_WATER_M."""
    if terrain.place == "desert":
        return np.full(len(at), FARTHEST_WATER_M, np.float32)
    rows, columns = np.nonzero(terrain.ground[::WATER_STEP_TEXELS, ::WATER_STEP_TEXELS, 0] < 0)
    if not len(rows):
        return np.full(len(at), FARTHEST_WATER_M, np.float32)
    cell_m = TILE_M / TEXELS * WATER_STEP_TEXELS
    water = np.stack([columns, rows], -1) * cell_m
    seldom = at[:: len(at) // 32 + 1]
    apart = np.abs((seldom[:, None] - water[None] + TILE_M / 2) % TILE_M - TILE_M / 2)
    nearest = np.minimum(np.hypot(apart[..., 0], apart[..., 1]).min(1), FARTHEST_WATER_M)
    return np.interp(np.arange(len(at)), np.arange(len(seldom)) * (len(at) // 32 + 1), nearest).astype(np.float32)


def sound(truth: Truth, seed: int, noise: int | None = None) -> Sounds:
    """What is heard during the truth's frames. `noise`: the same wind, rain and steps, in noise of another seed."""
    rng = np.random.default_rng([seed, 4]) if noise is None else OtherNoise([seed, 4], noise)
    stems = {name: np.zeros(truth.frames * SAMPLES, np.float32) for name in SOURCES}
    for make in (_wind, _rain, _thunder, _waves, _animals, _steps):
        make(stems, truth, rng)
    return mixed(stems)


def _wind(stems: Stems, truth: Truth, rng: np.random.Generator) -> None:
    cloud, rain, snow = (truth.sky[1:, i] for i in (1, 3, 4))
    open_air = {"mountains": 1.6, "desert": 1.3, "coast": 1.2}.get(truth.place, 0.8)
    strength = open_air * (0.25 + 0.3 * cloud + 0.35 * rain + 0.45 * snow)
    gusts = 0.35 + 0.9 * drift(rng, truth.frames, 2.5) * drift(rng, truth.frames, 0.8)
    speed = strength * gusts
    samples = truth.frames * SAMPLES
    low = band(rng, samples, 60, 350) * by_sample(0.055 * speed)
    high = band(rng, samples, 350, 1400) * by_sample(0.03 * speed**2)
    stems["wind"] += low + high


def _rain(stems: Stems, truth: Truth, rng: np.random.Generator) -> None:
    rain = truth.sky[1:, 3]
    if rain.max() <= 0:
        return
    samples = truth.frames * SAMPLES
    stems["rain"] += band(rng, samples, 900, 9000) * by_sample(0.035 * rain * (0.8 + 0.4 * drift(rng, truth.frames, 3)))
    drops = [burst(rng, 1500, 9000, 0.004) for _ in range(6)]
    for frame in range(truth.frames):
        for _ in range(rng.poisson(1.2 * rain[frame])):
            at_s = (frame + rng.uniform()) / 24
            lay(stems["rain"], at_s, drops[rng.integers(6)], float(rng.uniform(0.03, 0.16)))


def _thunder(stems: Stems, truth: Truth, rng: np.random.Generator) -> None:
    """Lightning strikes at some distance; its thunder comes when sound has come that far, duller from afar."""
    for frame in np.nonzero(rng.uniform(size=truth.frames) < THUNDERS_A_S / 24 * truth.sky[1:, 3])[0]:
        distance_m = float(rng.uniform(300, 3000))
        lay(stems["thunder"], frame / 24 + distance_m / SOUND_M_S, rumble(rng, distance_m), 1.0)


def rumble(rng: np.random.Generator, distance_m: float) -> Wave:
    """The thunder of a strike at this distance in metres, from its first sound on."""
    seconds = float(rng.uniform(3, 5.5))
    frames = int(seconds * 24)
    time_s = np.arange(frames) / 24
    rolls = drift(rng, frames, 0.35) * np.exp(-time_s / (0.3 * seconds)) * np.minimum(time_s / 0.06 + 0.2, 1)
    loud = 0.5 * min(1.0, 500 / distance_m) ** 0.7
    dull = max(180.0, 900 * 500 / max(distance_m, 500))
    body = band(rng, frames * SAMPLES, 30, dull) * by_sample(loud * rolls)
    if distance_m < 700:
        lay(body, 0.0, burst(rng, 300, 5000, 0.12), 0.5)
    return body


def _waves(stems: Stems, truth: Truth, rng: np.random.Generator) -> None:
    if truth.place != "coast":
        return
    near = 1 / (1 + (truth.water_m / 18) ** 1.5)
    period_s = float(rng.uniform(4.5, 7))
    phase = np.cumsum(0.85 + 0.3 * drift(rng, truth.frames, 4)) / 24 / period_s + rng.uniform()
    swell = np.exp(3.0 * (np.cos(2 * np.pi * phase) - 1)) * 0.9 + 0.12
    hiss = np.exp(4.0 * (np.cos(2 * np.pi * (phase - 0.12)) - 1))
    samples = truth.frames * SAMPLES
    stems["waves"] += band(rng, samples, 90, 1100) * by_sample(0.11 * near * swell)
    stems["waves"] += band(rng, samples, 1200, 7000) * by_sample(0.05 * near**1.5 * hiss)


def _animals(stems: Stems, truth: Truth, rng: np.random.Generator) -> None:
    """Birds by day where it is dry, gulls at the coast, crickets in warm nights."""
    rain, snow, night = truth.sky[1:, 3], truth.sky[1:, 4], nightly(truth.sky[1:, 0])
    dry = np.clip(1 - 1.5 * rain - 1.5 * snow, 0, 1)
    songs = {"meadow": 0.55, "mountains": 0.2, "coast": 0.1}.get(truth.place, 0.0) * dry * (1 - night)
    for frame in np.nonzero(rng.uniform(size=truth.frames) < songs / 24)[0]:
        song(stems["birds"], frame / 24, rng)
    gulls = (0.16 if truth.place == "coast" else 0.0) * dry * (1 - night)
    for frame in np.nonzero(rng.uniform(size=truth.frames) < gulls / 24)[0]:
        cries(stems["gulls"], frame / 24, rng)
    warm = {"meadow": 1.0, "desert": 0.7, "coast": 0.4}.get(truth.place, 0.0) * night * dry
    if warm.max() > 0:
        stems["crickets"] += chirring(truth.frames, rng) * by_sample(0.06 * warm)


STEP_SOUNDS = {  # low and high Hz, decay in seconds, gain: of the foot's weight, and of what it treads on
    "steps_grass": ((60, 220, 0.035, 0.20), (700, 3500, 0.045, 0.07)),
    "steps_sand": ((60, 180, 0.04, 0.14), (900, 5500, 0.075, 0.055)),
    "steps_rock": ((90, 400, 0.025, 0.26), (1200, 6500, 0.018, 0.22)),
    "steps_snow": ((70, 250, 0.03, 0.10), (1800, 8500, 0.09, 0.11)),
    "steps_water": ((120, 600, 0.06, 0.16), (600, 5000, 0.14, 0.15)),
}


def footfalls(truth: Truth) -> list[tuple[float, float]]:
    """(second, weight) of every foot that comes down: by the distance walked, and where a jump ends."""
    walked, falls = 0.0, []
    for t in range(1, truth.frames + 1):
        vx, vz = truth.walk[t, 5], truth.walk[t, 7]
        speed, grounded = hypot(vx, vz), truth.walk[t, 8] > 0.5
        if grounded and truth.walk[t - 1, 8] < 0.5:
            falls.append(((t - 0.5) / 24, 1.9))
            walked = 0.0
        elif grounded:
            stride = STRIDE_M if speed < 4.2 else RUN_STRIDE_M
            before, walked = walked, walked + speed / 24
            if walked >= stride:
                share = float(np.clip((stride - before) / max(walked - before, 1e-6), 0, 1))
                falls.append(((t - 1 + share) / 24, 0.7 + 0.1 * speed))
                walked = max(walked - stride, 0.0) % stride
    return falls


def _steps(stems: Stems, truth: Truth, rng: np.random.Generator) -> None:
    for at_s, weight in footfalls(truth):
        frame = min(int(at_s * 24), truth.frames - 1)
        feet_m = float(truth.walk[frame + 1, 1]) - EYE_M
        kind = _underfoot(truth, feet_m, float(truth.sky[frame + 1, 5]))
        for low, high, decay_s, gain in STEP_SOUNDS[kind]:
            varied = gain * weight * float(rng.uniform(0.75, 1.25))
            lay(stems[kind], at_s, burst(rng, low, high, decay_s * float(rng.uniform(0.85, 1.2))), varied)


def _underfoot(truth: Truth, feet_m: float, cover: float) -> str:
    if feet_m < -0.02 and truth.place != "desert":
        return "steps_water"
    if cover > 0.5:
        return "steps_snow"
    if truth.place == "mountains":
        return "steps_rock"
    if truth.place == "desert" or (truth.place == "coast" and feet_m < 1.6):
        return "steps_sand"
    return "steps_grass"


assert RATE == 24 * SAMPLES
