"""Where a world dreams of, and that it comes into memory."""

import time

import pytest
import torch

from engine.imagination import STEPS, TURNS, where_to
from engine.memory import Keyframe, Memory
from engine.models import Models
from engine.world import Inputs, World


def remembered(*yaws: float) -> Memory:
    memory = Memory()
    for yaw in yaws:
        at = torch.tensor([0.0, 1.7, 0.0, yaw, 0.0])
        far = torch.full((18, 32), 20.0)
        memory.keep(Keyframe(torch.zeros(16, 18, 32), at, torch.zeros(7), 0, far, torch.zeros(18, 32)))
    return memory


def test_the_nearest_turn_that_nothing_shows_is_dreamed_of():
    here = [0.0, 1.7, 0.0, 0.0, 0.4]
    there = where_to(remembered(0.0), here)
    assert there is not None and there.tolist() == torch.tensor([0.0, 1.7, 0.0, TURNS[0], 0.0]).tolist()
    there = where_to(remembered(0.0, TURNS[0]), here)
    assert there is not None and abs(float(there[3]) - TURNS[1]) < 1e-6


def test_who_has_seen_all_around_dreams_of_nothing():
    assert where_to(remembered(*(0.6 * i for i in range(11))), [0.0, 1.7, 0.0, 0.3, 0.0]) is None


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.random()


@pytest.mark.parametrize(("patience_s", "at_once"), [(60.0, True), (0.0, False)])
def test_all_around_is_dreamed_of_before_the_second_frame_unless_patience_ends(
    models: Models, patience_s: float, at_once: bool
):
    world = World(models, 1)
    world.patience_s = patience_s
    world.step(Inputs())
    world.step(Inputs())
    dreams = sum(keyframe.dreamed for keyframe in world.memory.keyframes)
    assert (dreams > 0) == at_once
    if not at_once:
        begun_s = time.monotonic()
        while not any(keyframe.dreamed for keyframe in world.memory.keyframes):
            assert world.index < 4 * STEPS and time.monotonic() - begun_s < 300, "nothing was dreamed of"
            world.step(Inputs())
