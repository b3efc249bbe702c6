"""Light that changes while somebody looks around changes steadily."""

import numpy as np

from engine.models import load_models
from engine.world import Inputs, World

COLOUR = 1.0  # of 255, that the mean distance from grey may jump and fall back


def test_frames_do_not_flicker_between_the_old_light_and_the_new() -> None:
    world, colours = World(load_models(), 2, "a meadow at noon"), []
    for frame in range(76):
        if frame == 30:
            world.say("let it snow")
        shown = world.step(Inputs(1) if frame % 40 < 25 else Inputs(0, 0.05))
        colours.append(sum(float(np.abs(part.astype(int) - 128).mean()) for part in (shown.u, shown.v)))
    jumps = np.diff(colours[40:])
    there_and_back = (jumps[1:] * jumps[:-1] < 0) & (np.minimum(abs(jumps[1:]), abs(jumps[:-1])) > COLOUR)
    assert not there_and_back.any(), f"colours of frames: {np.round(colours[40:], 1)}"
    assert colours[-1] < 0.9 * colours[30], "expected snow to take colour away"
