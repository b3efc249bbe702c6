"""One session's packets to all its peers: nobody waits for anybody, who is slow skips to the next keyframe.
Knows no WebRTC and never looks into a packet."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from server.thinning import Thinning

DEPTH = 2


class OutletClosed(Exception):
    """There will be no more packets."""


@dataclass(frozen=True)
class Packet:
    """One access unit; `pts` counts 90 kHz and never goes back within a session."""

    frame: int
    pts: int
    keyframe: bool
    data: bytes


class Outlet:
    """One peer's end: at most DEPTH packets wait in it."""

    def __init__(self, want_keyframe: Callable[[], None]) -> None:
        self._want_keyframe = want_keyframe
        self._waiting: deque[Packet] = deque()
        self._arrived = asyncio.Event()
        self._needs_keyframe = True
        self._reading = False
        self._closed = False
        self.thinning = Thinning()
        self.skipped = 0  # packets that this peer never saw

    def put(self, packet: Packet) -> None:
        """Queue the packet, or skip until a keyframe if the peer or its line is behind, or it has not begun to read."""
        if not self._reading:
            return
        if not self.thinning.shows():
            self.skipped += 1
            self._needs_keyframe = True
            return
        if packet.keyframe:
            self.skipped += len(self._waiting)
            self._waiting.clear()
            self._needs_keyframe = False
        elif not self._needs_keyframe and len(self._waiting) == DEPTH:
            self.skipped += len(self._waiting)
            self._waiting.clear()
            self._needs_keyframe = True
        if self._needs_keyframe:
            self.skipped += 1
            self._want_keyframe()
            return
        self._waiting.append(packet)
        self._arrived.set()

    async def get(self) -> Packet:
        """The next packet for this peer; the first is a keyframe. Raises OutletClosed."""
        if not self._reading:
            self._reading = True
            self._want_keyframe()
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


class Hub:
    """The outlets of one session. `want_keyframe` may be called as often as it is needed."""

    def __init__(self, want_keyframe: Callable[[], None]) -> None:
        self._want_keyframe = want_keyframe
        self._outlets: list[Outlet] = []

    def join(self) -> Outlet:
        """A new outlet."""
        outlet = Outlet(self._want_keyframe)
        self._outlets.append(outlet)
        return outlet

    def leave(self, outlet: Outlet) -> None:
        """Close the outlet; leaving twice does nothing."""
        outlet.close()
        if outlet in self._outlets:
            self._outlets.remove(outlet)

    def publish(self, packet: Packet) -> None:
        """The packet to everybody."""
        for outlet in self._outlets:
            outlet.put(packet)

    def close(self) -> None:
        """Close every outlet."""
        for outlet in list(self._outlets):
            self.leave(outlet)
