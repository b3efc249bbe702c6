"""PCM to Opus: packets of 10 ms of one world's sound, encoded once for everybody.
Knows samples and their place on the clock; nothing of worlds, sockets or RTP."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from engine.messages import AUDIO_RATE, AUDIO_SAMPLES, FRAME_RATE, VIDEO_CLOCK

PACKET_SAMPLES = AUDIO_RATE // 100
TICKS_A_SAMPLE = Fraction(VIDEO_CLOCK, AUDIO_RATE)
TICKS_A_PACKET = VIDEO_CLOCK // 100
FRAME_TICKS = VIDEO_CLOCK // FRAME_RATE
BITS_PER_SECOND = 32_000

Pcm = NDArray[np.float32]


class OpusEncoder:
    """libopus for music and noise alike (application=audio), with nothing looked ahead but its own 2.5 ms. It takes
    24 kHz as they are: RFC 7587 counts 48 kHz on the wire whatever went in."""

    def __init__(self) -> None:
        context = av.CodecContext.create("libopus", "w")
        assert isinstance(context, av.AudioCodecContext)
        context.sample_rate, context.format, context.layout = AUDIO_RATE, "s16", "mono"
        context.bit_rate, context.time_base = BITS_PER_SECOND, Fraction(1, AUDIO_RATE)
        context.options = {"application": "audio", "frame_duration": "10", "compression_level": "5"}
        context.open()
        self._context = context
        self._waiting: Pcm = np.zeros(0, np.float32)
        self._next_ticks: int | None = None  # of the first sample that waits
        self._count = 0

    def encode(self, pcm: Pcm, pts: int) -> tuple[int, list[bytes]]:
        """pcm [n * 1000] in [-1, 1], whose last frame is that of `pts` (VIDEO_CLOCK) -> the ticks of the first packet,
        and the packets that are full. What is less than 10 ms waits, unless `pts` says that something is missing."""
        if pcm.ndim != 1 or not pcm.size or pcm.size % AUDIO_SAMPLES:
            raise ValueError(f"expected whole frames of {AUDIO_SAMPLES} samples, got {pcm.shape}")
        begins = pts - (pcm.size // AUDIO_SAMPLES - 1) * FRAME_TICKS
        expected = begins if self._next_ticks is None else self._next_ticks + self._ticks(self._waiting.size)
        if expected != begins or self._next_ticks is None:
            self._waiting, self._next_ticks = np.zeros(0, np.float32), begins
        self._waiting = np.concatenate([self._waiting, np.nan_to_num(pcm, nan=0.0, posinf=1.0, neginf=-1.0)])
        first, packets = self._next_ticks, []
        while self._waiting.size >= PACKET_SAMPLES:
            packets.append(self._packet(self._waiting[:PACKET_SAMPLES]))
            self._waiting = self._waiting[PACKET_SAMPLES:]
        self._next_ticks += TICKS_A_PACKET * len(packets)
        return first, packets

    @staticmethod
    def _ticks(samples: int) -> int:
        return int(samples * TICKS_A_SAMPLE)

    def _packet(self, samples: Pcm) -> bytes:
        whole = np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, self._count, Fraction(1, AUDIO_RATE)
        self._count += PACKET_SAMPLES
        packets = self._context.encode(frame)
        if len(packets) != 1:
            raise RuntimeError(f"10 ms in mean one packet out, libopus gave {len(packets)}")
        return bytes(packets[0])
