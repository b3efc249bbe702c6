"""Light that changes while somebody looks around changes steadily, and to its end."""

import numpy as np
import pytest
import torch

from engine.models import Models, load_models
from engine.world import Inputs, World
from model.conditioning import state

RAIN, SNOW, COVER = (state.SKY.index(name) for name in ("rain", "snow", "cover"))
COLOUR = 1.5  # of 255, that the mean distance from grey may jump and fall back; a turn brings new things into view


@pytest.fixture(scope="module")
def bundled() -> Models:
    return load_models()


def test_frames_do_not_flicker_between_the_old_light_and_the_new(bundled: Models) -> None:
    world, colours = World(bundled, 2, "a meadow at noon"), []
    for frame in range(76):
        if frame == 30:
            world.say("let it snow")
        shown = world.step(Inputs(1) if frame % 40 < 25 else Inputs(0, 0.05))
        colours.append(sum(float(np.abs(part.astype(int) - 128).mean()) for part in (shown.u, shown.v)))
    jumps = np.diff(colours[40:])
    there_and_back = (jumps[1:] * jumps[:-1] < 0) & (np.minimum(abs(jumps[1:]), abs(jumps[:-1])) > COLOUR)
    assert not there_and_back.any(), f"colours of frames: {np.round(colours[40:], 1)}"
    assert colours[-1] < 0.9 * colours[30], "expected snow to take colour away"


@torch.inference_mode()
def test_what_was_told_to_end_ends_and_what_was_told_to_come_comes_fully(bundled: Models) -> None:
    said = (
        "night falls and the sky clears",
        "the sun comes out",
        "it becomes foggy",
        "o céu limpa",
        "it rains",
        "let it snow",
    )
    read = torch.cat([bundled.omni.resample(*bundled.text.features([text])) for text in said])
    for weather in ("rain", "snow"):
        sky = torch.tensor([0.2, *state.TYPICAL_WEATHER[weather]]).expand(len(said), -1)
        for _ in range(24 * 7):
            sky = state.advance(sky, state.snap(bundled.omni.drift(read, sky), sky))
        assert (sky[:4, RAIN : COVER + 1] == 0).all(), sky
        assert sky[4, RAIN : COVER + 1].tolist() == [1, 0, 0] and sky[5, RAIN : COVER + 1].tolist() == [0, 1, 1], sky


def test_nothing_is_laid_over_a_world_that_is_dry_again(bundled: Models) -> None:
    world = World(bundled, 3, "a meadow in the rain")
    world.patience_s = 0.0

    def falling() -> int:
        shown = world.step(Inputs())
        assert world._past is not None
        return int((shown.y != world._past.picture[0][0].numpy())[200:].sum())  # above, clouds move

    assert falling() > 1000
    world.say("the sky clears")
    changed = [falling() for _ in range(84)]
    assert changed[0] > 1000 and changed[-1] == 0, changed
    assert world.state.values()["rain"] == world.state.values()["snow"] == 0
