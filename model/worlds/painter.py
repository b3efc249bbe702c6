"""Paints shots of the full worlds through moderngl, with their truth: distance, normals and materials of every pixel.
Knows nothing of time or of who acts; a shot is its whole input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import moderngl
import numpy as np
from numpy.typing import NDArray

from configs.paths import vocabulary
from model.worlds.lands import Land
from model.worlds.renderer import BEAM, MAX_PLANTS, REACH_M, NoRenderer, Picture
from model.worlds.shots import Shot
from model.worlds.solids import SKY_MATERIAL, Body, Rows
from model.worlds.structures import standing
from model.worlds.terrain import KINDS, TILE_M

HERE = Path(__file__).parent
MAX_SOLIDS, MAX_SPARKS, MAX_CASTERS, MAX_FIRES = 4096, 4096, 24, 2
WHOLE_LIMIT = 4096
CORNERS = "in vec2 corner; void main() { gl_Position = vec4(corner, 0., 1.); }"
OUTPUTS = """struct Hit { float t; vec3 n; int material; float up; };
const int GROUND = 0, WATER = 1, TRUNK = 2, PINE = 3, LEAF = 4, CACTUS = 5, ROCK = 6;
in vec4 foot; in float turn;
layout(location = 0) out vec4 surface; layout(location = 1) out float material; layout(location = 2) out vec4 paint;
"""


@dataclass(frozen=True)
class Painting:
    """rgb [H,W,3] uint8; distance_m [H,W] float32; normals [H,W,3] float32 in the world; materials [H,W] uint8, an
    index of solids.MATERIALS, 255 the sky."""

    rgb: NDArray[np.uint8]
    distance_m: NDArray[np.float32]
    normals: NDArray[np.float32]
    materials: NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """The picture's size in pixels, and the corner (right, up from the lower left) and size of the whole of which it is
    a part."""

    width: int
    height: int
    left: int = 0
    low: int = 0
    whole_width: int = 0
    whole_height: int = 0

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0 or self.width % 16 or self.height % 16:
            raise ValueError(f"width and height must be positive multiples of 16; got {self.width} x {self.height}")
        wide, high = self.whole
        if not (0 <= self.left <= wide - self.width and 0 <= self.low <= high - self.height) or wide > WHOLE_LIMIT:
            raise ValueError(
                f"a crop lies within its whole of {wide} x {high}; got {self.width} x {self.height} "
                f"at {self.left}, {self.low}"
            )

    @property
    def whole(self) -> tuple[int, int]:
        return self.whole_width or self.width, self.whole_height or self.height


class Painter:
    """Owns one OpenGL context, the textures of the land in use and one set of programs a place."""

    def __init__(self, frame: Frame) -> None:
        try:
            self.gl = moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
        except Exception as error:  # moderngl raises bare Exception
            raise NoRenderer(
                f"no EGL renderer ({error}); on Debian: apt-get install libegl1 libgl1-mesa-dri"
            ) from error
        self.frame = frame
        self._text = {path.stem: path.read_text() for path in HERE.glob("*.glsl")}
        self._triangle = self.gl.buffer(np.array([-1, -1, 3, -1, -1, 3], "f4").tobytes())
        self._square = self.gl.buffer(np.array([-1, -1, 1, -1, -1, 1, 1, 1], "f4").tobytes())
        self._targets()
        boxes = self._text["wide_boxes"]
        common = self._text["wide_common"]
        self._solids = self._instanced(boxes, common + self._text["wide_solids"], "4f 4f 4f 4f/i", MAX_SOLIDS)
        self._plants = {
            kind: self._instanced(
                f"#define KIND {kind}\n{boxes}",
                f"#define KIND {kind}\n{common}{OUTPUTS}{self._text['shapes']}{self._text['wide_plants']}",
                "4f 1f/i",
                MAX_PLANTS,
            )
            for kind in KINDS
        }
        sparks = self._text["wide_sparks"]
        self._sparks = self._instanced("#define VERTEX\n" + sparks, sparks, "4f 4f/i", MAX_SPARKS)
        self._beam = self._full(common + self._text["wide_beam"])
        self._looks = self._full(self._text["wide_looks"])
        self._luma, self._chroma = self._full("#define LUMA\n" + self._text["planes"]), self._full(self._text["planes"])
        self._scenes: dict[str, moderngl.VertexArray] = {}
        self._ground: list[moderngl.Texture] = []
        self._land: Land | None = None
        self._standing = Body()

    def _texture(self, size: tuple[int, int], components: int, dtype: str) -> moderngl.Texture:
        texture = self.gl.texture(size, components, dtype=dtype)
        texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
        return texture

    def _targets(self) -> None:
        size = (self.frame.width, self.frame.height)
        half = (size[0] // 2, size[1] // 2)
        small = (size[0] // BEAM, size[1] // BEAM)
        self._skip = self._texture(small, 1, "f4")
        self._surface, self._material, self._paint = (
            self._texture(size, n, kind) for n, kind in ((4, "f4"), (1, "f4"), (4, "f2"))
        )
        self._colour, self._distance, self._facing = (
            self._texture(size, n, kind) for n, kind in ((4, "f1"), (1, "f4"), (4, "f4"))
        )
        self._looked = self._texture(size, 4, "f1")
        self._planes = (self._texture(size, 1, "f1"), self._texture(half, 2, "f1"), self._texture(half, 1, "f4"))
        self._to_beam = self.gl.framebuffer([self._skip])
        self._to_things = self.gl.framebuffer(
            [self._surface, self._material, self._paint], self.gl.depth_renderbuffer(size)
        )
        self._to_scene = self.gl.framebuffer([self._colour, self._distance, self._facing])
        self._to_sparks = self.gl.framebuffer([self._colour])
        self._to_look = self.gl.framebuffer([self._looked])
        self._to_luma = self.gl.framebuffer([self._planes[0]])
        self._to_chroma = self.gl.framebuffer([*self._planes[1:]])

    def _full(self, fragment: str) -> moderngl.VertexArray:
        program = self.gl.program(vertex_shader="#version 330\n" + CORNERS, fragment_shader="#version 330\n" + fragment)
        return self.gl.vertex_array(program, self._triangle, "corner")

    def _instanced(
        self, vertex: str, fragment: str, layout: str, rows: int
    ) -> tuple[moderngl.VertexArray, moderngl.Buffer]:
        program = self.gl.program(vertex_shader="#version 330\n" + vertex, fragment_shader="#version 330\n" + fragment)
        names = {"4f 4f 4f 4f/i": ("at", "axis", "paint", "more"), "4f 1f/i": ("at", "spin"), "4f 4f/i": ("at", "tone")}
        stride = sum(int(part[0]) for part in layout.split()) * 4
        buffer = self.gl.buffer(reserve=rows * stride, dynamic=True)
        content = [(self._square, "2f", "corner"), (buffer, layout, *names[layout])]
        return self.gl.vertex_array(program, content), buffer

    def _scene(self, place: str) -> moderngl.VertexArray:
        if place not in self._scenes:
            head = f"#define PLACE {vocabulary()['place'].index(place)}\n"
            parts = (self._text[name] for name in ("wide_common", "wide_sky", "wide_scene"))
            self._scenes[place] = self._full(head + "".join(parts))
        return self._scenes[place]

    def enter(self, land: Land) -> None:
        """Use this land for the shots that follow."""
        with self.gl:
            self._enter(land)

    def _enter(self, land: Land) -> None:
        for old in self._ground:
            old.release()
        self._ground = []
        for array, filtering in ((land.ground, "LINEAR"), (land.noise, "LINEAR"), (land.cells, "NEAREST")):
            texture = self.gl.texture(array.shape[1::-1], 4, np.ascontiguousarray(array).tobytes(), dtype="f4")
            texture.filter = (getattr(moderngl, filtering),) * 2
            texture.repeat_x = texture.repeat_y = True
            self._ground.append(texture)
        self._land, self._standing = land, standing(land)

    def paint(self, shot: Shot) -> Painting:
        """The shot in colours, row 0 at the top, with its truth."""
        with self.gl:
            return self._painting(shot)

    def _painting(self, shot: Shot) -> Painting:
        self._render(shot)
        w, h = self.frame.width, self.frame.height
        rgb = np.frombuffer(self._to_look.read(components=3, alignment=1), np.uint8).reshape(h, w, 3)
        far = np.frombuffer(self._to_scene.read(components=1, attachment=1, dtype="f4", alignment=1), np.float32)
        facing = np.frombuffer(self._to_scene.read(components=4, attachment=2, dtype="f4", alignment=1), np.float32)
        facing = facing.reshape(h, w, 4)[::-1]
        materials = np.where(facing[..., 3] < 0, SKY_MATERIAL, facing[..., 3]).astype(np.uint8)
        return Painting(rgb[::-1].copy(), far.reshape(h, w)[::-1].copy(), facing[..., :3].copy(), materials)

    def planes(self, shot: Shot) -> Picture:
        """The shot as the networks' planes with their depth, as renderer.Picture."""
        with self.gl:
            return self._as_planes(shot)

    def _as_planes(self, shot: Shot) -> Picture:
        self._render(shot)
        w, h = self.frame.width, self.frame.height
        for array, target in ((self._luma, self._to_luma), (self._chroma, self._to_chroma)):
            target.use()
            self._looked.use(0)
            self._distance.use(1)
            self._set(array.program, {"scene": 0, "distances": 1})
            array.render()
        y = np.frombuffer(self._to_luma.read(components=1, alignment=1), np.uint8).reshape(h, w)[::-1]
        uv = np.frombuffer(self._to_chroma.read(components=2, alignment=1), np.uint8).reshape(h // 2, w // 2, 2)[::-1]
        code = np.frombuffer(self._to_chroma.read(components=1, attachment=1, dtype="f4", alignment=1), np.float32)
        depth = np.round(code.reshape(h // 2, w // 2)[::-1] * 65535).astype(np.uint16)
        return Picture(y.copy(), uv[..., 0].copy(), uv[..., 1].copy(), depth)

    def _set(self, program: moderngl.Program, values: dict[str, object]) -> None:
        for name, value in values.items():
            if name in program:
                program[name] = value

    def _values(self, land: Land, shot: Shot) -> dict[str, object]:
        camera, heaven, frame = shot.camera, shot.heaven, self.frame
        eye = np.array([camera.x, camera.y, camera.z])
        values: dict[str, object] = {"eye": tuple(eye), "gaze": tuple(camera.gaze.T.reshape(-1))}
        values |= {"window": (float(frame.left), float(frame.low), *map(float, frame.whole)), "span": camera.span}
        values |= {"size": (frame.width, frame.height), "beam_size": (frame.width // BEAM, frame.height // BEAM)}
        values |= {
            "top_m": float(land.ground[..., 0].max()) + 0.5,
            "careful": 1 / (1 + land.steepest * land.steepest) ** 0.5,
        }
        for name in ("tod", "cloud", "fog", "rain", "snow", "cover", "storm", "aurora", "rainbow", "pulse"):
            values[name] = getattr(heaven, name)
        values |= {"clock": shot.clock, "bolt": (heaven.bolt_azimuth, 0.6 * heaven.bolt, heaven.bolt_seed, heaven.bolt)}
        dark = float(np.clip(0.45 - 2.2 * np.sin(2 * np.pi * heaven.tod) + 0.35 * heaven.storm, 0, 1))
        values |= {"night_lights": dark, "burst": shot.lights.burst, "lamp_on": float(shot.lights.lamp is not None)}
        lamp = shot.lights.lamp or (0.0, 0.0, 0.0, 0.0)
        values["lamp"] = (*(np.array(lamp[:3]) - eye), lamp[3])
        casters, fires = np.zeros((MAX_CASTERS, 4), np.float32), np.zeros((MAX_FIRES, 4), np.float32)
        near = shot.casters[:MAX_CASTERS]
        casters[: len(near)] = near - np.array([*eye, 0])
        fires[: len(shot.lights.fires)] = shot.lights.fires - np.array([*eye, 0])
        return values | {
            "caster": [tuple(row) for row in casters],
            "casters": len(near),
            "fire": [tuple(f) for f in fires],
        }

    def _visible_plants(self, land: Land, shot: Shot) -> dict[int, Rows]:
        """Plants in reach and ahead by kind, nearest first: [N, 5] foot relative to the eye, height, turn."""
        at, size, kind, turn = land.plants
        more = shot.saplings
        at, size = np.concatenate([at, more[:, :3]]), np.concatenate([size, more[:, 3]])
        turn, kind = np.concatenate([turn, more[:, 4]]), np.concatenate([kind, more[:, 5]])
        way = at - np.array([shot.camera.x, shot.camera.y, shot.camera.z])
        way[:, (0, 2)] -= TILE_M * np.round(way[:, (0, 2)] / TILE_M)
        far = np.linalg.norm(way, axis=1)
        ahead = way @ shot.camera.gaze[:, 2]
        keep = np.flatnonzero((far < REACH_M + 60) & (ahead > -2 * size))
        keep = keep[np.argsort(far[keep])][:MAX_PLANTS]
        rows = np.column_stack([way[keep], size[keep], turn[keep]]).astype(np.float32)
        return {k: rows[kind[keep] == k] for k in KINDS if (kind[keep] == k).any()}

    def _things(self, land: Land, shot: Shot, values: dict[str, object]) -> None:
        self._to_things.use()
        self._to_things.clear()
        self.gl.enable(moderngl.DEPTH_TEST)
        for kind, plants in self._visible_plants(land, shot).items():
            array, buffer = self._plants[kind]
            buffer.write(plants.tobytes())
            self._set(array.program, values)
            array.render(moderngl.TRIANGLE_STRIP, instances=len(plants))
        rows = np.concatenate([self._standing.rows, shot.solids]).astype(np.float64)
        rows[:, :3] -= np.array([shot.camera.x, shot.camera.y, shot.camera.z])
        rows[: len(self._standing.rows), (0, 2)] -= TILE_M * np.round(rows[: len(self._standing.rows), (0, 2)] / TILE_M)
        ahead = rows[:, :3] @ shot.camera.gaze[:, 2]
        rows = rows[(ahead > -rows[:, 13]) & (np.linalg.norm(rows[:, :3], axis=1) < 290)][:MAX_SOLIDS]
        if len(rows):
            array, buffer = self._solids
            buffer.write(np.ascontiguousarray(rows, np.float32).tobytes())
            self._set(array.program, values | {"terrain": 0, "noise": 1})
            array.render(moderngl.TRIANGLE_STRIP, instances=len(rows))
        self.gl.disable(moderngl.DEPTH_TEST)

    def _light(self, shot: Shot, values: dict[str, object]) -> None:
        sparks = shot.lights.sparks[:MAX_SPARKS].astype(np.float64)
        if not len(sparks):
            return
        sparks[:, :3] -= np.array([shot.camera.x, shot.camera.y, shot.camera.z])
        array, buffer = self._sparks
        buffer.write(sparks.astype(np.float32).tobytes())
        self._to_sparks.use()
        self._distance.use(0)
        self.gl.enable(moderngl.BLEND)
        self.gl.blend_func = (moderngl.ONE, moderngl.ONE)
        self._set(array.program, values | {"distances": 0})
        array.render(moderngl.TRIANGLE_STRIP, instances=len(sparks))
        self.gl.disable(moderngl.BLEND)

    def _render(self, shot: Shot) -> None:
        if self._land is None:
            raise RuntimeError("enter() a land before painting")
        land = self._land
        values = self._values(land, shot)
        for unit, texture in enumerate(self._ground):
            texture.use(unit)
        units = {"terrain": 0, "noise": 1, "cells": 2, "beam": 3, "surfaces": 4, "materials": 5, "paints": 6}
        self._to_beam.use()
        self._set(self._beam.program, values | units)
        self._beam.render()
        self._things(land, shot, values)
        for unit, texture in enumerate((self._skip, self._surface, self._material, self._paint)):
            texture.use(3 + unit)
        self._to_scene.use()
        scene = self._scene(land.place)
        self._set(scene.program, values | units)
        scene.render()
        self._light(shot, values)
        self._to_look.use()
        for unit, texture in enumerate((self._colour, self._ground[1], self._distance, self._facing)):
            texture.use(unit)
        look = {"kind": vocabulary()["look"].index(shot.look), "paper": (self.frame.left, self.frame.low)}
        look |= {"scene": 0, "noise": 1, "distances": 2, "normals": 3, "fine": self.frame.whole[1] / 288}
        self._set(self._looks.program, look | {"glow_pulse": shot.heaven.pulse})
        self._looks.render()
