"""Many worlds, one forward pass: worlds that step at the same time meet at each call of the network, which then runs
once for all. Knows threads, cores and the network's forms; nothing of worlds' lives.

Between two meetings each world has a core to itself: two worlds on two cores lose less than two cores that share the
work of one. Nobody who steps alone waits for anybody."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from engine.device import HERE, Place
from engine.placed import PlacedOmni
from model import native
from model.attention import Past
from model.omni import Given, Omni, Seen
from model.omni_int8 import Int8Omni

Network = Omni | Int8Omni | PlacedOmni


def closed() -> threading.Lock:
    """A gate for one thread, who waits by `acquire` until somebody else releases it."""
    gate = threading.Lock()
    gate.acquire()
    return gate


@dataclass
class Ask:
    """What one world asks the network, and what it is told. Its gate opens when it has been told and has a core; or
    when it is to answer those that `met`."""

    asked: Any
    told: Any = None
    error: Exception | None = None
    gate: threading.Lock = field(default_factory=closed)
    met: list[Ask] = field(default_factory=list)


class Batch:
    """The network as each world calls it. A step is taken within `stepping`, what takes as long as many in `apart`."""

    def __init__(self, network: Network, place: Place = HERE):
        self._network, self.place = network, place  # where the past of worlds lies
        self._lock = threading.Lock()
        self._here = threading.local()  # whether this thread is within `stepping`
        self._stepping = 0  # worlds
        self._running = 0  # of them, those that have a core
        self._waiting: list[Ask] = []  # for all others
        self._queue: deque[threading.Lock] = deque()  # for a core
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
        with self._lock:
            self._stepping += 1
        self._take_core()
        self._here.stepping = True
        try:
            with native.sharing(self._share):
                yield
        finally:
            self._here.stepping = False
            self._leave()

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Something long is done, for which no step of another world waits."""
        with native.sharing(lambda: max(1, native.cores() // (1 + self._stepping))):
            yield

    def _share(self) -> int:
        """Of the cores; all for the last one, for whom all others wait."""
        return max(1, native.cores() // max(1, self._running))

    def _take_core(self) -> None:
        with self._lock:
            if self._running < native.cores():
                self._running += 1
                return
            gate = closed()
            self._queue.append(gate)
        gate.acquire()

    def _hand_on(self) -> None:
        """Cores that are free to those that wait for one, each of whom wakes once."""
        while self._queue and self._running < native.cores():
            self._running += 1
            self._queue.popleft().release()

    def _leave(self) -> None:
        with self._lock:
            self._stepping -= 1
            met = self._met()
            if met:  # all others wait: one of them answers, on this core
                met[0].met = met
                met[0].gate.release()
            else:
                self._running -= 1
                self._hand_on()

    def _meet(self, asked: Any) -> Any:
        if self._stepping <= 1 or not getattr(self._here, "stepping", False):
            return self._serve([asked])[0]
        mine = Ask(asked)
        with self._lock:
            self._waiting.append(mine)
            mine.met = self._met()
            if not mine.met:
                self._running -= 1
                self._hand_on()
        if not mine.met:
            mine.gate.acquire()
        if mine.met:
            self._answer(mine)
        if mine.error is not None:
            raise mine.error
        return mine.told

    def _met(self) -> list[Ask]:
        """Those that wait, once nobody else is stepping."""
        met: list[Ask] = []
        if self._waiting and len(self._waiting) == self._stepping:
            met, self._waiting = self._waiting, met
        return met

    def _answer(self, mine: Ask) -> None:
        """With all cores: those whose worlds wait here are free."""
        try:
            with native.sharing(native.cores):
                told = self._serve([ask.asked for ask in mine.met])
        except Exception as error:
            told = [None] * len(mine.met)
            for ask in mine.met:
                ask.error = error
        with self._lock:
            for ask, each in zip(mine.met, told, strict=True):
                ask.told = each
            self._queue.extend(ask.gate for ask in mine.met if ask is not mine)
            self._hand_on()

    def _serve(self, asked: Sequence[Any]) -> Sequence[Any]:
        self.passes += 1
        self.served += len(asked)
        if isinstance(self._network, Int8Omni):
            return self._network.together(asked)
        noisy, given, mask, past = zip(*asked, strict=True)
        layers = zip(*past, strict=True)
        pairs = [(torch.cat([k for k, _ in layer]), torch.cat([v for _, v in layer])) for layer in layers]
        seen = self._network(torch.cat(noisy), Given(*map(torch.cat, zip(*given, strict=True))), torch.cat(mask), pairs)
        return [_of_one(seen, slice(index, index + 1)) for index in range(len(asked))]


def _of_one(seen: Seen, index: slice) -> Seen:
    kept = [(keys[index], values[index]) for keys, values in seen.kept]
    return Seen(seen.clean[index], seen.hidden[index], kept, seen.trust[index])
