"""The ladder's upper rungs in 8-bit integers, one C++ call a picture, for CPUs with AVX-512 VNNI.
Knows a trained network; refuses to know training, and machines without those instructions."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from model import native
from model.ladder.network import Ladder, Planes, check_scale

LANES = 16  # the grid of chroma is so many cells wide, or a multiple


class NativeLadder:
    """Enlarges as `Ladder` does, to a byte or two. Threads may call it at the same time.

    Weights have a scale an output channel; what a layer writes has one, by `tops`, the most that each layer writes.
    Raises native.Unsupported.
    """

    def __init__(self, ladder: Ladder, tops: list[float]):
        config = ladder.config
        if len(tops) != config.layers + 1 or not all(top > 0 for top in tops):
            raise ValueError(f"expected {config.layers + 1} tops above 0, got {tops}")
        self._library = native.require("ladder")
        tensors = [part.detach().float().contiguous() for part in ladder.parameters()]
        create = self._library.ladder_create
        create.restype, create.argtypes = ctypes.c_void_p, [ctypes.c_void_p] * 3
        pointers = (ctypes.c_void_p * len(tensors))(*(tensor.data_ptr() for tensor in tensors))
        sizes, most = (ctypes.c_int * 2)(config.channels, config.layers), (ctypes.c_float * len(tops))(*tops)

        def copy() -> int:
            assert tensors  # they must live as long as pointers to them
            return int(create(sizes, most, pointers))

        self._networks = native.Copies(copy, self._library.ladder_destroy)

    def enlarge(self, y: Tensor, u: Tensor, v: Tensor, scale: int) -> Planes:
        """Bytes y [B, 2h, 2w], u, v [B, h, w] -> the same `scale` times as high and wide."""
        check_scale(scale)
        batch, height, width = u.shape
        for part, times in ((y, 2), (u, 1), (v, 1)):
            if part.dtype != torch.uint8 or part.shape != (batch, times * height, times * width) or width % LANES:
                shapes = ", ".join(f"{p.dtype} {tuple(p.shape)}" for p in (y, u, v))
                raise ValueError(f"expected bytes y [B, 2h, 2w], u and v [B, h, w], w in whole {LANES}s; got {shapes}")
        drawn = tuple(
            torch.empty(batch, scale * part.shape[1], scale * part.shape[2], dtype=torch.uint8) for part in (y, u, v)
        )
        numbers = [ctypes.c_int(number) for number in (scale, height, width, native.threads())]
        for given in zip(*(part.contiguous() for part in (y, u, v)), *drawn, strict=True):
            pointers = [(ctypes.c_void_p * 3)(*(p.data_ptr() for p in side)) for side in (given[:3], given[3:])]
            with self._networks.one() as network:
                self._library.ladder_enlarge(network, *pointers, *numbers)
        return drawn  # type: ignore[return-value]
