"""What both painters of worlds are made of: a context, textures, values of programs, and planes that are read back.
Knows moderngl; refuses to know what is painted."""

from __future__ import annotations

from dataclasses import dataclass

import moderngl
import numpy as np
from numpy.typing import NDArray

from model.worlds.terrain import TEXELS, Terrain

FLAT = "in vec2 corner; void main() { gl_Position = vec4(corner, 0., 1.); }"  # the vertices of a pass over all pixels
TRIANGLE, SQUARE = np.array([-1, -1, 3, -1, -1, 3], "f4"), np.array([-1, -1, 1, -1, -1, 1, 1, 1], "f4")


class NoRenderer(RuntimeError):
    """This machine has no EGL renderer."""


@dataclass(frozen=True)
class Picture:
    """y [H,W], u, v [H/2,W/2] uint8 (BT.709, limited range); depth [H/2,W/2] uint16 code of distance."""

    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]
    depth: NDArray[np.uint16]


def context() -> moderngl.Context:
    """A context without a window. Raises NoRenderer."""
    try:
        return moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
    except Exception as error:  # moderngl raises bare Exception
        raise NoRenderer(f"no EGL renderer ({error}); on Debian: apt-get install libegl1 libgl1-mesa-dri") from error


def program(gl: moderngl.Context, fragment: str, vertex: str = FLAT) -> moderngl.Program:
    """A program of two texts without their version."""
    return gl.program(vertex_shader="#version 330\n" + vertex, fragment_shader="#version 330\n" + fragment)


def target(gl: moderngl.Context, size: tuple[int, int], components: int, dtype: str) -> moderngl.Texture:
    """A texture to draw into, which is read pixel by pixel."""
    texture = gl.texture(size, components, dtype=dtype)
    texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
    return texture


def tiles(gl: moderngl.Context, terrain: Terrain, bytes_of_noise: bool = False) -> list[moderngl.Texture]:
    """Ground, noise and cells of a terrain, which repeat. Noise in bytes is read much faster by a processor."""
    noise = np.round(terrain.noise * 255).astype(np.uint8) if bytes_of_noise else terrain.noise
    textures = []
    for array, filtering in (
        (terrain.ground, moderngl.LINEAR),
        (noise, moderngl.LINEAR),
        (terrain.cells, moderngl.NEAREST),
    ):
        kind = "f1" if array.dtype == np.uint8 else "f4"
        texture = gl.texture(array.shape[1::-1], 4, np.ascontiguousarray(array).tobytes(), dtype=kind)
        texture.filter = (filtering, filtering)
        texture.repeat_x = texture.repeat_y = True
        textures.append(texture)
    return textures


def relief(gl: moderngl.Context, terrain: Terrain) -> moderngl.Texture:
    """Heights of a terrain alone, which repeat: a processor reads one number where `tiles` would give it four."""
    texture = gl.texture((TEXELS, TEXELS), 1, np.ascontiguousarray(terrain.ground[..., 0]).tobytes(), dtype="f4")
    texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
    texture.repeat_x = texture.repeat_y = True
    return texture


def set_values(program: moderngl.Program, values: dict[str, object]) -> None:
    """Tells a program those of the values that it asks for."""
    for name, value in values.items():
        if name in program:
            program[name] = value


def read_planes(luma: moderngl.Framebuffer, chroma: moderngl.Framebuffer) -> Picture:
    """What planes.glsl drew, row 0 at the top."""
    w, h = luma.size
    y = np.frombuffer(luma.read(components=1, alignment=1), np.uint8).reshape(h, w)[::-1]
    uv = np.frombuffer(chroma.read(components=2, alignment=1), np.uint8).reshape(h // 2, w // 2, 2)[::-1]
    code = np.frombuffer(chroma.read(components=1, attachment=1, dtype="f4", alignment=1), np.float32)
    depth = np.round(code.reshape(h // 2, w // 2)[::-1] * 65535).astype(np.uint16)
    return Picture(y.copy(), uv[..., 0].copy(), uv[..., 1].copy(), depth)
