"""Batches made ahead of their step by one background thread, in order.
Knows only step numbers; refuses to know what a batch is."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Batch = TypeVar("Batch")


class Prefetch(Generic[Batch]):
    """Iterates over `make(first)`, `make(first + 1)`, ... An error in `make` is raised where the batch is taken."""

    def __init__(self, make: Callable[[int], Batch], first: int, ahead: int = 2):
        self._make = make
        self._ready: queue.Queue[tuple[Batch | None, Exception | None]] = queue.Queue(ahead)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(first,), name="prefetch", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        batch, error = self._ready.get()
        if error is not None:
            raise error
        assert batch is not None
        return batch

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _work(self, step: int) -> None:
        while not self._closed.is_set():
            try:
                item: tuple[Batch | None, Exception | None] = (self._make(step), None)
            except Exception as error:  # handed over to the thread that waits for it
                item = (None, error)
            while not self._closed.is_set():
                try:
                    self._ready.put(item, timeout=0.2)
                    break
                except queue.Full:
                    continue
            if item[1] is not None:
                return
            step += 1
