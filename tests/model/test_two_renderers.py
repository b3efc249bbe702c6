"""Renderers that share neither a rasterizer nor a compiler of shaders draw the same pictures to under 1/255: Mesa's
llvmpipe and its interpreter softpipe."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple
from functools import partial

import moderngl
import numpy as np
import pytest

from model.worlds.clips import start
from model.worlds.films import play
from model.worlds.painter import Painter
from model.worlds.profiles import profile
from model.worlds.renderer import Renderer, View
from model.worlds.shots import Frame
from model.worlds.terrain import PLACES, bake
from model.worlds.weather import settled

FRAME = 30  # of a film: by then events have begun


def name(gl: moderngl.Context) -> str:
    with gl:
        return str(gl.info["GL_RENDERER"])


def of_films(seeds: range) -> tuple[str, list[np.ndarray]]:
    """What draws, and a frame of each film."""
    painter, pictures = Painter(Frame(256, 144)), []
    for seed in seeds:
        *_, (_, world, moment, _, _) = play(seed, profile("full"), FRAME + 1)
        painter.enter(world)
        pictures.append(painter.paint(moment.shot).rgb)
    return name(painter.gl), pictures


def of_walks(seeds: range) -> tuple[str, list[np.ndarray]]:
    """What draws, and the view of somebody who stands in each seed's world."""
    renderer, pictures = Renderer(), []
    for seed in seeds:
        rng, terrain = np.random.default_rng(seed), bake(PLACES[seed % len(PLACES)], seed)
        renderer.enter(terrain)
        sky = astuple(settled(("day", "dusk", "night")[seed % 3], ("clear", "rain", "fog")[seed % 3], rng))
        at = start(terrain, rng)
        pictures.append(renderer.draw_rgb(View(at.x, at.y, at.z, at.yaw, at.pitch, *sky, 5.0)))
    return name(renderer.gl), pictures


def drawn(driver: str, draw: partial[tuple[str, list[np.ndarray]]]) -> tuple[str, list[np.ndarray]]:
    os.environ["GALLIUM_DRIVER"] = driver
    return draw()


def by(driver: str, draw: partial[tuple[str, list[np.ndarray]]]) -> tuple[str, list[np.ndarray]]:
    """Drawn in a process of its own, since a process keeps the driver that it began with."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(drawn, driver, draw).result()


def check_alike(draw: partial[tuple[str, list[np.ndarray]]]) -> None:
    (one, pictures), (other, again) = by("llvmpipe", draw), by("softpipe", draw)
    assert one != other and "softpipe" in other, f"expected two renderers; got {one} and {other}"
    apart = [np.abs(a.astype(int) - b).mean() for a, b in zip(pictures, again, strict=True)]
    assert max(apart) < 1, f"mean differences of pictures by {one} and {other}, of 255: {np.round(apart, 3)}"
    assert min(picture.std() for picture in pictures) > 5, "expected pictures of something"


def test_walks_look_the_same_from_another_renderer() -> None:
    check_alike(partial(of_walks, range(3)))


def test_films_look_the_same_from_another_renderer() -> None:
    check_alike(partial(of_films, range(3)))


@pytest.mark.soak
def test_films_of_all_places_look_the_same_from_another_renderer() -> None:
    check_alike(partial(of_films, range(32)))
