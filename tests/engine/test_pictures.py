"""Worlds from a picture somebody gave, by the bundled weights: the first frame is the picture, and what stands in it
stands before what lies behind it."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from configs.paths import WEIGHTS
from engine.models import Models, load_models
from engine.pictures import read_rgb, world_from
from engine.templates import PromptRefused, read_picture
from engine.world import Inputs, World
from model.planes import from_rgb, metres, unpack

FORWARD = 1 << 0


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models()


def template(name: str) -> NDArray[np.uint8]:
    return read_rgb((WEIGHTS / "templates" / f"{name}.png").read_bytes())


def began(world: World) -> tuple[NDArray[np.uint8], torch.Tensor]:
    """The first frame's luma, and the distances [144, 256] that it was given."""
    assert world._entering is not None
    return world.step(Inputs()).y, metres(world._entering)[0]


@pytest.mark.parametrize("name", ["meadow", "dunes"])
def test_the_first_frame_is_the_picture_and_its_depth_is_near_the_truth(models: Models, name: str) -> None:
    rgb = template(name)
    world = world_from(models, 3, "", rgb)
    shown, found_m = began(world)
    assert np.array_equal(shown, unpack(from_rgb(torch.from_numpy(rgb)[None]))[0][0].numpy())
    true_m = metres(read_picture(WEIGHTS / "templates" / f"{name}.png"))[0]
    ground = true_m < 30
    off = (torch.log(found_m[ground] + 1) - torch.log(true_m[ground] + 1)).abs()
    assert float(off.median()) < 0.5  # a flat plane below the eyes errs by more wherever something stands on it
    assert float(found_m[:20].median()) > 140  # the sky
    second = world.step(Inputs(FORWARD))
    assert second.index == 1 and second.y.std() > 5


def test_a_picture_says_when_it_is_and_words_say_what_becomes_of_it(models: Models) -> None:
    day = world_from(models, 3, "", template("meadow")).state
    night = world_from(models, 3, "let it snow", template("stars"))
    assert 0.1 < float(day.sky[0]) < 0.4 and 0.6 < float(night.state.sky[0]) < 0.9
    assert night._prompt.text == "let it snow" and float(night.state.sky[4]) == 0


def test_what_is_no_picture_of_the_size_is_refused() -> None:
    small = io.BytesIO()
    Image.new("RGB", (64, 36)).save(small, "PNG")
    for data in (b"", b"no picture", small.getvalue()):
        with pytest.raises(PromptRefused, match="expected a"):
            read_rgb(data)
