"""The sounds of the synthetic worlds: a function of the seed, and of what happens there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.worlds import noises
from model.worlds.sounds import (
    SOURCES,
    Truth,
    footfalls,
    live,
    rumble,
    sound,
)

FRAMES = 120


def standing(place: str = "meadow", **sky: float) -> Truth:
    """Somebody who stands under an unchanging sky."""
    walk = np.zeros((FRAMES + 1, 9), np.float32)
    walk[:, 1], walk[:, 8] = 5.7, 1
    names = ("tod", "cloud", "fog", "rain", "snow", "cover")
    row = np.array([{"tod": 0.25, "cloud": 0.2}.get(n, 0.0) if n not in sky else sky[n] for n in names], np.float32)
    nothing = np.zeros((FRAMES, 12), np.float32)
    return Truth(place, walk, nothing, np.tile(row, (FRAMES + 1, 1)), np.full(FRAMES, 10.0, np.float32))


def heard(truth: Truth, seed: int = 0) -> set[str]:
    audible = sound(truth, seed).audible.any(0)
    return {name for name, yes in zip(SOURCES, audible, strict=True) if yes}


def test_sound_is_a_function_of_the_seed() -> None:
    truth = live(5, 48)
    assert np.array_equal(live(5, 48).walk, truth.walk)
    assert np.array_equal(sound(truth, 5).pcm, sound(live(5, 48), 5).pcm)
    assert not np.array_equal(sound(truth, 6).pcm, sound(truth, 5).pcm)
    with pytest.raises(ValueError, match="non-negative"):
        live(-1, 48)


def test_a_frame_has_a_thousand_samples_that_do_not_clip() -> None:
    made = sound(live(3, 96), 3)
    assert made.pcm.shape == (96_000,) and made.pcm.dtype == np.float32
    assert np.isfinite(made.pcm).all() and np.abs(made.pcm).max() < 0.95
    assert made.audible.shape == (96, len(SOURCES))


def test_rain_waves_and_crickets_are_heard_where_they_are() -> None:
    assert "rain" in heard(standing(rain=1.0)) and "rain" not in heard(standing())
    assert "waves" in heard(standing("coast")) and "waves" not in heard(standing("desert"))
    assert "crickets" in heard(standing(tod=0.75)) and "crickets" not in heard(standing(tod=0.25))


def test_who_walks_is_heard_step_by_step_and_who_stands_is_not() -> None:
    still = standing("mountains")
    walk = still.walk.copy()
    walk[:, 7] = 3.2
    walking = replace(still, walk=walk)
    assert not footfalls(still)
    gaps = np.diff([at_s for at_s, _ in footfalls(walking)])
    assert np.allclose(gaps, 0.78 / 3.2, atol=1e-3)
    assert "steps_rock" in heard(walking)
    assert "steps_snow" in heard(replace(walking, sky=standing(cover=1.0).sky))


def test_who_comes_down_from_a_jump_is_heard_once() -> None:
    truth = standing()
    walk = truth.walk.copy()
    walk[20:40, 8] = 0
    assert [round(at_s * 24) for at_s, _ in footfalls(replace(truth, walk=walk))] == [40]


def test_far_thunder_is_duller_and_quieter_than_near_thunder() -> None:
    def brightness(pcm: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(pcm)) ** 2
        return float((power * np.fft.rfftfreq(len(pcm), 1 / noises.RATE)).sum() / power.sum())

    near, far = (rumble(np.random.default_rng(1), metres) for metres in (350.0, 3000.0))
    assert brightness(far) < brightness(near)
    assert np.abs(far).max() < np.abs(near).max()


def test_a_band_of_noise_stays_in_its_band() -> None:
    made = noises.band(np.random.default_rng(0), 24_000, 1000, 2000)
    power = np.abs(np.fft.rfft(made)) ** 2
    assert power[700:2900].sum() > 0.98 * power.sum()
    with pytest.raises(ValueError, match="low before high"):
        noises.band(np.random.default_rng(0), 100, 500, 400)


def test_who_slows_down_from_a_run_puts_the_foot_down_now_not_in_the_past() -> None:
    truth = standing()
    walk = truth.walk.copy()
    walk[:, 7] = np.where(np.arange(FRAMES + 1) < 5, 6.4, 0.01)
    falls = footfalls(replace(truth, walk=walk))
    assert falls and all(0 <= at_s <= FRAMES / 24 for at_s, _ in falls)
