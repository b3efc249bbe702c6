"""What a call of a network is to compute and to read: its matrix products by shape and type, and its bytes.
Knows modules, which it watches as they run; refuses to know machines and how fast they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from model.attention import window_mask
from model.omni import BLOCK, FIRST_CARRIED, GROUPS, PATCH, VIEW, Omni, OmniConfig, given_alone

aten = torch.ops.aten


@dataclass(frozen=True)
class Product:
    """Rows [rows, inputs] times a matrix [inputs, outputs]; in 8-bit integers where the engine has them."""

    rows: int
    inputs: int
    outputs: int
    integers: bool

    @property
    def flops(self) -> int:
        return 2 * self.rows * self.inputs * self.outputs


@dataclass(frozen=True)
class Work:
    """Of one call: how often each product is done, bytes of weights, and bytes of the past, read and written."""

    products: Mapping[Product, int]
    weight_bytes: int
    past_bytes: int = 0

    @property
    def flops(self) -> int:
        return sum(product.flops * times for product, times in self.products.items())

    @property
    def bytes(self) -> int:
        return self.weight_bytes + self.past_bytes


class Watch(TorchDispatchMode):
    """Counts the products that are done within it."""

    def __init__(self, integers: bool):
        super().__init__()
        self._integers = integers  # whether weights are; what is multiplied with what was just computed is not
        self.products: Counter[Product] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in (aten.mm.default, aten.addmm.default):
            left, right = args[-2:]
            self._add((len(left), *right.shape), self._integers)
        elif func is aten.bmm.default:
            for _ in range(len(args[0])):
                self._add((*args[0].shape[1:], args[1].shape[2]), False)
        elif func is aten.convolution.default:
            weight, groups = args[1], args[8]
            rows, apart = out.numel() // out.shape[1], groups > 1  # a channel alone: taps for each, in floats
            self._add((rows, weight[0].numel(), len(weight)), self._integers and not apart)
        return out

    def _add(self, shape: tuple[int, int, int], integers: bool) -> None:
        self.products[Product(*shape, integers)] += 1


def watched(call: Callable[[], object], integers: bool) -> Counter[Product]:
    """The products of a call in torch."""
    with torch.no_grad(), Watch(integers) as watch:
        call()
    return watch.products


def weight_bytes(module: nn.Module, integers: bool) -> int:
    """Matrices have a byte a weight in integers, else four; the rest has four."""
    small = (1 if integers else 4), 4
    return sum(part.numel() * small[part.ndim < 2] for part in module.parameters())


def omni_work(config: OmniConfig, integers: bool) -> Work:
    """One call for one frame whose window is full. Tokens are made and attention is done in floats."""
    omni = Omni(config)
    view, instruction = torch.randn(1, GROUPS["video"], VIEW), torch.randn(1, GROUPS["instruction"], config.width)
    given = given_alone(instruction, 1.0, torch.randn(GROUPS["state"], omni.state.in_features), view, (0.0, 1.0))
    noisy = torch.randn(1, 1, GROUPS["video"], PATCH)
    shape = (1, config.window, BLOCK - FIRST_CARRIED, config.heads, config.width // config.heads)
    past = [(torch.randn(shape), torch.randn(shape)) for _ in range(config.time_layers)]
    mask = window_mask(config.window + 1, config.window)[:, -1:]
    every = watched(lambda: omni(noisy, given, mask, past), integers)
    floats = watched(lambda: omni.tokens(noisy, given), False)
    every -= Counter({Product(p.rows, p.inputs, p.outputs, integers): n for p, n in floats.items()})
    kept = sum(part.numel() for pair in past for part in pair) * 4
    used = nn.ModuleList([omni.layers, omni.video_out, omni.keep_view, omni.trust, omni.finish])
    return Work(every + floats, weight_bytes(used, integers), kept + kept // config.window)


def module_work(module: nn.Module, call: Callable[[], Tensor], integers: bool) -> Work:
    """One call of convolutions and linear layers."""
    return Work(watched(call, integers), weight_bytes(module, integers))
