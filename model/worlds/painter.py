"""Paints shots of the full worlds through moderngl, with their truth: distance, normals and materials of every pixel.
Knows nothing of time or of who acts; a shot is its whole input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import moderngl
import numpy as np
from numpy.typing import NDArray

from configs.paths import vocabulary
from model.worlds import uniforms
from model.worlds.lands import Land
from model.worlds.opengl import (
    SQUARE,
    TRIANGLE,
    Picture,
    context,
    program,
    read_planes,
    relief,
    set_values,
    target,
    tiles,
)
from model.worlds.renderer import MAX_PLANTS
from model.worlds.shots import Frame, Shot
from model.worlds.solids import SKY_MATERIAL, Body
from model.worlds.structures import standing
from model.worlds.terrain import KINDS
from model.worlds.uniforms import BEAM, MAX_SOLIDS, MAX_SPARKS

HERE = Path(__file__).parent
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


class Painter:
    """Owns one OpenGL context, the textures of the land in use and one set of programs a place."""

    def __init__(self, frame: Frame) -> None:
        self.gl = context()
        self.frame = frame
        self._text = {path.stem: path.read_text() for path in HERE.glob("*.glsl")}
        self._triangle = self.gl.buffer(TRIANGLE.tobytes())
        self._square = self.gl.buffer(SQUARE.tobytes())
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
        self._looks = [
            self._full(f"#define LOOK {number}\n{self._text['wide_looks']}")
            for number in range(len(vocabulary()["look"]))
        ]
        self._luma, self._chroma = self._full("#define LUMA\n" + self._text["planes"]), self._full(self._text["planes"])
        self._scenes: dict[str, moderngl.VertexArray] = {}
        self._ground: list[moderngl.Texture] = []
        self._land: Land | None = None
        self._standing = Body()

    def _targets(self) -> None:
        size = (self.frame.width, self.frame.height)
        half = (size[0] // 2, size[1] // 2)
        small = (size[0] // BEAM, size[1] // BEAM)
        self._skip = target(self.gl, small, 1, "f4")
        self._met = target(self.gl, size, 2, "f4")
        self._surface, self._material, self._paint = (
            target(self.gl, size, n, kind) for n, kind in ((4, "f4"), (1, "f4"), (4, "f2"))
        )
        self._colour, self._distance, self._facing = (
            target(self.gl, size, n, kind) for n, kind in ((4, "f1"), (1, "f4"), (4, "f4"))
        )
        self._looked = target(self.gl, size, 4, "f1")
        self._planes = (target(self.gl, size, 1, "f1"), target(self.gl, half, 2, "f1"), target(self.gl, half, 1, "f4"))
        self._to_beam = self.gl.framebuffer([self._skip])
        self._to_things = self.gl.framebuffer(
            [self._surface, self._material, self._paint], self.gl.depth_renderbuffer(size)
        )
        kinds = self.gl.depth_renderbuffer(size)
        self._to_met = self.gl.framebuffer([self._met], kinds)
        self._to_scene = self.gl.framebuffer([self._colour, self._distance, self._facing], kinds)
        self._to_sparks = self.gl.framebuffer([self._colour])
        self._to_look = self.gl.framebuffer([self._looked])
        self._to_luma = self.gl.framebuffer([self._planes[0]])
        self._to_chroma = self.gl.framebuffer([*self._planes[1:]])

    def _full(self, fragment: str, depth: float = 0.0) -> moderngl.VertexArray:
        vertex = f"in vec2 corner; void main() {{ gl_Position = vec4(corner, {depth:.1f}, 1.); }}"
        return self.gl.vertex_array(program(self.gl, fragment, vertex), self._triangle, "corner")

    def _instanced(
        self, vertex: str, fragment: str, layout: str, rows: int
    ) -> tuple[moderngl.VertexArray, moderngl.Buffer]:
        names = {"4f 4f 4f 4f/i": ("at", "axis", "paint", "more"), "4f 1f/i": ("at", "spin"), "4f 4f/i": ("at", "tone")}
        stride = sum(int(part[0]) for part in layout.split()) * 4
        buffer = self.gl.buffer(reserve=rows * stride, dynamic=True)
        content = [(self._square, "2f", "corner"), (buffer, layout, *names[layout])]
        return self.gl.vertex_array(program(self.gl, fragment, vertex), content), buffer

    def _scene(self, land: Land, shot: Shot) -> list[moderngl.VertexArray]:
        """The programs of a place without what this shot does not show: what is met, then sky, water, all else."""
        place = f"#define PLACE {vocabulary()['place'].index(land.place)}\n"
        lit = "".join(f"const bool {name} = {str(there).lower()};\n" for name, there in uniforms.shown(shot).items())
        asked: list[tuple[str, tuple[str, ...], float]] = [(place, ("common", "march", "meet"), 0.0)]
        for kind in (0, 2) if land.dry else (0, 1, 2):
            head = f"{place}{lit}#define SHOWS {kind}\n"
            asked.append((head, ("common", "march", "sky", "scene"), 0.5 * kind - 0.5))
        for head, names, depth in asked:
            if head not in self._scenes:
                text = head + "".join(self._text[f"wide_{name}"] for name in names)
                self._scenes[head] = self._full(text, depth)
        return [self._scenes[head] for head, _, _ in asked]

    def enter(self, land: Land) -> None:
        """Use this land for the shots that follow."""
        with self.gl:
            self._enter(land)

    def _enter(self, land: Land) -> None:
        for old in self._ground:
            old.release()
        self._ground = [*tiles(self.gl, land, bytes_of_noise=True), relief(self.gl, land)]
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
        """The shot as the networks' planes with their depth, as opengl.Picture."""
        with self.gl:
            return self._as_planes(shot)

    def _as_planes(self, shot: Shot) -> Picture:
        self._render(shot)
        for array, into in ((self._luma, self._to_luma), (self._chroma, self._to_chroma)):
            into.use()
            self._looked.use(0)
            self._distance.use(1)
            set_values(array.program, {"scene": 0, "distances": 1})
            array.render()
        return read_planes(self._to_luma, self._to_chroma)

    def _things(self, land: Land, shot: Shot, values: dict[str, object]) -> None:
        self._to_things.use()
        self._to_things.clear()
        self.gl.enable(moderngl.DEPTH_TEST)
        for kind, rows in uniforms.plants(land, shot).items():
            array, buffer = self._plants[kind]
            buffer.write(rows.tobytes())
            set_values(array.program, values)
            array.render(moderngl.TRIANGLE_STRIP, instances=len(rows))
        rows = uniforms.solids(self._standing, shot)
        if len(rows):
            array, buffer = self._solids
            buffer.write(rows.tobytes())
            set_values(array.program, values | {"terrain": 0, "noise": 1})
            array.render(moderngl.TRIANGLE_STRIP, instances=len(rows))
        self.gl.disable(moderngl.DEPTH_TEST)

    def _light(self, shot: Shot, values: dict[str, object]) -> None:
        sparks = uniforms.sparks(shot)
        if not len(sparks):
            return
        array, buffer = self._sparks
        buffer.write(sparks.tobytes())
        self._to_sparks.use()
        self._distance.use(0)
        self.gl.enable(moderngl.BLEND)
        self.gl.blend_func = (moderngl.ONE, moderngl.ONE)
        set_values(array.program, values | {"distances": 0})
        array.render(moderngl.TRIANGLE_STRIP, instances=len(sparks))
        self.gl.disable(moderngl.BLEND)

    def _render(self, shot: Shot) -> None:
        if self._land is None:
            raise RuntimeError("enter() a land before painting")
        land = self._land
        values = uniforms.values(land, shot, self.frame)
        for unit, texture in enumerate(self._ground):
            texture.use(unit)
        names = ("terrain", "noise", "cells", "heights", "beam", "surfaces", "materials", "paints", "met")
        units = {name: unit for unit, name in enumerate(names)}
        self._to_beam.use()
        set_values(self._beam.program, values | units)
        self._beam.render()
        self._things(land, shot, values)
        for unit, texture in enumerate((self._skip, self._surface, self._material, self._paint, self._met)):
            texture.use(4 + unit)
        meet, *lit = self._scene(land, shot)
        self.gl.enable(moderngl.DEPTH_TEST)
        for into, programs, chosen in ((self._to_met, [meet], "1"), (self._to_scene, lit, "==")):
            into.use()
            self.gl.depth_func = chosen
            for array in programs:
                set_values(array.program, values | units)
                array.render()
        self.gl.depth_func = "<"
        self.gl.disable(moderngl.DEPTH_TEST)
        self._light(shot, values)
        self._to_look.use()
        for unit, texture in enumerate((self._colour, self._ground[1], self._distance, self._facing)):
            texture.use(unit)
        looks = self._looks[vocabulary()["look"].index(shot.look)]
        look: dict[str, object] = {"paper": (self.frame.left, self.frame.low)}
        look |= {"scene": 0, "noise": 1, "distances": 2, "normals": 3, "fine": self.frame.whole[1] / 288}
        set_values(looks.program, look | {"glow_pulse": shot.heaven.pulse})
        looks.render()
