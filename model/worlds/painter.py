"""Paints shots of the full worlds through moderngl, with their truth: distance, normals and materials of every pixel.
Knows nothing of time or of who acts; a shot is its whole input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import moderngl
import numpy as np
from numpy.typing import NDArray

from configs.paths import vocabulary
from model.worlds import uniforms
from model.worlds.lands import Land
from model.worlds.opengl import SQUARE, Packed, Picture, Tiles, context, picture, planes_of, target
from model.worlds.passes import Pass, Things, in_turn, program
from model.worlds.renderer import MAX_PLANTS
from model.worlds.shots import Frame, Shot
from model.worlds.solids import Body
from model.worlds.structures import standing
from model.worlds.terrain import KINDS
from model.worlds.uniforms import BEAM, MAX_SOLIDS, MAX_SPARKS

HERE = Path(__file__).parent
OUTPUTS = """struct Hit { float t; vec3 n; int material; float up; };
const int GROUND = 0, WATER = 1, TRUNK = 2, PINE = 3, LEAF = 4, CACTUS = 5, ROCK = 6;
GIVEN(vec4, foot) GIVEN(float, turn)
OUT0(vec4, surface) OUT1(float, material) OUT2(vec4, paint)
"""
NAMES = ("terrain", "noise", "cells", "heights", "beam", "surfaces", "materials", "paints", "met")
UNITS = {name: unit for unit, name in enumerate(NAMES)}  # of the textures that all but the looks read


@dataclass(frozen=True)
class Painting:
    """rgb [H,W,3] uint8; distance_m [H,W] float32; facing [H,W,3] int8, the normals in the world of 127; materials
    [H,W] uint8, an index of solids.MATERIALS, 255 the sky. Views of what was read back, rows and pixels apart."""

    rgb: NDArray[np.uint8]
    distance_m: NDArray[np.float32]
    facing: NDArray[np.int8]
    materials: NDArray[np.uint8]

    @property
    def normals(self) -> NDArray[np.float32]:
        """[H,W,3], as long as 1 but for the rounding."""
        return self.facing.astype(np.float32) / np.float32(127)


def _painting(truth: Packed) -> Painting:
    looked, facing, far = truth.take()
    return Painting(looked[..., :3], far[..., 0], facing[..., :3], looked[..., 3])


class Painter:
    """Owns one OpenGL context, the textures of the land in use and one set of programs a place."""

    def __init__(self, frame: Frame) -> None:
        self.gl = context()
        self.frame = frame
        self._text = {path.stem: path.read_text() for path in HERE.glob("*.glsl")}
        self._targets()
        common, boxes = self._text["wide_common"], self._text["wide_boxes"]
        columns = {"at": 4, "axis": 4, "paint": 4, "more": 4}
        texts = (boxes, common + self._text["wide_solids"])
        self._solids = Things(self.gl, texts, self._to_things, columns, MAX_SOLIDS)
        self._plants = {}
        for kind in KINDS:
            of = f"#define KIND {kind}\n"
            texts = (of + boxes, of + common + OUTPUTS + self._text["shapes"] + self._text["wide_plants"])
            self._plants[kind] = Things(self.gl, texts, self._to_things, {"at": 4, "spin": 1}, MAX_PLANTS)
        self._beam = Pass(self.gl, common + self._text["wide_beam"], self._to_beam)
        self._looks = [
            Pass(self.gl, f"#define LOOK {number}\n{self._text['wide_looks']}", self._to_look)
            for number in range(len(vocabulary()["look"]))
        ]
        planes = self._text["planes"]
        self._luma = Pass(self.gl, "#define LUMA\n" + planes, self._to_luma)
        self._chroma = Pass(self.gl, planes, self._to_chroma)
        self._sparks, self._spark_rows = self._lights()
        scene, look = self._to_scene, self._to_look
        self._parts = [(look, 0, 4, "u1"), (look, 1, 4, "i1"), (scene, 1, 1, "f4")]
        self._truth = Packed(self.gl, self._parts)
        self._packed = Packed(self.gl, planes_of(self._to_luma, self._to_chroma))
        self._scenes: dict[str, Pass] = {}
        self._ground = Tiles(self.gl, painted=True)
        self._land: Land | None = None
        self._standing = Body().rows

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
        self._looked, self._turned = target(self.gl, size, 4, "f1"), target(self.gl, size, 4, "f1")
        self._planes = (target(self.gl, size, 1, "f1"), target(self.gl, half, 2, "f1"), target(self.gl, half, 1, "f4"))
        self._to_beam = self.gl.framebuffer([self._skip])
        self._to_things = self.gl.framebuffer(
            [self._surface, self._material, self._paint], self.gl.depth_renderbuffer(size)
        )
        kinds = self.gl.depth_renderbuffer(size)
        self._to_met = self.gl.framebuffer([self._met], kinds)
        self._to_scene = self.gl.framebuffer([self._colour, self._distance, self._facing], kinds)
        self._to_sparks = self.gl.framebuffer([self._colour])
        self._to_look = self.gl.framebuffer([self._looked, self._turned])
        self._to_luma = self.gl.framebuffer([self._planes[0]])
        self._to_chroma = self.gl.framebuffer([*self._planes[1:]])

    def _lights(self) -> tuple[moderngl.VertexArray, moderngl.Buffer]:
        """Sparks stay discs that are added up: they are few."""
        text = self._text["wide_sparks"]
        rows, square = self.gl.buffer(reserve=MAX_SPARKS * 32, dynamic=True), self.gl.buffer(SQUARE.tobytes())
        made = program(self.gl, text, "#define VERTEX\n" + text)
        return self.gl.vertex_array(made, [(square, "2f", "corner"), (rows, "4f 4f/i", "at", "tone")]), rows

    def _scene(self, land: Land, shot: Shot) -> list[Pass]:
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
                into = self._to_scene if "SHOWS" in head else self._to_met
                self._scenes[head] = Pass(self.gl, text, into, depth)
        return [self._scenes[head] for head, _, _ in asked]

    def enter(self, land: Land) -> None:
        """Use this land for the shots that follow."""
        with self.gl:
            self._enter(land)

    def _enter(self, land: Land) -> None:
        self._ground.fill(land)
        self._land, self._standing = land, standing(land).rows

    def paint(self, shot: Shot) -> Painting:
        """The shot in colours, row 0 at the top, with its truth."""
        with self.gl:
            self._render(shot)
            self._truth.ask()
            return _painting(self._truth)

    def paint_each(self, shots: Iterable[Shot]) -> Iterator[Painting]:
        """As paint, of one shot after another in the same land, which a GPU does faster."""
        return in_turn(self.gl, shots, self._render, self._parts, _painting)

    def planes(self, shot: Shot) -> Picture:
        """The shot as the networks' planes with their depth, as opengl.Picture."""
        with self.gl:
            return self._as_planes(shot)

    def _as_planes(self, shot: Shot) -> Picture:
        self._render(shot)
        for planes in (self._luma, self._chroma):
            self._looked.use(0)
            self._distance.use(1)
            planes.draw({"scene": 0, "distances": 1})
        self._packed.ask()
        return picture(self._packed)

    def _beam_and_things(self, land: Land, shot: Shot, values: dict[str, object]) -> None:
        """What rays begin from, and what stands in their way: neither reads the other."""
        plants, solids = uniforms.plants(land, shot), uniforms.solids(self._standing, shot)
        self._to_things.clear()
        self._beam.draw(values, read_next=not (plants or len(solids)))
        for kind, rows in plants.items():
            self._plants[kind].draw(values, rows)
        if len(solids):
            self._solids.draw(values, solids)

    def _light(self, shot: Shot, values: dict[str, object]) -> None:
        if not len(shot.lights.sparks):
            return
        sparks = uniforms.sparks(shot)
        self._spark_rows.write(sparks)
        self._to_sparks.use()
        self._distance.use(0)
        self.gl.enable(moderngl.BLEND)
        self.gl.blend_func = (moderngl.ONE, moderngl.ONE)
        for name, value in (values | {"distances": 0}).items():
            if name in self._sparks.program:
                self._sparks.program[name] = value
        self._sparks.render(moderngl.TRIANGLE_STRIP, instances=len(sparks))
        self.gl.disable(moderngl.BLEND)

    def _render(self, shot: Shot) -> None:
        if self._land is None:
            raise RuntimeError("enter() a land before painting")
        land = self._land
        values = UNITS | uniforms.values(land, shot, self.frame)
        self._ground.use()
        self._beam_and_things(land, shot, values)
        for unit, texture in enumerate((self._skip, self._surface, self._material, self._paint, self._met)):
            texture.use(4 + unit)
        meet, *lit = self._scene(land, shot)
        self.gl.enable(moderngl.DEPTH_TEST)
        for passes, chosen in (([meet], "1"), (lit, "==")):
            self.gl.depth_func = chosen
            Pass.draw_apart(passes, values)
        self.gl.depth_func = "<"
        self.gl.disable(moderngl.DEPTH_TEST)
        self._light(shot, values)
        for unit, texture in enumerate((self._colour, self._ground.textures[1], self._distance, self._facing)):
            texture.use(unit)
        looks = self._looks[vocabulary()["look"].index(shot.look)]
        look: dict[str, object] = {"paper": (self.frame.left, self.frame.low)}
        look |= {"scene": 0, "noise": 1, "distances": 2, "normals": 3, "fine": self.frame.whole[1] / 288}
        looks.draw(look | {"glow_pulse": shot.heaven.pulse})
