"""What a remote microphone may send: other rates, two channels, clipping, what is no number, nothing at all."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from server.microphone import Microphone


class Played(MediaStreamTrack):
    """Frames as they are given, then the end."""

    kind = "audio"

    def __init__(self, frames: list[av.AudioFrame]) -> None:
        super().__init__()
        self.frames = frames

    async def recv(self) -> av.AudioFrame:
        if not self.frames:
            raise MediaStreamError
        return self.frames.pop(0)


def frames(samples: np.ndarray, rate: int, form: str = "s16p", layout: str = "mono") -> list[av.AudioFrame]:
    """samples [channels, S] in pieces of 20 ms."""
    made = []
    for number, piece in enumerate(np.split(samples, range(rate // 50, samples.shape[1], rate // 50), axis=1)):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), format=form, layout=layout)
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), number * rate // 50
        made.append(frame)
    return made


async def heard(sent: list[av.AudioFrame]) -> np.ndarray:
    pieces: list[bytes] = []
    await Microphone(Played(sent), pieces.append).run()
    return np.frombuffer(b"".join(pieces), "<i2")


def tone(rate: int, level: float = 0.5) -> np.ndarray:
    return level * np.sin(2 * np.pi * 500 * np.arange(rate) / rate)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
async def test_any_rate_comes_out_as_24_khz(rate: int) -> None:
    said = await heard(frames((tone(rate) * 32767).astype(np.int16)[None], rate))
    assert abs(len(said) - 24_000) < 400
    assert np.abs(np.fft.rfft(said[:19_200] * np.hanning(19_200))).argmax() == pytest.approx(400, abs=1)


async def test_two_channels_become_one() -> None:
    both = np.stack([tone(48_000), tone(48_000)])
    said = await heard(frames((both * 32767).astype(np.int16), 48_000, "s16p", "stereo"))
    assert abs(len(said) - 24_000) < 400 and np.abs(said[4800:]).max() == pytest.approx(16_384, rel=0.1)


async def test_what_clips_and_what_is_no_number_stays_within_range_and_the_rest_is_heard() -> None:
    loud = tone(48_000, 30.0).astype(np.float32)
    loud[9600:10_560] = np.nan
    said = await heard(frames(loud[None], 48_000, "fltp"))
    assert abs(len(said) - 24_000) < 800
    assert np.abs(said[-4800:].astype(int)).max() > 32_000


async def test_a_track_that_stalls_is_waited_for_and_given_up_with_its_peer() -> None:
    class Stalled(Played):
        async def recv(self) -> av.AudioFrame:
            await asyncio.Event().wait()
            raise AssertionError

    pieces: list[bytes] = []
    listening = asyncio.create_task(Microphone(Stalled([]), pieces.append).run())
    await asyncio.sleep(0)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert pieces == []
