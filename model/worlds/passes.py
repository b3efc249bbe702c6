"""Passes over the pixels of a picture, each from one text: fragments where a processor draws, compute shaders where a
GPU does, since some draw fragments with few of their cores. Knows both ways; refuses to know what is painted."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import moderngl
import numpy as np
from numpy.typing import NDArray

from model.worlds.opengl import SQUARE, TRIANGLE, NoRenderer, Packed, Part

HERE = Path(__file__).parent
Asked = TypeVar("Asked")
Read = TypeVar("Read")
COMPUTE, FRAGMENTS = "compute", "fragments"
ASKED = "MUNDO_PASSES"  # the environment's word, where a way is to be tried that the driver does not call for
SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swr")
FORMATS = {
    (1, "f1"): "r8", (2, "f1"): "rg8", (4, "f1"): "rgba8", (4, "f2"): "rgba16f",
    (1, "f4"): "r32f", (2, "f4"): "rg32f", (4, "f4"): "rgba32f",
}  # fmt: skip
AHEAD = 4  # pictures that a GPU is asked for before the first of them is waited for
SIDE = 8  # pixels of a group of a compute shader, as pass_compute.glsl says
FLAT = "in vec2 corner; void main() {{ gl_Position = vec4(corner, {depth:.1f}, 1.); }}"


def way(gl: moderngl.Context) -> str:
    """COMPUTE where a GPU's driver can, FRAGMENTS elsewhere, or what ASKED names. Raises NoRenderer."""
    able = gl.version_code >= 430
    asked = os.environ.get(ASKED)
    if asked not in (None, "", COMPUTE, FRAGMENTS):
        raise NoRenderer(f"{ASKED} is {COMPUTE} or {FRAGMENTS}; got {asked}")
    if asked == COMPUTE and not able:
        raise NoRenderer(f"{ASKED} asks for {COMPUTE}, which needs OpenGL 4.3; got {gl.version_code / 100:.1f}")
    software = any(name in str(gl.info["GL_RENDERER"]).lower() for name in SOFTWARE)
    return asked or (COMPUTE if able and not software else FRAGMENTS)


def in_turn(
    gl: moderngl.Context,
    asked: Iterable[Asked],
    draw: Callable[[Asked], None],
    parts: Sequence[Part],
    read: Callable[[Packed], Read],
) -> Iterator[Read]:
    """What `read` makes of these parts for each that is asked for, in order; a GPU draws the next ones meanwhile."""
    with gl:
        free = [Packed(gl, parts) for _ in range(AHEAD if way(gl) == COMPUTE else 1)]
    waiting: deque[Packed] = deque()
    try:
        for one in asked:
            with gl:
                draw(one)
                waiting.append(free.pop())
                waiting[-1].ask()
                found = None if free else read(waiting[0])
            if found is not None:
                free.append(waiting.popleft())
                yield found
        while waiting:
            with gl:
                found = read(waiting[0])
            free.append(waiting.popleft())
            yield found
    finally:
        with gl:
            for packed in (*free, *waiting):
                packed.release()


def _text(name: str) -> str:
    return (HERE / f"pass_{name}.glsl").read_text()


def program(gl: moderngl.Context, fragment: str, vertex: str) -> moderngl.Program:
    """A program of two texts without their version; the second is in the words of pass_fragment.glsl."""
    text = f"{_text('fragment')}{fragment}\nvoid main() {{ each(); }}"
    return gl.program(vertex_shader=f"#version 330\n{vertex}", fragment_shader=text)


def _shader(gl: moderngl.Context, into: moderngl.Framebuffer, text: str, things: bool) -> moderngl.ComputeShader:
    version, rest = _text("compute").split("\n", 1)
    formats = [FORMATS[image.components, image.dtype] for image in _images(into)]
    head = "".join(f"#define FORMAT{i} {name}\n" for i, name in enumerate(formats)) + "#define THINGS\n" * things
    return gl.compute_shader(f"{version}\n{head}{rest}{text}{_text('each')}")


def _images(into: moderngl.Framebuffer) -> list[moderngl.Texture]:
    return [image for image in into.color_attachments if isinstance(image, moderngl.Texture)]


class _Told:
    """The values that a program was told last: most stay as they are from picture to picture."""

    def __init__(self, program: moderngl.Program | moderngl.ComputeShader) -> None:
        asked = {name: program[name] for name in program}
        self._asked = [(name, uniform) for name, uniform in asked.items() if isinstance(uniform, moderngl.Uniform)]
        self._told: dict[str, object] = {}

    def tell(self, values: Mapping[str, object]) -> None:
        for name, uniform in self._asked:
            value = values.get(name)
            if value is not None and self._told.get(name) != value:
                uniform.value = self._told[name] = value


def _run(
    gl: moderngl.Context, shaders: Sequence[moderngl.ComputeShader], into: moderngl.Framebuffer, read_next: bool = True
) -> None:
    for unit, image in enumerate(_images(into)):
        image.bind_to_image(unit, read=True, write=True)
    for shader in shaders:
        shader.run(*(-(-side // SIDE) for side in into.size))
    if read_next:
        gl.memory_barrier()


class Pass:
    """A text that fills every pixel of a framebuffer; `depth` is that of its fragments, which a test may choose by."""

    def __init__(self, gl: moderngl.Context, text: str, into: moderngl.Framebuffer, depth: float = 0.0) -> None:
        self._gl, self._into = gl, into
        self._array: moderngl.VertexArray | None = None
        self._shader: moderngl.ComputeShader | None = None
        if way(gl) == COMPUTE:
            self._shader = _shader(gl, into, text, things=False)
            self._told = _Told(self._shader)
        else:
            made = program(gl, text, FLAT.format(depth=depth))
            self._array = gl.vertex_array(made, gl.buffer(TRIANGLE.tobytes()), "corner")
            self._told = _Told(made)

    def draw(self, values: Mapping[str, object], read_next: bool = True) -> None:
        """Once over all pixels, with these of its uniforms. Without `read_next` what is drawn next may begin before
        this has ended: whoever reads it is drawn after something else that was waited for."""
        self.draw_apart([self], values, read_next)

    @staticmethod
    def draw_apart(passes: Sequence[Pass], values: Mapping[str, object], read_next: bool = True) -> None:
        """Passes into one framebuffer of which no two fill the same pixel: a GPU need not end one to begin the next."""
        for one in passes:
            one._told.tell(values)
        first = passes[0]
        if first._shader:
            _run(first._gl, [one._shader for one in passes if one._shader], first._into, read_next)
            return
        first._into.use()
        for one in passes:
            if one._array:
                one._array.render()


class Things:
    """What is met within rectangles, a row a thing: of those in a pixel the nearest stays in the framebuffer, which has
    a depth and whose first part holds the distance as `w`. `boxes` is the text of the rectangles, `text` of what is met
    in them, `layout` and `names` the columns of a row."""

    def __init__(
        self,
        gl: moderngl.Context,
        texts: tuple[str, str],
        into: moderngl.Framebuffer,
        columns: dict[str, int],
        rows: int,
    ) -> None:
        self._gl, self._into = gl, into
        self._rows = gl.buffer(reserve=rows * 4 * sum(columns.values()), dynamic=True)
        self._array: moderngl.VertexArray | None = None
        self._shader: moderngl.ComputeShader | None = None
        boxes, text = texts
        if way(gl) == COMPUTE:
            self._shader = _shader(gl, into, f"{text}\n{boxes}", things=True)
            self._told = _Told(self._shader)
        else:
            made = program(gl, text, boxes)
            layout = " ".join(f"{count}f" for count in columns.values()) + "/i"
            corners = gl.buffer(SQUARE.tobytes())
            self._array = gl.vertex_array(made, [(corners, "2f", "corner"), (self._rows, layout, *columns)])
            self._told = _Told(made)

    def draw(self, values: Mapping[str, object], rows: NDArray[np.float32]) -> None:
        """These rows, into what is there."""
        self._rows.write(np.ascontiguousarray(rows))
        if self._shader:
            self._told.tell({**values, "things": len(rows)})
            self._rows.bind_to_storage_buffer(0)
            _run(self._gl, [self._shader], self._into)
        elif self._array:
            self._told.tell(values)
            self._into.use()
            self._gl.enable(moderngl.DEPTH_TEST)
            self._array.render(moderngl.TRIANGLE_STRIP, instances=len(rows))
            self._gl.disable(moderngl.DEPTH_TEST)
