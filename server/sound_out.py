"""One session's sound to all its peers: Opus packets as the worker made them, dropped rather than late.
Knows aiortc's track; never decodes or encodes."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from engine.messages import VIDEO_CLOCK

PACKET_TICKS = VIDEO_CLOCK // 100
DEPTH = 12  # packets of 10 ms: who has not taken them by then hears the newest instead
_TIME_BASE = Fraction(1, VIDEO_CLOCK)
_AUDIO_STREAM = re.compile(r"(^m=audio .*?^a=msid:)\S+", re.MULTILINE | re.DOTALL)


class SoundClosed(Exception):
    """There will be no more packets."""


@dataclass(frozen=True)
class SoundPacket:
    """10 ms of Opus; `pts` counts 90 kHz as the pictures' does."""

    pts: int
    data: bytes


class SoundOutlet:
    """One peer's end: at most DEPTH packets wait in it, and none before it is read."""

    def __init__(self) -> None:
        self._waiting: deque[SoundPacket] = deque(maxlen=DEPTH)
        self._arrived = asyncio.Event()
        self._reading = self._closed = False

    def put(self, packet: SoundPacket) -> None:
        """Queue the packet; the oldest gives way."""
        if self._reading:
            self._waiting.append(packet)
            self._arrived.set()

    async def get(self) -> SoundPacket:
        """The next packet for this peer. Raises SoundClosed."""
        self._reading = True
        while not self._waiting:
            if self._closed:
                raise SoundClosed
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    def close(self) -> None:
        """Wake who waits, for the last time."""
        self._closed = True
        self._waiting.clear()
        self._arrived.set()


class SoundTrack(MediaStreamTrack):
    """An audio track whose `recv` returns what the session's one encoder made."""

    kind = "audio"

    def __init__(self, outlet: SoundOutlet) -> None:
        super().__init__()
        self._outlet = outlet

    async def recv(self) -> av.Packet[Any]:
        try:
            given = await self._outlet.get()
        except SoundClosed as error:
            raise MediaStreamError from error
        packet = av.Packet(given.data)
        packet.pts, packet.time_base = given.pts, _TIME_BASE
        return packet


def of_its_own_stream(answer: str) -> str:
    """The SDP answer with the sound in a stream of its own: browsers hold a stream's pictures back until its sound has
    passed the jitter buffer, and a picture shall be seen at once. Both are sent at once, and so stay together."""
    return _AUDIO_STREAM.sub(r"\g<1>sound", answer, count=1)
