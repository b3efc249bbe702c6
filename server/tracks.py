"""A track of aiortc whose `recv` returns what the session's one encoder made, as it waits in a peer's outlet.
Knows packets by their bytes and time; never decodes or encodes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Generic, Protocol, TypeVar

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from engine.messages import VIDEO_CLOCK
from server.outlet import Outlet, OutletClosed

_TIME_BASE = Fraction(1, VIDEO_CLOCK)


class Encoded(Protocol):
    """What a packet is to a track; `pts` counts 90 kHz."""

    @property
    def pts(self) -> int: ...

    @property
    def data(self) -> bytes: ...


E = TypeVar("E", bound=Encoded)


class OutletTrack(MediaStreamTrack, Generic[E]):
    """The packets of one outlet; the track ends when it closes."""

    def __init__(self, outlet: Outlet[E]) -> None:
        super().__init__()
        self._outlet = outlet

    async def recv(self) -> av.Packet[Any]:
        try:
            given = await self._outlet.get()
        except OutletClosed as error:
            raise MediaStreamError from error
        packet = av.Packet(given.data)
        packet.pts, packet.time_base = given.pts, _TIME_BASE
        self.taken(given)
        return packet

    def taken(self, given: E) -> None:
        """This packet is about to leave."""
