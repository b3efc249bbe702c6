"""Draws views of a world through moderngl: Mesa's llvmpipe on a CPU, the driver on a GPU.
Knows nothing of time or of who walks; a view is its whole input."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path

import moderngl
import numpy as np
from numpy.typing import NDArray

from model.worlds.terrain import KINDS, PLACES, TILE_M, Terrain

WIDTH, HEIGHT = 512, 288  # with the margin
BEAM = 8
REACH_M = 210.0  # plants beyond are not drawn
MAX_PLANTS = 2048
HERE = Path(__file__).parent


class NoRenderer(RuntimeError):
    """This machine has no EGL renderer."""


@dataclass(frozen=True)
class View:
    """Where the camera is (metres, radians; y up, yaw right of +z, pitch up) and what the light and weather are:
    `tod` 0 sunrise, 0.25 noon, 0.5 sunset, 0.75 midnight; the others in [0, 1]; `clock` in seconds."""

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


@dataclass(frozen=True)
class Picture:
    """y [H,W], u, v [H/2,W/2] uint8 (BT.709, limited range); depth [H/2,W/2] uint16 code of distance."""

    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]
    depth: NDArray[np.uint16]


class Renderer:
    """Owns one OpenGL context and the textures of the terrain in use."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        if width <= 0 or height <= 0 or width % 16 or height % 16:
            raise ValueError(f"width and height must be positive multiples of 16; got {width} x {height}")
        try:
            self.gl = moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
        except Exception as error:  # moderngl raises bare Exception
            raise NoRenderer(
                f"no EGL renderer ({error}); on Debian: apt-get install libegl1 libgl1-mesa-dri"
            ) from error
        self.size = (width, height)
        scene = (HERE / "scene.glsl").read_text().replace("//@shapes", (HERE / "shapes.glsl").read_text())
        planes = (HERE / "planes.glsl").read_text()
        self._beam = self._program("#define BEAM\n" + scene)
        self._scene = self._program(scene)
        box = (HERE / "plants.glsl").read_text()
        self._plants = {
            k: self._program(f"#define PLANTS\n#define KIND {k}\n" + scene, f"#define KIND {k}\n" + box) for k in KINDS
        }
        self._luma = self._program("#define LUMA\n" + planes)
        self._chroma = self._program(planes)
        half = (width // 2, height // 2)
        self._skip = self._texture((width // BEAM, height // BEAM), 1, "f4", moderngl.NEAREST)
        self._colour = self._texture(self.size, 4, "f1", moderngl.NEAREST)
        self._distance = self._texture(self.size, 1, "f4", moderngl.NEAREST)
        self._y = self._texture(self.size, 1, "f1", moderngl.NEAREST)
        self._uv = self._texture(half, 2, "f1", moderngl.NEAREST)
        self._code = self._texture(half, 1, "f4", moderngl.NEAREST)
        self._surface = self._texture(self.size, 4, "f4", moderngl.NEAREST)
        self._material = self._texture(self.size, 1, "f4", moderngl.NEAREST)
        self._to_plants = self.gl.framebuffer([self._surface, self._material], self.gl.depth_renderbuffer(self.size))
        self._to_beam = self.gl.framebuffer([self._skip])
        self._to_scene = self.gl.framebuffer([self._colour, self._distance])
        self._to_luma = self.gl.framebuffer([self._y])
        self._to_chroma = self.gl.framebuffer([self._uv, self._code])
        triangle = self.gl.buffer(np.array([-1, -1, 3, -1, -1, 3], "f4").tobytes())
        self._passes = {
            p: self.gl.vertex_array(p, triangle, "corner") for p in (self._beam, self._scene, self._luma, self._chroma)
        }
        self._instances = {k: self.gl.buffer(reserve=MAX_PLANTS * 20, dynamic=True) for k in KINDS}
        square = self.gl.buffer(np.array([-1, -1, 1, -1, -1, 1, 1, 1], "f4").tobytes())
        layout = lambda k: [(square, "2f", "corner"), (self._instances[k], "4f 1f/i", "at", "spin")]  # noqa: E731
        self._quads = {k: self.gl.vertex_array(p, layout(k)) for k, p in self._plants.items()}
        self._ground: list[moderngl.Texture] = []
        self._terrain: Terrain | None = None

    def _program(
        self, fragment: str, vertex: str = "in vec2 corner; void main() { gl_Position = vec4(corner, 0., 1.); }"
    ) -> moderngl.Program:
        return self.gl.program(vertex_shader="#version 330\n" + vertex, fragment_shader="#version 330\n" + fragment)

    def _texture(self, size: tuple[int, int], components: int, dtype: str, filtering: int) -> moderngl.Texture:
        texture = self.gl.texture(size, components, dtype=dtype)
        texture.filter = (filtering, filtering)
        return texture

    def enter(self, terrain: Terrain) -> None:
        """Use this terrain for the views that follow."""
        for old in self._ground:
            old.release()
        self._ground = []
        for array, filtering in (
            (terrain.ground, moderngl.LINEAR),
            (terrain.noise, moderngl.LINEAR),
            (terrain.cells, moderngl.NEAREST),
        ):
            texture = self.gl.texture(array.shape[1::-1], 4, np.ascontiguousarray(array).tobytes(), dtype="f4")
            texture.filter = (filtering, filtering)
            texture.repeat_x = texture.repeat_y = True
            self._ground.append(texture)
        self._terrain = terrain

    def _set(self, program: moderngl.Program, values: dict[str, object]) -> None:
        for name, value in values.items():
            if name in program:
                program[name] = value

    def draw(self, view: View) -> Picture:
        """The view's planes, row 0 at the top."""
        self._render(view)
        for program, target in ((self._luma, self._to_luma), (self._chroma, self._to_chroma)):
            target.use()
            self._colour.use(0)
            self._distance.use(1)
            self._set(program, {"scene": 0, "distances": 1})
            self._passes[program].render()
        w, h = self.size
        y = np.frombuffer(self._to_luma.read(components=1, alignment=1), np.uint8).reshape(h, w)[::-1]
        uv = np.frombuffer(self._to_chroma.read(components=2, alignment=1), np.uint8).reshape(h // 2, w // 2, 2)[::-1]
        code = np.frombuffer(self._to_chroma.read(components=1, attachment=1, dtype="f4", alignment=1), np.float32)
        depth = np.round(code.reshape(h // 2, w // 2)[::-1] * 65535).astype(np.uint16)
        return Picture(y.copy(), uv[..., 0].copy(), uv[..., 1].copy(), depth)

    def draw_rgb(self, view: View) -> NDArray[np.uint8]:
        """The view as RGB [H, W, 3], for people."""
        self._render(view)
        w, h = self.size
        return np.frombuffer(self._to_scene.read(components=3, alignment=1), np.uint8).reshape(h, w, 3)[::-1].copy()

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

    def _render(self, view: View) -> None:
        if self._terrain is None:
            raise RuntimeError("enter() a terrain before drawing")
        values: dict[str, object] = {
            name: getattr(view, name) for name in ("tod", "cloud", "fog", "rain", "snow", "cover", "clock")
        }
        values |= {
            "eye": (view.x, view.y, view.z),
            "look": (view.yaw, view.pitch),
            "place": PLACES.index(self._terrain.place),
        }
        values |= {"terrain": 0, "noise": 1, "cells": 2, "beam": 3}
        for unit, texture in enumerate(self._ground):
            texture.use(unit)
        w, h = self.size
        self._to_beam.use()
        self._set(self._beam, values | {"size": (w // BEAM, h // BEAM)})
        self._passes[self._beam].render()
        self._to_plants.use()
        self._to_plants.clear()
        self.gl.enable(moderngl.DEPTH_TEST)
        for kind, plants in self._visible(self._terrain, view).items():
            self._instances[kind].write(plants.tobytes())
            self._set(self._plants[kind], values | {"size": (w, h)})
            self._quads[kind].render(moderngl.TRIANGLE_STRIP, instances=len(plants))
        self.gl.disable(moderngl.DEPTH_TEST)
        self._skip.use(3)
        self._surface.use(4)
        self._material.use(5)
        self._to_scene.use()
        self._set(self._scene, values | {"size": (w, h), "surfaces": 4, "materials": 5})
        self._passes[self._scene].render()
