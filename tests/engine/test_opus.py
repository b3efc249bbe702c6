"""PCM to Opus: the sound comes back, and every packet has its place on the clock."""

from __future__ import annotations

import av
import numpy as np
import pytest

from engine.opus import FRAME_TICKS, TICKS_A_PACKET, OpusEncoder


def tone(frames: int, first: int = 0) -> np.ndarray:
    at = np.arange(first * 1000, (first + frames) * 1000) / 24_000
    return (0.5 * np.sin(2 * np.pi * 1000 * at)).astype(np.float32)


def decoded(packets: list[bytes]) -> np.ndarray:
    decoder = av.CodecContext.create("libopus", "r")
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(packet))]
    left = [frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0] for frame in frames]
    return np.concatenate(left).astype(np.float64) / 32768


def test_a_tone_comes_back_as_loud_and_as_high_at_48_khz() -> None:
    encoder = OpusEncoder()
    heard = decoded([p for frame in range(12) for p in encoder.encode(tone(1, frame), frame * FRAME_TICKS)[1]])
    middle = heard[4800:19_200]
    assert np.abs(np.fft.rfft(middle * np.hanning(len(middle)))).argmax() == pytest.approx(300, abs=1)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.354, rel=0.1)


def test_packets_follow_each_other_without_a_gap_or_an_overlap() -> None:
    encoder, ends = OpusEncoder(), None
    for frame in range(30):
        begins, packets = encoder.encode(tone(1, frame), frame * FRAME_TICKS)
        assert ends is None or begins == ends
        ends = begins + len(packets) * TICKS_A_PACKET
        assert 0 <= (frame + 1) * FRAME_TICKS - ends < TICKS_A_PACKET
        assert len(packets) in (4, 5)


def test_sound_for_skipped_pictures_keeps_the_clock_whole_and_what_is_missing_moves_it() -> None:
    encoder = OpusEncoder()
    first, packets = encoder.encode(tone(1), 0)
    later, more = encoder.encode(tone(3, 1), 3 * FRAME_TICKS)  # two pictures were skipped, their sound was not
    assert later == first + len(packets) * TICKS_A_PACKET and len(more) == 12
    gone, _ = encoder.encode(tone(1), 20 * FRAME_TICKS)
    assert gone == 20 * FRAME_TICKS


def test_what_is_not_finite_is_silence_and_half_a_frame_is_refused() -> None:
    encoder = OpusEncoder()
    heard = decoded(encoder.encode(np.full(2000, np.nan, np.float32), FRAME_TICKS)[1])
    assert np.abs(heard).max() < 0.01
    with pytest.raises(ValueError, match=r"whole frames of 1000 samples, got \(500,\)"):
        encoder.encode(np.zeros(500, np.float32), 0)
