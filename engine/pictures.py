"""Worlds that begin from a picture somebody gave: how far away is what it shows, which place and light that is, and
whence the light comes, as the inventing network sees them. Knows one picture; nothing of files but PNG, nor of what
the world does next."""

from __future__ import annotations

import io
from math import pi

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engine import sampler
from engine.imagination import Told, imagine
from engine.messages import PICTURE_HEIGHT, PICTURE_WIDTH
from engine.models import Models
from engine.templates import PromptRefused
from engine.world import Start, World
from model.conditioning import state
from model.omni import GROUPS, PATCH, VIEW, patch, unpatch
from model.planes import from_rgb, with_far_sky
from model.surfaces import taken_over

STEPS = 16  # in which depth is sampled beside a picture that is known
LEVELS = (0.25, 0.5, 0.5, 0.7)  # signal levels at which the network is asked which world a picture is of
PLACES = {"meadow": "a meadow", "desert": "a desert", "mountains": "mountains", "coast": "a coast"}
TIMES = {"dawn": "at dawn", "day": "by day", "dusk": "at dusk", "night": "at night"}
WEATHERS = {
    "clear": "the sky is clear",
    "overcast": "the sky is overcast",
    "fog": "there is fog",
    "rain": "it rains",
    "snow": "it snows",
}
Names = tuple[str, str, str]  # of place, time and weather
TYPICAL = ("meadow", "day", "clear")
DIRECTIONS = 8  # in which the sun may stand


def read_rgb(picture: bytes) -> NDArray[np.uint8]:
    """A PNG as [288, 512, 3]. Raises PromptRefused when it is something else."""
    try:
        with Image.open(io.BytesIO(picture), formats=["PNG"]) as file:
            if file.size != (PICTURE_WIDTH, PICTURE_HEIGHT):
                raise PromptRefused(f"expected a picture of {PICTURE_WIDTH} x {PICTURE_HEIGHT}, got {file.size}")
            return np.array(file.convert("RGB"))
    except (OSError, SyntaxError) as error:
        raise PromptRefused(f"expected a PNG: {error}") from error


@torch.inference_mode()
def world_from(models: Models, seed: int, prompt: str, rgb: NDArray[np.uint8]) -> World:
    """A world whose first frame is `rgb` [288, 512, 3]. It begins as the picture shows it; `prompt` says what becomes
    of it, without one it stays so. Raises PromptRefused."""
    generator = torch.Generator().manual_seed(seed % 2**63)
    picture = from_rgb(torch.from_numpy(rgb)[None])
    guess = _with_depth(models, picture, _told(models, TYPICAL), generator)
    names, yaw = _read(models, guess, generator)
    planes = _with_depth(models, picture, _told(models, names, yaw), generator)
    return World.begin(models, seed, prompt or words(names), Start(planes, state.beginning(*names, yaw)))


def words(names: Names) -> str:
    """A prompt that says what a picture shows already."""
    place, time, weather = names
    return f"{PLACES[place]} {TIMES[time]}, {WEATHERS[weather]}"


def _told(models: Models, names: Names, yaw: float = 0.0) -> Told:
    return Told.by(models, words(names), 0.0, state.beginning(*names, yaw))


def _noise(generator: torch.Generator) -> Tensor:
    return torch.randn(1, 1, GROUPS["video"], PATCH, generator=generator)


def _with_depth(models: Models, picture: Tensor, told: Told, generator: torch.Generator) -> Tensor:
    """Planes [1, 7, 144, 256] of a picture, with a depth that the network finds likely beside it: each step's guess of
    the frame keeps its depth and is given the picture that is known (compare RePaint, arXiv 2201.09865)."""
    noisy, unknown = _noise(generator), torch.zeros(1, GROUPS["video"], VIEW)
    planes = picture
    for step in range(STEPS):
        seen = imagine(models, told, unknown, noisy, step / STEPS)
        depth = models.decode(unpatch(seen.clean[:, 0].float()).clamp(-3, 3))[:, 6:7]
        planes = torch.cat([picture[:, :6], depth], 1)
        noisy = sampler.move(noisy, patch(models.tokenizer.encode(planes))[:, None], step / STEPS, STEPS)
    return with_far_sky(taken_over(planes, models.surfaces(planes)))


def _read(models: Models, planes: Tensor, generator: torch.Generator) -> tuple[Names, float]:
    """Time, then weather, then place, and then the yaw at which it was seen, each the one under which the network makes
    the picture out best of noise."""
    clean = patch(models.tokenizer.encode(planes))[:, None]
    noisy = [(level, sampler.with_noise(clean, _noise(generator), level)) for level in LEVELS]
    unknown = torch.zeros(1, GROUPS["video"], VIEW)

    def error(names: Names, yaw: float = 0.0) -> float:
        told = _told(models, names, yaw)
        off = (imagine(models, told, unknown, drowned, level).clean.float() - clean for level, drowned in noisy)
        return float(sum(difference.square().mean().log() for difference in off))  # each level counts alike

    place, time, weather = TYPICAL
    time = min(state.TIMES, key=lambda name: error((place, name, weather)))
    weather = min(state.WEATHERS, key=lambda name: error((place, time, name)))
    place = min(state.PLACES, key=lambda name: error((name, time, weather)))
    yaws = [2 * pi * which / DIRECTIONS for which in range(DIRECTIONS)]
    return (place, time, weather), min(yaws, key=lambda yaw: error((place, time, weather), yaw))
