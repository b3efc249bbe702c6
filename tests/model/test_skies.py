"""Where the sky moves when something is said."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model.conditioning import state
from model.training.skies import random_skies, wanted
from model.worlds.weather import settled

NO_PLACE, NO_TIME, NO_WEATHER = len(state.PLACES), len(state.TIMES), len(state.WEATHERS)


@pytest.mark.parametrize("time", range(NO_TIME))
@pytest.mark.parametrize("weather", range(NO_WEATHER))
def test_a_sky_that_follows_the_rule_arrives_and_rests(time, weather):
    random = torch.Generator().manual_seed(time + 10 * weather)
    for sky in random_skies(4, random):
        for _ in range(8 * 24):
            sky = state.advance(sky, state.snap(wanted((NO_PLACE, time, weather), sky), sky))
        assert wanted((NO_PLACE, time, weather), sky).abs().max() < state.STILL


def test_what_shows_already_rests():
    rng = np.random.default_rng(0)
    for time, name in enumerate(state.TIMES):
        for weather, other in enumerate(state.WEATHERS):
            sky = settled(name, other, rng)
            if name in ("dusk", "day"):
                sky = replace(sky, tod=0.485 if name == "dusk" else 0.16)
            here = torch.tensor([sky.tod, sky.cloud, sky.fog, sky.rain, sky.snow, sky.cover])
            assert wanted((0, time, weather), here).abs().max() < 1e-6


def test_a_sunset_ends_with_a_low_sun():
    early = settled("dusk", "clear", np.random.default_rng(0))
    here = torch.tensor([0.46, early.cloud, 0, 0, 0, 0])
    assert wanted((NO_PLACE, state.TIMES.index("dusk"), NO_WEATHER), here)[0] == 1


def test_day_ends_with_a_sun_that_has_left_the_red_of_the_morning():
    here = torch.tensor([0.11, 0.2, 0, 0, 0, 0])
    assert wanted((NO_PLACE, state.TIMES.index("day"), NO_WEATHER), here)[0] == 1


def test_what_is_not_named_rests():
    sky = torch.tensor([0.2, 0.5, 0.5, 0.5, 0.5, 0.5])
    assert wanted((NO_PLACE, 3, NO_WEATHER), sky).tolist() == [1, 0, 0, 0, 0, 0]
    assert wanted((NO_PLACE, NO_TIME, 4), sky)[0] == 0
