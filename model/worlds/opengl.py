"""What both painters of worlds are made of: a context, textures, and planes that are read back.
Knows moderngl; refuses to know what is painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from model.worlds.terrain import CELLS, NOISE_TEXELS, TEXELS, Terrain

TRIANGLE, SQUARE = np.array([-1, -1, 3, -1, -1, 3], "f4"), np.array([-1, -1, 1, -1, -1, 1, 1, 1], "f4")

Part = tuple[moderngl.Framebuffer, int, int, str]  # of a framebuffer, which attachment, how many components, numpy type


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
    """A context without a window, of OpenGL 4.3 (with compute shaders) where there is that. Raises NoRenderer."""
    try:
        return moderngl.create_context(require=430, standalone=True, backend="egl")  # type: ignore[arg-type]
    except Exception:  # moderngl raises bare Exception
        pass
    try:
        return moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
    except Exception as error:
        raise NoRenderer(f"no EGL renderer ({error}); on Debian: apt-get install libegl1 libgl1-mesa-dri") from error


def target(gl: moderngl.Context, size: tuple[int, int], components: int, dtype: str) -> moderngl.Texture:
    """A texture to draw into, which is read pixel by pixel."""
    texture = gl.texture(size, components, dtype=dtype)
    texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
    return texture


class Tiles:
    """Ground, noise and cells of a terrain, which repeat, and for a `painted` land its heights alone: a processor reads
    one number where the ground has four, and noise in bytes much faster. The textures are made once and then filled
    again: to find memory for 20 MB takes longer than to fill it."""

    def __init__(self, gl: moderngl.Context, painted: bool = False) -> None:
        self._painted = painted
        made = [(TEXELS, 4, "f4"), (NOISE_TEXELS, 4, "f1" if painted else "f4"), (CELLS, 4, "f4")]
        made += [(TEXELS, 1, "f4")] * painted
        self.textures = [gl.texture((side, side), components, dtype=kind) for side, components, kind in made]
        for texture in self.textures:
            way = moderngl.NEAREST if texture.width == CELLS else moderngl.LINEAR
            texture.filter = (way, way)
            texture.repeat_x = texture.repeat_y = True

    def fill(self, terrain: Terrain) -> None:
        """What is drawn next stands on this terrain."""
        noise = np.round(terrain.noise * 255).astype(np.uint8) if self._painted else terrain.noise
        arrays = [terrain.ground, noise, terrain.cells] + [terrain.ground[..., 0]] * self._painted
        for texture, array in zip(self.textures, arrays, strict=True):
            texture.write(np.ascontiguousarray(array))

    def use(self) -> None:
        """Binds them to the first units, in this order."""
        for unit, texture in enumerate(self.textures):
            texture.use(unit)


class Packed:
    """Parts of framebuffers, read together: all are asked for before one is waited for."""

    def __init__(self, gl: moderngl.Context, parts: Sequence[Part]) -> None:
        self._parts, self._starts, end = parts, [0], 0
        for of, _, components, dtype in parts:
            end += of.width * of.height * components * np.dtype(dtype).itemsize
            self._starts.append(end)
        self._buffer = gl.buffer(reserve=end, dynamic=True)

    def release(self) -> None:
        """The driver's memory is given back; nothing can be asked for any more."""
        self._buffer.release()

    def ask(self) -> None:
        """For what is drawn by now."""
        for (of, attachment, components, dtype), start in zip(self._parts, self._starts, strict=False):
            kind = "f1" if np.dtype(dtype).itemsize == 1 else dtype
            of.read_into(self._buffer, None, components, attachment, 1, kind, write_offset=start)

    def take(self) -> list[NDArray[Any]]:
        """What was asked for last: [H, W, components] each, row 0 at the top. Views of one new array: nothing is copied
        again."""
        read = np.empty(self._starts[-1], np.uint8)
        self._buffer.read_into(read)
        return [
            read[start:end].view(dtype).reshape(of.height, of.width, components)[::-1]
            for (of, _, components, dtype), start, end in zip(self._parts, self._starts, self._starts[1:], strict=False)
        ]


def planes_of(luma: moderngl.Framebuffer, chroma: moderngl.Framebuffer) -> Sequence[Part]:
    """The parts that planes.glsl draws, for picture()."""
    return [(luma, 0, 1, "u1"), (chroma, 0, 2, "u1"), (chroma, 1, 1, "f4")]


def picture(planes: Packed) -> Picture:
    """The planes that were asked for last."""
    y, uv, code = planes.take()
    depth = np.round(code[..., 0] * 65535).astype(np.uint16)
    return Picture(y[..., 0].copy(), uv[..., 0].copy(), uv[..., 1].copy(), depth)
