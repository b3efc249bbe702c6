"""The microphone out of aiortc, packet by packet as it arrives: what a world hears late, it hears wrong.
Knows one remote audio track; keeps nothing, and never waits for a packet that is lost."""

from __future__ import annotations

import re
from collections.abc import Callable

import av
import structlog
from aiortc import MediaStreamTrack, RTCRtpReceiver
from aiortc.jitterbuffer import MAX_MISORDER, JitterBuffer, JitterFrame
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtpPacket

from engine.messages import AUDIO_RATE

log = structlog.get_logger(__name__)

MAX_BAD_SOUND = 50  # in a row
PACKET_MS = 10  # asked of the browser, whose default is 20
_AUDIO_SECTION = re.compile(r"^m=audio .*\r\n(?:c=.*\r\n)?", re.MULTILINE)


class Unbuffered(JitterBuffer):
    """aiortc's buffer without its waits. Each packet of sound is a frame of its own and goes on at once; one that
    comes again, or after a later one, is dropped.

    aiortc's holds four packets back (80 ms). After a lost one it waits for sixteen, and stays that late for good.
    """

    def __init__(self) -> None:
        super().__init__(capacity=1)
        self._newest: int | None = None

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """(False, the packet's sound or None): sound never asks for a picture."""
        if self._newest is not None and (self._newest - packet.sequence_number) & 0xFFFF < MAX_MISORDER:
            return False, None
        self._newest = packet.sequence_number
        sound: bytes = packet._data  # type: ignore[attr-defined]  # set by the receiver, depayloaded
        return False, JitterFrame(sound, packet.timestamp) if sound else None


def hear_at_once(receiver: RTCRtpReceiver) -> None:
    """Take the waits out of an audio receiver that has not begun."""
    receiver._RTCRtpReceiver__jitter_buffer = Unbuffered()  # type: ignore[attr-defined]


def ask_short_packets(answer: str) -> str:
    """The SDP answer with `a=ptime` (RFC 8866, 6.4) in its audio section, if it has one."""
    return _AUDIO_SECTION.sub(lambda section: f"{section[0]}a=ptime:{PACKET_MS}\r\n", answer)


class Microphone:
    """A remote audio track as s16le mono at AUDIO_RATE, a packet at a time."""

    def __init__(self, track: MediaStreamTrack, hear: Callable[[bytes], None]) -> None:
        self._track, self._hear = track, hear
        self._resampler = self._new_resampler()
        self._bad = 0

    async def run(self) -> None:
        """Read until the track ends, or sends nothing but sound that cannot be read."""
        while self._bad < MAX_BAD_SOUND:
            try:
                frame = await self._track.recv()
            except MediaStreamError:
                return
            try:
                self._take(frame)
            except (av.FFmpegError, ValueError, TypeError) as error:
                self._bad += 1
                self._resampler = self._new_resampler()
                log.info("sound not understood", error=str(error))
            else:
                self._bad = 0
        log.warning("microphone given up", unreadable=self._bad)

    def _take(self, frame: object) -> None:
        if not isinstance(frame, av.AudioFrame):
            raise TypeError(f"expected an audio frame, got {type(frame).__name__}")
        try:
            resampled = self._resampler.resample(frame)
        except ValueError:  # the sender changed its rate or layout
            self._resampler = self._new_resampler()
            resampled = self._resampler.resample(frame)
        for part in resampled:
            samples = part.to_ndarray().reshape(-1)[:AUDIO_RATE]
            if samples.size:
                self._hear(samples.astype("<i2").tobytes())

    @staticmethod
    def _new_resampler() -> av.AudioResampler:
        return av.AudioResampler(format="s16", layout="mono", rate=AUDIO_RATE)
