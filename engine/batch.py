"""Many worlds, one forward pass: worlds that step at the same time meet at each call of the network, which then runs
once for all. Knows threads, cores and the network's two forms; nothing of worlds' lives.

Between two meetings each world has a core to itself: two worlds on two cores lose less than two cores that share the
work of one. Nobody who steps alone waits for anybody."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from model import native
from model.attention import Past
from model.omni import Given, Omni, Seen
from model.omni_int8 import Int8Omni


@dataclass
class Ask:
    """What one world asks the network, and what it is told."""

    asked: Any
    told: Any = None
    error: Exception | None = None
    over: bool = False


class Batch:
    """The network as each world calls it. A step is taken within `stepping`, what takes as long as many in `apart`."""

    def __init__(self, network: Omni | Int8Omni):
        self._network = network
        self._meeting = threading.Condition()
        self._here = threading.local()  # whether this thread is within `stepping`
        self._stepping = 0  # worlds
        self._running = 0  # of them, those that have a core
        self._waiting: list[Ask] = []
        self.passes = 0  # of the network
        self.served = 0  # calls that they answered

    def __call__(self, noisy: Tensor, given: Given, mask: Tensor, past: list[Past]) -> Seen:
        """As the network, of one world."""
        if not isinstance(self._network, Int8Omni):
            seen: Seen = self._meet((noisy, given, mask, past))
            return seen
        x = self._network.tokens(noisy, given).contiguous()
        return self._network.read(x, given, self._meet((x, mask, past)))

    @contextmanager
    def stepping(self) -> Iterator[None]:
        """A world takes a step."""
        with self._meeting:
            self._stepping += 1
            self._take_core()
        self._here.stepping = True
        try:
            with native.sharing(self._share):
                yield
        finally:
            self._here.stepping = False
            with self._meeting:
                self._stepping -= 1
                self._running -= 1
                self._meeting.notify_all()

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Something long is done, for which no step of another world waits."""
        with native.sharing(lambda: max(1, native.cores() // (1 + self._stepping))):
            yield

    def _share(self) -> int:
        return max(1, native.cores() // max(1, self._stepping))

    def _take_core(self) -> None:
        while self._running >= native.cores():
            self._meeting.wait()
        self._running += 1

    def _meet(self, asked: Any) -> Any:
        if self._stepping <= 1 or not getattr(self._here, "stepping", False):
            return self._serve([asked])[0]
        mine = Ask(asked)
        with self._meeting:
            self._waiting.append(mine)
            self._running -= 1
            self._meeting.notify_all()
            while not mine.over and len(self._waiting) < self._stepping:
                self._meeting.wait()
            met = [] if mine.over else self._take_waiting()
        if met:
            self._answer(met)
        with self._meeting:
            while not mine.over:
                self._meeting.wait()
            self._take_core()
        if mine.error is not None:
            raise mine.error
        return mine.told

    def _take_waiting(self) -> list[Ask]:
        met, self._waiting = self._waiting, []
        return met

    def _answer(self, met: Sequence[Ask]) -> None:
        """With all cores: those whose worlds wait here are free."""
        try:
            with native.sharing(native.cores):
                told = self._serve([ask.asked for ask in met])
        except Exception as error:
            told = [None] * len(met)
            for ask in met:
                ask.error = error
        with self._meeting:
            for ask, each in zip(met, told, strict=True):
                ask.told, ask.over = each, True
            self._meeting.notify_all()

    def _serve(self, asked: Sequence[Any]) -> Sequence[Any]:
        self.passes += 1
        self.served += len(asked)
        if isinstance(self._network, Int8Omni):
            return self._network.together(asked)
        noisy, given, mask, past = zip(*asked, strict=True)
        pairs = [tuple(map(torch.cat, zip(*layer, strict=True))) for layer in zip(*past, strict=True)]
        seen = self._network(torch.cat(noisy), Given(*map(torch.cat, zip(*given, strict=True))), torch.cat(mask), pairs)
        return [_of_one(seen, slice(index, index + 1)) for index in range(len(asked))]


def _of_one(seen: Seen, index: slice) -> Seen:
    kept = [(keys[index], values[index]) for keys, values in seen.kept]
    return Seen(seen.clean[index], seen.hidden[index], kept, seen.trust[index])
