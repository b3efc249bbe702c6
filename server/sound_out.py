"""One session's sound to all its peers: Opus packets as the worker made them, dropped rather than late.
Knows how it is told in SDP; never decodes or encodes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.messages import VIDEO_CLOCK
from server.outlet import Outlet
from server.tracks import OutletTrack

PACKET_TICKS = VIDEO_CLOCK // 100
DEPTH = 12  # packets of 10 ms: who has not taken them by then hears the newest instead
_AUDIO_STREAM = re.compile(r"(^m=audio .*?^a=msid:)\S+", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class SoundPacket:
    """10 ms of Opus; `pts` counts 90 kHz as the pictures' does."""

    pts: int
    data: bytes


class SoundOutlet(Outlet[SoundPacket]):
    """One peer's end: at most DEPTH packets wait in it, and none before it is read."""

    def __init__(self) -> None:
        super().__init__(DEPTH)

    def put(self, packet: SoundPacket) -> None:
        """Queue the packet; the oldest gives way."""
        if self._reading:
            self._hold(packet)


class SoundTrack(OutletTrack[SoundPacket]):
    """The session's sound on its way to one peer."""

    kind = "audio"


def of_its_own_stream(answer: str) -> str:
    """The SDP answer with the sound in a stream of its own: browsers hold a stream's pictures back until its sound has
    passed the jitter buffer, and a picture shall be seen at once. Both are sent at once, and so stay together."""
    return _AUDIO_STREAM.sub(r"\g<1>sound", answer, count=1)
