"""Draws views of a world through moderngl: Mesa's llvmpipe on a CPU, the driver on a GPU.
Knows nothing of time or of who walks; a view is its whole input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.worlds.opengl import Packed, Picture, Tiles, context, picture, planes_of, target
from model.worlds.passes import Pass, Things, in_turn
from model.worlds.terrain import KINDS, PLACES, TILE_M, Terrain

WIDTH, HEIGHT = 512, 288  # with the margin
BEAM = 8  # pixels of the lowest rung that one ray of the beam pass is for
BEAM_ROWS = HEIGHT // BEAM  # whatever the size of the picture: each shows the same ground
REACH_M = 210.0  # plants beyond are not drawn
MAX_PLANTS = 2048
HERE = Path(__file__).parent


@dataclass(frozen=True)
class View:
    """Where the camera is (metres, radians; y up, yaw right of +z, pitch up) and what the light and weather are:
    `tod` 0 sunrise, 0.25 noon, 0.5 sunset, 0.75 midnight; the others in [0, 1]; `clock` in seconds. `specks`: whether
    drops, flakes and stars are seen, or only what they do to land and air."""

    x: float
    y: float
    z: float
    yaw: float
    pitch: float
    tod: float = 0.2
    cloud: float = 0.3
    fog: float = 0.0
    rain: float = 0.0
    snow: float = 0.0
    cover: float = 0.0
    clock: float = 0.0
    specks: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isfinite(value):
                raise ValueError(f"{field.name} must be finite; got {value}")
        for name in ("cloud", "fog", "rain", "snow", "cover"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1]; got {getattr(self, name)}")
        if self.clock < 0:
            raise ValueError(f"clock must not be negative; got {self.clock}")


class Renderer:
    """Owns one OpenGL context and the textures of the terrain in use. Draws pictures of `width` x `height` pixels, or a
    `window` of so many pixels out of them."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT, window: tuple[int, int] | None = None) -> None:
        if width <= 0 or height <= 0 or width % 16 or height % 16:
            raise ValueError(f"width and height must be positive multiples of 16; got {width} x {height}")
        self.whole, self.size = (width, height), window or (width, height)
        if any(side <= 0 or side % 2 or side > most for side, most in zip(self.size, self.whole, strict=True)):
            raise ValueError(f"a window of {width} x {height} has even sides within it; got {self.size}")
        self.gl = context()
        half = (self.size[0] // 2, self.size[1] // 2)
        self._skip = target(self.gl, (width * BEAM_ROWS // height, BEAM_ROWS), 1, "f4")
        self._colour = target(self.gl, self.size, 4, "f1")
        self._distance = target(self.gl, self.size, 1, "f4")
        self._y = target(self.gl, self.size, 1, "f1")
        self._uv = target(self.gl, half, 2, "f1")
        self._code = target(self.gl, half, 1, "f4")
        self._surface = target(self.gl, self.size, 4, "f4")
        self._material = target(self.gl, self.size, 1, "f4")
        self._to_plants = self.gl.framebuffer([self._surface, self._material], self.gl.depth_renderbuffer(self.size))
        self._to_beam = self.gl.framebuffer([self._skip])
        self._to_scene = self.gl.framebuffer([self._colour, self._distance])
        self._to_luma = self.gl.framebuffer([self._y])
        self._to_chroma = self.gl.framebuffer([self._uv, self._code])
        scene = (HERE / "scene.glsl").read_text().replace("//@shapes", (HERE / "shapes.glsl").read_text())
        planes = (HERE / "planes.glsl").read_text()
        self._beam = Pass(self.gl, "#define BEAM\n" + scene, self._to_beam)
        self._scene = Pass(self.gl, scene, self._to_scene)
        self._luma = Pass(self.gl, "#define LUMA\n" + planes, self._to_luma)
        self._chroma = Pass(self.gl, planes, self._to_chroma)
        box = (HERE / "plants.glsl").read_text()
        self._plants = {}
        for k in KINDS:
            texts = (f"#define KIND {k}\n{box}", f"#define PLANTS\n#define KIND {k}\n{scene}")
            self._plants[k] = Things(self.gl, texts, self._to_plants, {"at": 4, "spin": 1}, MAX_PLANTS)
        self._parts = planes_of(self._to_luma, self._to_chroma)
        self._packed = Packed(self.gl, self._parts)
        self._ground = Tiles(self.gl)
        self._terrain: Terrain | None = None

    def enter(self, terrain: Terrain) -> None:
        """Use this terrain for the views that follow."""
        with self.gl:
            self._ground.fill(terrain)
            self._terrain = terrain

    def draw(self, view: View, corner: tuple[int, int] = (0, 0)) -> Picture:
        """The view's planes, row 0 at the top. `corner`: the column and row of the whole where the window begins."""
        with self.gl:
            self._planes(view, corner)
            self._packed.ask()
            return picture(self._packed)

    def draw_each(self, views: Iterable[View], corner: tuple[int, int] = (0, 0)) -> Iterator[Picture]:
        """As draw, of one view after another in the same terrain, which a GPU does faster."""
        return in_turn(self.gl, views, lambda view: self._planes(view, corner), self._parts, picture)

    def _planes(self, view: View, corner: tuple[int, int]) -> None:
        self._render(view, corner)
        for planes in (self._luma, self._chroma):
            self._colour.use(0)
            self._distance.use(1)
            planes.draw({"scene": 0, "distances": 1})

    def draw_rgb(self, view: View) -> NDArray[np.uint8]:
        """The view as RGB [H, W, 3], for people."""
        w, h = self.size
        with self.gl:
            self._render(view, (0, 0))
            read = self._to_scene.read(components=3, alignment=1)
        return np.frombuffer(read, np.uint8).reshape(h, w, 3)[::-1].copy()

    def _visible(self, terrain: Terrain, view: View) -> dict[int, NDArray[np.float32]]:
        """Plants in reach and ahead by kind, nearest first: [N, 5] foot relative to the eye, height, turn."""
        at, size, kind, turn = terrain.plants
        way = at - np.array([view.x, view.y, view.z])
        way[:, (0, 2)] -= TILE_M * np.round(way[:, (0, 2)] / TILE_M)
        far = np.hypot(way[:, 0], way[:, 2])
        ahead = way[:, 0] * np.sin(view.yaw) + way[:, 2] * np.cos(view.yaw)
        keep = np.flatnonzero((far < REACH_M) & (ahead > 0.3 * far - 2 * size))
        keep = keep[np.argsort(far[keep])][:MAX_PLANTS]
        rows = np.column_stack([way[keep], size[keep], turn[keep]]).astype(np.float32)
        return {k: rows[kind[keep] == k] for k in KINDS if (kind[keep] == k).any()}

    def _render(self, view: View, corner: tuple[int, int]) -> None:
        if self._terrain is None:
            raise RuntimeError("enter() a terrain before drawing")
        (w, h), (left, top) = self.whole, corner
        below = h - top - self.size[1]
        if not (0 <= left <= w - self.size[0] and top >= 0 and below >= 0):
            raise ValueError(f"a window of {self.size} begins within {self.whole}; got {corner}")
        for part in (self._to_plants, self._to_scene):
            part.viewport = (-left, -below, w, h)
        values: dict[str, object] = {
            name: getattr(view, name) for name in ("tod", "cloud", "fog", "rain", "snow", "cover", "clock", "specks")
        }
        values |= {
            "eye": (view.x, view.y, view.z),
            "look": (view.yaw, view.pitch),
            "place": PLACES.index(self._terrain.place),
        }
        values |= {"terrain": 0, "noise": 1, "cells": 2, "beam": 3}
        self._ground.use()
        self._beam.draw(values | {"size": self._skip.size, "window": (0, 0)})
        self._to_plants.clear()
        here = values | {"size": (w, h), "window": (left, below), "surfaces": 4, "materials": 5}
        for kind, plants in self._visible(self._terrain, view).items():
            self._plants[kind].draw(here, plants)
        self._skip.use(3)
        self._surface.use(4)
        self._material.use(5)
        self._scene.draw(here)
