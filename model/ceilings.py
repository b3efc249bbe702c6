"""How fast this processor multiplies at given shapes, and how fast it reads and copies memory, a core.
Knows shapes and stopwatches; refuses to know networks. Processor time counts, so other programs change little."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import torch

from model import native
from model.work import Product

MOMENT_S = 0.03  # that a rate is measured for
LARGE = 1 << 28  # bytes: more than any cache
GIGA = 1e9


def timed(call: Callable[[], object], seconds: float = MOMENT_S) -> float:
    """Calls a second of this thread's processor time."""
    call()
    begun_s, times = time.thread_time(), 0
    while (passed_s := time.thread_time() - begun_s) < seconds:
        call()
        times += 1
    return times / passed_s


@dataclass(frozen=True)
class Rates:
    """FLOP/s of a core at one shape; 0 where the machine has no such thing. `ours`: the engine's tiles, in the type
    that the engine uses there."""

    product: Product
    ours: float
    torch_int8: float
    torch_bf16: float
    torch_fp32: float

    @property
    def best(self) -> float:
        """The most that was reached in the type that the engine uses there."""
        return max(self.ours, self.torch_int8 if self.product.integers else self.torch_fp32)


def rates(product: Product) -> Rates:
    """Of one shape, by the engine's own kernels and by torch's."""
    rows, inputs, outputs = product.rows, product.inputs, product.outputs
    pairs = {kind: (torch.ones(rows, inputs, dtype=kind), torch.ones(inputs, outputs, dtype=kind)) for kind in TYPES}
    bf16, fp32 = (timed(lambda pair=pairs[kind]: pair[0] @ pair[1]) for kind in (torch.bfloat16, torch.float32))  # type: ignore[misc]
    int8 = timed(lambda: torch._int_mm(*pairs[torch.int8])) if product.integers else 0.0
    flops = product.flops
    return Rates(product, flops * ours(product), flops * int8, flops * bf16, flops * fp32)


TYPES = (torch.int8, torch.bfloat16, torch.float32)


def ours(product: Product) -> float:
    """Products a second by the engine's kernels; 0 where they do not run."""
    try:
        library = native.require("ceiling")
    except native.Unsupported:
        return 0.0
    call = library.ceiling_integers if product.integers else library.ceiling_floats
    call.restype, call.argtypes = ctypes.c_double, [ctypes.c_int] * 3 + [ctypes.c_double]
    inputs = (product.inputs + 3) // 4 * 4
    return float(call(product.rows, inputs, product.outputs, MOMENT_S))


def bandwidth() -> tuple[float, float]:
    """Bytes a second that a core reads from memory, and that it reads and writes in copying."""
    try:
        library = native.require("ceiling")
    except native.Unsupported:
        memory = torch.zeros(LARGE // 4)
        half = memory.chunk(2)
        return LARGE * timed(memory.sum), LARGE * timed(lambda: half[0].copy_(half[1]))
    found = []
    for call in (library.ceiling_read, library.ceiling_copy):
        call.restype, call.argtypes = ctypes.c_double, [ctypes.c_long, ctypes.c_double]
        found.append(float(call(LARGE, 10 * MOMENT_S)))
    return found[0], found[1]


class Ceiling:
    """What a core can do at the shapes that make up all but a hundredth of some work."""

    def __init__(self, products: Iterable[tuple[Product, int]]):
        counted = list(products)
        least = 0.01 * sum(product.flops * times for product, times in counted)
        self.rates = [rates(product) for product, times in counted if product.flops * times >= least]

    @cached_property
    def _known(self) -> dict[Product, float]:
        return {each.product: each.best for each in self.rates}

    def flops_per_s(self, product: Product) -> float:
        """At its shape, or at the best shape that was measured in its type."""
        known = self._known
        return known.get(product) or max(
            (rate for other, rate in known.items() if other.integers == product.integers), default=max(known.values())
        )

    def seconds(self, products: Iterable[tuple[Product, int]]) -> float:
        """That a core needs for them at least."""
        return sum(product.flops * times / self.flops_per_s(product) for product, times in products)
