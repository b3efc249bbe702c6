"""Workers of one gateway share cores among those that are busy, by a file that each maps.
Knows times and counts; no world, no lock, and nothing that a worker that is killed would leave behind."""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable
from pathlib import Path

from engine.messages import BUSY_BYTES

BUSY_S = 0.25  # after it asked for cores; a step of a world asks many times


class Neighbours:
    """One worker's view of `count`: a time of the monotonic clock each, when it was last busy. `number`: its own."""

    def __init__(self, path: Path, number: int, count: int, clock: Callable[[], float] = time.monotonic) -> None:
        if not 0 <= number < count:
            raise ValueError(f"expected a worker's number from 0 to {count - 1}, got {number}")
        size = path.stat().st_size
        if size < count * BUSY_BYTES:
            raise ValueError(f"expected a file of {count * BUSY_BYTES} bytes for {count} workers, got {size}")
        with path.open("r+b") as file:
            self._times = memoryview(mmap.mmap(file.fileno(), count * BUSY_BYTES)).cast("d")
        self._number, self._clock = number, clock

    def share(self, cores: int) -> int:
        """Of so many cores, those that are the worker's now, which thereby is busy: as many as of any other that is, at
        least 1."""
        now_s = self._times[self._number] = self._clock()
        busy = sum(now_s - at_s < BUSY_S for at_s in self._times)
        return max(1, cores // busy)
