"""A network on a device behind buffers that stay where they are: inputs are written into them, the same work is done
again, outputs are read. On a GPU that work is recorded once as a CUDA graph, on a stream of its own, and goes to and
from the host through pinned memory; elsewhere it is called. Knows tensors and devices; nothing of what they mean."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from engine.device import Place

WARM_UP_CALLS = 3  # before a recording: libraries choose and allocate
RECORDING = threading.Lock()  # one at a time, whatever the networks
Call = Callable[..., tuple[Sequence[Tensor], Sequence[Tensor]]]


def bucket(rows: int) -> int:
    """How many rows buffers have that hold so many: a power of two, so that few sizes are ever recorded."""
    if rows < 1:
        raise ValueError(f"expected a row or more, got {rows}")
    return 1 << (rows - 1).bit_length()


class Fixed:
    """`call` takes tensors [N, ...] and gives some that the host is told, and some that stay on the device; each row
    of them depends on its own row only. May be called by several threads, who wait for each other."""

    def __init__(self, call: Call, place: Place):
        self._call, self._place = call, place
        self._lock = threading.Lock()
        gpu = place.device.type == "cuda"
        self._stream = torch.cuda.Stream(place.device) if gpu else None  # type: ignore[no-untyped-call]
        self._made: dict[tuple[Any, ...], _Buffers] = {}

    @property
    def sizes(self) -> list[int]:
        """Rows of the buffers that were made."""
        return sorted(key[0] for key in self._made)

    @torch.inference_mode()
    def __call__(self, *inputs: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Tensors [N, ...] from the host or the device -> those told, on the host, floats as float32 and
        whole numbers as they are, and those that stay."""
        rows = len(inputs[0])
        if any(len(part) != rows for part in inputs):
            raise ValueError(f"expected {rows} rows of each input, got {[len(part) for part in inputs]}")
        size = bucket(rows)
        key = (size, *(part.shape[1:] for part in inputs))
        with self._lock, self._on_stream():
            made = self._made.get(key)
            if made is None:
                made = self._made[key] = _Buffers(self._call, self._place, size, inputs)
            return made.run(rows, inputs)

    @contextlib.contextmanager
    def _on_stream(self) -> Iterator[None]:
        """After all that this thread has asked of the device; what is given back has been computed."""
        if self._stream is None:
            yield
            return
        self._stream.wait_stream(torch.cuda.current_stream(self._place.device))
        with torch.cuda.stream(self._stream):
            yield
            self._stream.synchronize()


class _Buffers:
    """Of so many rows, and what is recorded over them."""

    def __init__(self, call: Call, place: Place, rows: int, inputs: Sequence[Tensor]):
        self._call, self._gpu = call, place.device.type == "cuda"
        self._inputs = [_room(part, rows, place) for part in inputs]
        self._pinned = [torch.zeros_like(part, device="cpu", pin_memory=True) for part in self._inputs if self._gpu]
        self._graph = self._recorded(place) if self._gpu else None

    def run(self, rows: int, inputs: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """One call of the first rows; the others compute what nobody reads."""
        for index, given in enumerate(inputs):
            self._write(index, given)
        if self._graph is None:
            self._told, self._kept = self._call(*self._inputs)
        else:
            self._graph.replay()
        told = [self._to_host(part[:rows]) for part in self._told]
        return told, [part[:rows].clone() for part in self._kept]

    def _write(self, index: int, given: Tensor) -> None:
        room = self._inputs[index][: len(given)]
        if self._gpu and given.device.type == "cpu":
            staged = self._pinned[index][: len(given)]
            staged.copy_(given)
            given = staged
        room.copy_(given, non_blocking=True)

    def _to_host(self, part: Tensor) -> Tensor:
        if not self._gpu:
            return _plain(part)
        return torch.empty(part.shape, dtype=part.dtype, pin_memory=True).copy_(part, non_blocking=True)

    def _recorded(self, place: Place) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        with RECORDING:
            for _ in range(WARM_UP_CALLS):
                self._call(*self._inputs)
            here = torch.cuda.current_stream(place.device)
            with torch.cuda.graph(graph, stream=here, capture_error_mode="thread_local"):
                told, kept = self._call(*self._inputs)
                self._told, self._kept = [_plain(part) for part in told], kept
        return graph


def _plain(part: Tensor) -> Tensor:
    return part.float() if part.is_floating_point() else part


def _room(part: Tensor, rows: int, place: Place) -> Tensor:
    dtype = place.dtype if part.is_floating_point() else part.dtype
    return torch.zeros(rows, *part.shape[1:], dtype=dtype, device=place.device)
