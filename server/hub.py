"""One session's packets to all its peers: nobody waits for anybody, who is slow skips to the next keyframe.
Knows no WebRTC and never looks into a packet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from server.outlet import Outlet
from server.thinning import Thinning

DEPTH = 2


@dataclass(frozen=True)
class Packet:
    """One access unit; `pts` counts 90 kHz and never goes back within a session."""

    frame: int
    pts: int
    keyframe: bool
    data: bytes


class PictureOutlet(Outlet[Packet]):
    """One peer's end: a line that is behind skips to the next keyframe, so that never more than DEPTH packets wait."""

    def __init__(self, want_keyframe: Callable[[], None]) -> None:
        super().__init__(DEPTH)
        self._want_keyframe = want_keyframe
        self._needs_keyframe = True
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
        self._hold(packet)

    async def get(self) -> Packet:
        """The next packet for this peer; the first is a keyframe. Raises OutletClosed."""
        if not self._reading:
            self._reading = True
            self._want_keyframe()
        return await super().get()


class Hub:
    """The outlets of one session. `want_keyframe` may be called as often as it is needed."""

    def __init__(self, want_keyframe: Callable[[], None]) -> None:
        self._want_keyframe = want_keyframe
        self._outlets: list[PictureOutlet] = []

    def join(self) -> PictureOutlet:
        """A new outlet."""
        outlet = PictureOutlet(self._want_keyframe)
        self._outlets.append(outlet)
        return outlet

    def leave(self, outlet: PictureOutlet) -> None:
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
