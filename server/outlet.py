"""One peer's end of what a session sends: packets that wait there to be taken, and the close that wakes who waits.
Knows nothing of packets; which of them may wait is its kinds' choice: server.hub's and server.sound_out's."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

P = TypeVar("P")


class OutletClosed(Exception):
    """There will be no more packets."""


class Outlet(Generic[P]):
    """At most `depth` packets wait in it, the oldest gives way; a kind lets none in before it is read."""

    def __init__(self, depth: int) -> None:
        self._waiting: deque[P] = deque(maxlen=depth)
        self._arrived = asyncio.Event()
        self._reading = self._closed = False

    async def get(self) -> P:
        """The next packet for this peer. Raises OutletClosed."""
        self._reading = True
        while not self._waiting:
            if self._closed:
                raise OutletClosed
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    def close(self) -> None:
        """Wake who waits, for the last time."""
        self._closed = True
        self._waiting.clear()
        self._arrived.set()

    def _hold(self, packet: P) -> None:
        self._waiting.append(packet)
        self._arrived.set()
