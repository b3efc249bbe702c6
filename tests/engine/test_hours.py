"""What an hour of strolling tells of a world."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.hours import (
    MOST_RAD,
    ROUND,
    ROUND_MIN,
    TURN_FROM,
    Minute,
    Simulated,
    Stroll,
    against_the_first,
    inputs,
    sheet,
    trend,
)
from engine.world import Frame, Inputs
from model.evaluation.pictures import Picture


class Panorama:
    """A world that is a noisy wall around somebody; it stops at a frame, and then it is black."""

    def __init__(self, ends: int = 10**9) -> None:
        self.said: list[str] = []
        self._at, self._ends, self._frame = 0.0, ends, 0
        rng = np.random.default_rng(0)
        self._wall = np.kron(rng.integers(40, 200, (36, 400)), np.ones((8, 8))).astype(np.uint8)

    def say(self, text: str) -> None:
        self.said.append(text)

    def step(self, given: Inputs) -> Frame:
        self._frame += 1
        self._at += given.look_x * 288 / 1.2
        y = np.roll(self._wall, -round(self._at), 1)[:, :512]
        if self._frame > self._ends:
            y = np.full_like(y, 16)
        u = np.full((144, 256), 120, np.uint8)
        return Frame(self._frame, y, u, u, {}, [], 0.0, 0.0)


def test_a_minute_tells_what_it_showed_and_that_turns_are_seen():
    world = Panorama()
    told = Stroll(world, 1).minute()
    assert world.said == ["the sun sets"]
    assert 0.5 < told["turned"] < 1.3 and told["black"] == 0 and told["white"] == 0
    assert told["sharpness"] > 0.01 and 0.3 < told["luma"] < 0.6 and told["saturation"] > 0.03
    assert 8 < told["frozen_s"] < 9  # this wall moves while somebody turns only


def test_a_world_that_ends_is_black_frozen_and_does_not_turn():
    stroll = Stroll(Panorama(ends=700), 2)
    told = stroll.minute()
    assert told["black"] == 1 and told["frozen_s"] > 25 and len(stroll.stills) == 1


def test_turns_stay_within_what_is_asked_for():
    assert inputs(0, MOST_RAD).look_x == 0 and inputs(0, MOST_RAD).buttons == 1
    assert inputs(TURN_FROM, MOST_RAD).look_x == MOST_RAD and inputs(ROUND - 1, 0.1).buttons == 2


def test_minutes_are_held_against_those_of_the_first_round():
    first = [{"sharpness": 0.1 * n, "luma": 0.5, "saturation": 0.2, "turned": 1.0} for n in range(1, ROUND_MIN + 1)]
    rest = {"black": 0.0, "white": 0.1, "frozen_s": 0.5}
    later = [minute | {"luma": 0.4, "turned": 0.9} for minute in first]
    told = against_the_first([minute | rest for minute in [*first, *later]])
    assert told["sharpness_least"] == told["sharpness_most"] == 1
    assert told["luma_least"] == pytest.approx(0.8) and told["turned_least"] == pytest.approx(0.9)
    assert told["white_most"] == 0.1 and told["frozen_s_most"] == 0.5
    with pytest.raises(ValueError, match="10 minutes or more, got 5"):
        against_the_first([minute | rest for minute in first])


def test_whole_rounds_are_held_against_the_first_without_a_rest():
    """What stood in one minute's way counts for a fifth of its round."""
    plain = {"sharpness": 0.1, "luma": 0.5, "saturation": 0.2, "turned": 1.0, "black": 0, "white": 0, "frozen_s": 0}
    minutes = [dict(plain) for _ in range(3 * ROUND_MIN + 2)]
    minutes[ROUND_MIN + 2]["luma"], minutes[-1]["luma"] = 1.0, 9.0
    told = against_the_first(minutes)
    assert told["luma_round_most"] == pytest.approx(1.2) and told["luma_round_least"] == pytest.approx(1)
    assert told["luma_most"] == 18 and told["sharpness_round_most"] == pytest.approx(1)


def test_stills_are_put_into_rows_and_what_is_left_is_grey():
    frame = Panorama().step(Inputs())
    y, u, _ = sheet([frame, replace(frame, y=frame.y // 2)] * 3)
    assert y.shape == (2 * 288, ROUND_MIN * 512) and u.shape == (2 * 144, ROUND_MIN * 256)
    assert (y[:288, :512] == frame.y).all() and (y[288:, 512:] == 128).all()


def test_a_picture_of_each_second_counts():
    minute = Minute()
    planes = (torch.full((288, 512), 235, dtype=torch.uint8), *(torch.full((144, 256), 128, dtype=torch.uint8),) * 2)
    minute.look_at(Picture(*planes))
    assert minute.figures()["white"] == 1 and minute.figures()["sharpness"] == 0


def test_a_trend_is_what_wears_and_neither_light_nor_what_happens_to_stand_there():
    light = [1.0, 0.3, 0.5, 0.9, 0.7]
    worn = [light[at % ROUND_MIN] * 0.98**at for at in range(4 * ROUND_MIN)]
    assert trend(worn) == pytest.approx(0.98 ** (3 * ROUND_MIN))
    chance = np.random.default_rng(1).uniform(0.7, 1.3, 4 * ROUND_MIN)
    assert 0.8 < trend([light[at % ROUND_MIN] * chance[at] for at in range(4 * ROUND_MIN)]) < 1.25


def test_truth_is_strolled_through_as_a_world_is():
    world = Simulated(3)
    day = world.step(Inputs(buttons=1))
    world.say("night falls")
    for _ in range(72):
        night = world.step(Inputs(look_x=0.02))
    assert day.y.shape == (288, 512) and night.u.shape == (144, 256) and night.index == 73
    assert float(night.y.mean()) < 0.6 * float(day.y.mean())
