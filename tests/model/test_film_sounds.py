"""Films sound like their records: what happens is heard when its sound arrives, and what is far is faint."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from model.worlds.film_sounds import FILM_SOURCES, film_sound, nearness
from model.worlds.happenings import GROUNDS, HEARD, Ambience, Heard

QUIET = Ambience(wind=0.0, rain=0.0, fire_m=inf, waves_m=inf, boat=0.0)


def loud_frames(heard: list[Heard], frames: int = 96) -> np.ndarray:
    pcm = film_sound(heard, [QUIET] * frames, 1).pcm
    return np.nonzero(np.abs(pcm.reshape(frames, -1)).max(1) > 1e-3)[0]


def test_nothing_is_heard_where_nothing_sounds() -> None:
    assert np.abs(film_sound([], [QUIET] * 24, 1).pcm).max() == 0
    with pytest.raises(ValueError, match="one frame at least"):
        film_sound([], [], 1)


def test_thunder_comes_as_late_as_it_is_far() -> None:
    near, far = (loud_frames([Heard("thunder", 0.5, metres)])[0] for metres in (100.0, 686.0))
    assert near == pytest.approx(24 * (0.5 + 100 / 343), abs=1)
    assert far == pytest.approx(24 * (0.5 + 686 / 343), abs=1)


@pytest.mark.parametrize("kind", HEARD)
def test_every_kind_is_heard_on_every_ground(kind: str) -> None:
    for ground in GROUNDS:
        assert loud_frames([Heard(kind, 0.5, 3.0, 1.0, ground)])[0] == pytest.approx(12, abs=1)


def test_a_fire_a_coast_and_a_boat_are_heard_by_name_and_a_far_fire_is_fainter() -> None:
    def heard(ambience: Ambience) -> tuple[set[str], float]:
        made = film_sound([], [ambience] * 48, 2)
        return {n for n, on in zip(FILM_SOURCES, made.audible.any(0), strict=True) if on}, float(made.pcm.std())

    near, loud = heard(Ambience(0.0, 0.0, 3.0, inf, 0.0))
    far, faint = heard(Ambience(0.0, 0.0, 40.0, inf, 0.0))
    assert near == {"fire"} and faint < 0.3 * loud and far <= {"fire"}
    assert heard(Ambience(0.5, 1.0, inf, 8.0, 1.0))[0] == {"wind", "rain", "waves", "boat"}
    assert nearness(1.0) == 1.0 and nearness(inf) == 0.0


def test_a_film_sounds_the_same_from_the_same_seed() -> None:
    told = [Heard("bounce", 0.2, 5.0), Heard("footfall", 0.6, 1.7, 0.5, "snow")]
    a, b, c = (film_sound(told, [Ambience(0.4, 0.2, 9.0, inf, 0.0)] * 24, seed).pcm for seed in (3, 3, 4))
    assert np.array_equal(a, b) and not np.array_equal(a, c) and np.abs(a).max() < 0.95
