"""The microphone's packets in the order and the shapes in which networks deliver them."""

from __future__ import annotations

import pytest
from aiortc.rtp import RtpPacket

from server.microphone import Unbuffered, ask_short_packets


def sound(sequence_number: int, data: bytes | None = None) -> RtpPacket:
    packet = RtpPacket(sequence_number=sequence_number & 0xFFFF, timestamp=sequence_number * 480)
    packet._data = str(sequence_number).encode() if data is None else data  # type: ignore[attr-defined]
    return packet


def heard(*sequence_numbers: int) -> list[int]:
    """What goes on to the decoder, each as its packet arrives."""
    buffer = Unbuffered()
    frames = [buffer.add(sound(number))[1] for number in sequence_numbers]
    return [int(frame.data) for frame in frames if frame is not None]


@pytest.mark.parametrize(
    ("arriving", "expected"),
    [
        ([7, 8, 9], [7, 8, 9]),
        ([7, 9, 10, 11], [7, 9, 10, 11]),  # a lost packet holds nothing up
        ([7, 9, 8, 10], [7, 9, 10]),
        ([7, 7, 8, 8], [7, 8]),
        ([65_534, 65_535, 65_536, 65_537], [65_534, 65_535, 65_536, 65_537]),  # counted in 16 bits
        ([65_535, 65_537, 65_536], [65_535, 65_537]),
        ([9_000, 20, 21], [9_000, 20, 21]),  # the sender began again
    ],
)
def test_a_packet_is_heard_when_it_comes_or_not_at_all(arriving: list[int], expected: list[int]) -> None:
    assert heard(*arriving) == expected


def test_an_empty_packet_is_not_given_to_the_decoder() -> None:
    assert Unbuffered().add(sound(1, b"")) == (False, None)


def test_short_packets_are_asked_for_in_the_audio_section_alone() -> None:
    video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
    audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n"
    asked = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ptime:10\r\na=mid:1\r\n"
    assert ask_short_packets("v=0\r\n" + video + audio) == "v=0\r\n" + video + asked
    assert ask_short_packets(video) == video
