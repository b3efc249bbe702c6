"""A frame whose crop followed a look shows what the next frame shows, in a world of the bundled model."""

from __future__ import annotations

import numpy as np
import pytest

from engine.codec import Plane
from engine.inputs import Look
from engine.late_look import LateLook
from engine.models import Models, load_models
from engine.rungs import LOWEST
from engine.world import Frame, Inputs, World

MIDDLE = (slice(90, 180), slice(160, 320))  # of the streamed part: nearer the sides a turn moves more than a crop does


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models()


def luma(frame: Frame, offset: tuple[int, int] = (0, 0)) -> Plane:
    return LOWEST.crop.moved(*offset).planes(frame.y, frame.u, frame.v)[0]


def db(one: Plane, other: Plane) -> float:
    error = (one.astype(float) - other) ** 2
    return float(10 * np.log10(255**2 / error.mean()))


@pytest.mark.parametrize(("right", "up"), [(0.05, 0.0), (-0.05, 0.0), (0.0, 0.03), (0.02, -0.02)])
def test_the_crop_goes_where_the_next_frame_looks(models: Models, right: float, up: float) -> None:
    world = World(models, 3, "", "shore")
    for _ in range(3):
        world.step(Inputs())
    now, then = world.step(Inputs()), world.step(Inputs(look_x=right, look_y=up))
    offset = LateLook().follow([Look(1, right, up)], LOWEST).offset
    late, plain = db(luma(now, offset)[MIDDLE], luma(then)[MIDDLE]), db(luma(now)[MIDDLE], luma(then)[MIDDLE])
    assert late > plain + 4, f"late look {late:.1f} dB, none {plain:.1f} dB"


def test_the_margin_has_the_detail_of_what_lies_beside_it(models: Models) -> None:
    world = World(models, 3, "", "shore")
    for _ in range(8):
        world.step(Inputs(buttons=1))
    now = world.step(Inputs())
    sharp = [np.abs(np.diff(now.y[8:278, part].astype(float))).mean() for part in (slice(496, 512), slice(464, 496))]
    assert sharp[0] > 0.5 * sharp[1], "expected a margin with detail in it"
