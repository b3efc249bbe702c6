"""A world's sound in the worker: it follows the state, says what is heard, and keeps up where pictures are skipped."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from engine.messages import AudioPacket, Open, Sounds, VideoPacket, decode_outgoing, encode, read_body
from engine.opus import TICKS_A_PACKET
from engine.session import OpenWorld, Senses, Threads
from engine.sounding import HOLD_FRAMES, MOST_FRAMES, Captions, OpenSound, sound_opener
from engine.worker import Worker
from engine.world import Frame, Inputs, Moved
from model.conditioning import state


@pytest.fixture(scope="module")
def open_sound() -> OpenSound:
    made = sound_opener()
    assert made is not None, "the bundled weights have sound"
    return made


def test_weights_without_sound_make_silent_worlds(tmp_path: Path) -> None:
    assert sound_opener(tmp_path) is None


def test_a_caption_comes_at_once_stays_for_a_while_and_goes() -> None:
    captions = Captions(("rain", "steps"))
    assert not captions.take([0.4, 0.5])
    assert captions.take([0.9, 0.1]) and captions.heard == ("rain",)
    assert not captions.take([0.4, 0.1])  # not likely enough to begin, enough to stay
    gone = [captions.take([0.1, 0.1]) for _ in range(HOLD_FRAMES + 1)]
    assert gone == [False] * HOLD_FRAMES + [True] and captions.heard == ()


def test_rain_and_a_coast_are_heard_and_captioned(open_sound: OpenSound) -> None:
    scape, wet = open_sound(1), state.beginning("coast", "day", "rain")
    sounded = [scape.sound(wet, 0, (0.0, 0.0), 1) for _ in range(30)]
    told = [one.heard for one in sounded if one.heard is not None]
    assert "rain" in told[-1]
    pcm = np.concatenate([one.pcm for one in sounded])
    assert pcm.shape == (30_000,) and 0.005 < pcm[12_000:].std() < 0.4


def test_walking_is_heard_as_steps_and_standing_is_not(open_sound: OpenSound) -> None:
    def steps(speed: float) -> bool:
        scape, where = open_sound(2), state.beginning("mountains", "day", "clear")
        where.velocity[2] = speed
        told: set[str] = set()
        for _ in range(60):
            told |= set(scape.sound(where, int(speed > 0), (0.0, 0.0), 1).heard or ())
        return "steps_rock" in told

    assert steps(3.2) and not steps(0.0)


def test_who_flies_has_no_feet_to_be_heard(open_sound: OpenSound) -> None:
    scape, where = open_sound(2), state.beginning("mountains", "day", "clear")
    where.velocity[2], where.ground, where.camera = 3.0, 0.0, "drone"
    told = {name for _ in range(60) for name in scape.sound(where, 1, (0.0, 0.0), 1).heard or ()}
    assert told and not any(name.startswith("steps") for name in told)


def test_frames_that_were_skipped_are_sounded_up_to_a_bound(open_sound: OpenSound) -> None:
    scape, where = open_sound(3), state.beginning("desert", "night", "clear")
    assert scape.sound(where, 0, (0.0, 0.0), 3).pcm.shape == (3000,)
    assert scape.sound(where, 0, (0.0, 0.0), 500).pcm.shape == (1000 * MOST_FRAMES,)


class RainyWorld:
    """Grey pictures of a state that rains."""

    def __init__(self, wish: Open) -> None:
        self.state, self.index = state.beginning("meadow", "day", "rain"), 0

    def say(self, text: str) -> None:
        raise AssertionError("nobody speaks here")

    def step(self, inputs: Inputs, moved: Moved) -> Frame:
        moved(self.state)
        grey, chroma = np.full((288, 512), 90, np.uint8), np.full((144, 256), 128, np.uint8)
        self.index += 1
        return Frame(self.index - 1, grey, chroma, chroma, {}, [], 1.0, 0.5)


@asynccontextmanager
async def told_by(open_world: OpenWorld, open_sound: OpenSound) -> AsyncIterator[asyncio.StreamReader]:
    """What a worker says of one world that it was asked to open."""
    ours, its = socket.socketpair()
    streams = await asyncio.open_connection(sock=its)
    reader, writer = await asyncio.open_connection(sock=ours)
    with ThreadPoolExecutor(1) as sampling, ThreadPoolExecutor(1) as encoding:
        worker = Worker(streams, open_world, Threads(sampling, encoding, encoding), 1, senses=Senses(open_sound))
        running = asyncio.create_task(worker.run())
        writer.write(encode(Open(session="a", epoch=2, seed=1)))
        async with asyncio.timeout(20):
            yield reader
        writer.close()
        await running
        streams[1].close()
        await asyncio.gather(streams[1].wait_closed(), writer.wait_closed(), return_exceptions=True)


async def test_a_session_sends_sound_without_gaps_beside_its_pictures_and_says_what_is_heard(
    open_sound: OpenSound,
) -> None:
    seen: list[object] = []
    async with told_by(RainyWorld, open_sound) as reader:
        while sum(isinstance(one, VideoPacket) for one in seen) < 24 or not any(
            isinstance(one, Sounds) and "rain" in one.heard for one in seen
        ):
            seen.append(decode_outgoing(await read_body(reader)))
    sounds = [one for one in seen if isinstance(one, AudioPacket)]
    pictures = {one.frame: one.pts for one in seen if isinstance(one, VideoPacket)}
    for one, following in itertools.pairwise(sounds):
        assert following.pts == one.pts + len(one.packets) * TICKS_A_PACKET
    late = [
        abs(pictures[one.frame] + 3750 - one.pts - 900 * len(one.packets)) for one in sounds if one.frame in pictures
    ]
    assert late and max(late) < TICKS_A_PACKET


async def test_the_sound_of_a_frame_is_out_while_its_picture_is_still_sampled(open_sound: OpenSound) -> None:
    heard = threading.Event()

    class SlowWorld(RainyWorld):
        def step(self, inputs: Inputs, moved: Moved) -> Frame:
            frame = super().step(inputs, moved)
            assert heard.wait(10)
            return frame

    async with told_by(SlowWorld, open_sound) as reader:
        while not isinstance(said := decode_outgoing(await read_body(reader)), AudioPacket):
            assert not isinstance(said, VideoPacket)
        heard.set()
        while not isinstance(picture := decode_outgoing(await read_body(reader)), VideoPacket):
            pass
    assert (said.frame, said.pts) == (picture.frame, picture.pts)
