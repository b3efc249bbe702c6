"""The worker over a real socket pair, with a world that answers in shades of grey instead of a network's pictures."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

import numpy as np
import pytest

from engine.messages import (
    Audio,
    Bitrate,
    Close,
    Control,
    Failed,
    KeyframeWanted,
    LateLook,
    Message,
    Open,
    Opened,
    Outgoing,
    ProtocolError,
    Receipt,
    Refused,
    State,
    Stats,
    Text,
    VideoPacket,
    decode_outgoing,
    encode,
    read_body,
)
from engine.session import OpenWorld, Threads
from engine.worker import Worker
from engine.world import Frame, Inputs, PromptRefused

M = TypeVar("M", bound=Message)


class GreyWorld:
    """Grey by its frame index; remembers what it was told; stumbles over the words that tests say."""

    def __init__(self, wish: Open) -> None:
        prompt = wish.prompt
        if prompt == "forbidden":
            raise PromptRefused("that cannot be shown")
        if prompt == "broken":
            raise RuntimeError("no such template")
        self.index, self.told = 0, prompt

    def say(self, text: str) -> None:
        if text == "forbidden":
            raise PromptRefused("that cannot be shown")
        self.told = text

    def step(self, inputs: Inputs) -> Frame:
        if self.told == "fall over":
            raise RuntimeError("the world fell over")
        grey = np.full((288, 512), 60 + self.index % 100, np.uint8)
        chroma = np.full((144, 256), 128, np.uint8)
        loudness = 0.0 if inputs.pcm is None else float(np.abs(inputs.pcm).mean())
        state = {"buttons": float(inputs.buttons), "look_x": inputs.look_x}
        self.index += 1
        return Frame(self.index - 1, grey, chroma, chroma, state, [loudness], 1.0, 0.5)


class Gateway:
    """The other end of the socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def tell(self, *messages: Message) -> None:
        self.writer.write(b"".join(encode(message) for message in messages))

    async def next(self, kind: type[M], accept: Callable[[M], bool] = lambda _: True) -> M:
        """The next message of that kind which is accepted; others are passed over."""
        async with asyncio.timeout(10):
            while True:
                message: Outgoing = decode_outgoing(await read_body(self.reader))
                if isinstance(message, kind) and accept(message):
                    return message

    async def seen(self, until: type[Message]) -> list[Outgoing]:
        """All messages up to the first of that kind."""
        messages: list[Outgoing] = []
        async with asyncio.timeout(10):
            while not messages or not isinstance(messages[-1], until):
                messages.append(decode_outgoing(await read_body(self.reader)))
        return messages


class SlowWorld(GreyWorld):
    """Takes most of a period, in which people go on looking."""

    def step(self, inputs: Inputs) -> Frame:
        time.sleep(0.03)
        return super().step(inputs)


class DreamyWorld(GreyWorld):
    """Dreams before its second frame until nobody has patience any more."""

    patience_s = 60.0

    def dream(self) -> None:
        began_s = time.monotonic()
        while self.index == 1 and time.monotonic() - began_s < self.patience_s:
            time.sleep(0.01)


@asynccontextmanager
async def connected(open_world: OpenWorld = GreyWorld, capacity: int = 2) -> AsyncIterator[Gateway]:
    ours, its = socket.socketpair()
    streams = await asyncio.open_connection(sock=its)
    gateway = Gateway(*await asyncio.open_connection(sock=ours))
    with ThreadPoolExecutor(1) as sampling, ThreadPoolExecutor(1) as encoding:
        running = asyncio.create_task(
            Worker(streams, open_world, Threads(sampling, encoding, encoding), capacity).run()
        )
        try:
            yield gateway
        finally:
            gateway.writer.close()
            try:
                await asyncio.wait_for(running, 10)
            finally:
                streams[1].close()
                await asyncio.gather(streams[1].wait_closed(), gateway.writer.wait_closed(), return_exceptions=True)


async def test_an_opened_world_sends_a_packet_a_receipt_and_a_state_a_frame() -> None:
    async with connected() as gateway:
        gateway.tell(Open(session="a", epoch=3, seed=1))
        messages = await gateway.seen(until=Stats)
    assert isinstance(messages[0], Opened)
    assert all((message.session, message.epoch) == ("a", 3) for message in messages)
    packets = [message for message in messages if isinstance(message, VideoPacket)]
    assert [packet.frame for packet in packets] == list(range(len(packets)))
    assert packets[0].keyframe and packets[0].pts == 0
    assert all(packet.pts % 3750 == 0 and packet.pts >= packet.frame * 3750 for packet in packets)
    receipts = [message for message in messages if isinstance(message, Receipt)]
    assert [(r.frame, r.pts) for r in receipts] == [(p.frame, p.pts) for p in packets]
    assert [message.frame for message in messages if isinstance(message, State)] == list(range(len(packets)))


async def test_a_frame_obeys_the_newest_control_and_says_which() -> None:
    async with connected() as gateway:
        gateway.tell(Open(session="a", seed=1))
        gateway.tell(*(Control(session="a", seq=n, buttons=n, look_x=0.01 * n, look_y=0.0) for n in range(1, 6)))
        state = await gateway.next(State, lambda s: s.values["buttons"] > 0)
        receipt = await gateway.next(Receipt, lambda r: r.frame == state.frame)
    assert receipt.control_seq == 5
    assert state.values["buttons"] == 5


async def test_a_picture_follows_the_looks_of_its_own_sampling_until_told_not_to() -> None:
    async def looking() -> None:
        for seq in range(1, 10_000):
            gateway.tell(Control(session="a", seq=seq, buttons=0, look_x=0.005 * seq, look_y=0.0))
            await asyncio.sleep(0.01)

    async with connected(SlowWorld) as gateway:
        gateway.tell(Open(session="a", seed=1))
        hand = asyncio.create_task(looking())
        late = await gateway.next(Receipt, lambda r: r.control_seq > 0 and r.look_seq > r.control_seq)
        gateway.tell(LateLook(session="a", on=False))
        again = [await gateway.next(Receipt, lambda r: r.frame > late.frame + 3) for _ in range(6)]
        hand.cancel()
    assert all(receipt.look_seq == receipt.control_seq for receipt in again)


async def test_sound_reaches_the_frame() -> None:
    async with connected() as gateway:
        gateway.tell(Open(session="a", seed=1))
        await gateway.next(VideoPacket)
        gateway.tell(Audio(session="a", pcm=struct.pack("<h", 16384) * 1000))
        state = await gateway.next(State, lambda s: s.audio[0] > 0)
    assert state.audio[0] == pytest.approx(0.5)


async def test_a_text_is_in_force_from_the_frame_whose_receipt_says_so() -> None:
    async with connected() as gateway:
        gateway.tell(Open(session="a", seed=1))
        assert (await gateway.next(Receipt)).text_id == 0
        gateway.tell(Text(session="a", text_id=7, text="night falls"))
        assert (await gateway.next(Receipt, lambda r: r.text_id != 0)).text_id == 7


async def test_a_refused_text_leaves_the_world_and_its_prompt_as_they_were() -> None:
    async with connected() as gateway:
        gateway.tell(Open(session="a", seed=1), Text(session="a", text_id=7, text="night falls"))
        await gateway.next(Receipt, lambda r: r.text_id == 7)
        gateway.tell(Text(session="a", text_id=8, text="forbidden"))
        refused = await gateway.next(Refused)
        receipt = await gateway.next(Receipt)
    assert (refused.kind, refused.text_id, refused.reason) == ("Text", 8, "that cannot be shown")
    assert receipt.text_id == 7


async def test_a_newcomer_gets_an_idr() -> None:
    async with connected() as gateway:
        gateway.tell(Open(session="a", seed=1))
        first = await gateway.next(VideoPacket, lambda p: p.frame == 13)
        gateway.tell(KeyframeWanted(session="a"))
        second = await gateway.next(VideoPacket, lambda p: p.keyframe)
    assert not first.keyframe
    assert second.frame - first.frame <= 3


async def test_a_newcomer_sees_a_world_that_still_dreams() -> None:
    worlds: list[DreamyWorld] = []

    def open_world(wish: Open) -> DreamyWorld:
        worlds.append(DreamyWorld(wish))
        return worlds[-1]

    async with connected(open_world) as gateway:
        gateway.tell(Open(session="a", seed=1))
        first = await gateway.next(VideoPacket)
        for _ in range(2):
            gateway.tell(KeyframeWanted(session="a"))
            receipt = await gateway.next(Receipt)
            again = await gateway.next(VideoPacket)
            assert (again.frame, again.keyframe, worlds[0].index) == (first.frame, True, 1)
            assert again.pts > first.pts and (receipt.frame, receipt.pts) == (again.frame, again.pts)
            assert again.pts % 3750 == 0
        worlds[0].patience_s = 0.0
        second = await gateway.next(VideoPacket)
    assert second.frame == first.frame + 1 and second.pts > again.pts


async def test_a_world_whose_dreams_go_wrong_fails() -> None:
    class Nightmare(DreamyWorld):
        def dream(self) -> None:
            raise RuntimeError("a nightmare")

    async with connected(Nightmare) as gateway:
        gateway.tell(Open(session="a", seed=1))
        await gateway.next(VideoPacket)
        assert (await gateway.next(Failed)).reason == "RuntimeError: a nightmare"


async def test_a_bitrate_far_away_opens_the_stream_anew() -> None:
    async with connected() as gateway:
        gateway.tell(Open(session="a", seed=1))
        await gateway.next(VideoPacket, lambda p: p.frame == 2)
        gateway.tell(Bitrate(session="a", bits_per_second=12_000_000))
        assert (await gateway.next(VideoPacket, lambda p: p.keyframe)).frame <= 5


async def test_a_world_that_falls_over_fails_alone() -> None:
    async with connected() as gateway:
        gateway.tell(Open(session="a", seed=1), Open(session="b", seed=2))
        await gateway.next(VideoPacket, lambda p: p.session == "b")
        gateway.tell(Text(session="a", text_id=1, text="fall over"))
        failed = await gateway.next(Failed)
        after = [await gateway.next(VideoPacket) for _ in range(4)]
        gateway.tell(Open(session="a", epoch=1, seed=1))
        reopened = await gateway.next(VideoPacket, lambda p: p.session == "a")
    assert (failed.session, failed.reason) == ("a", "RuntimeError: the world fell over")
    assert {packet.session for packet in after} == {"b"}
    assert reopened.frame == 0


async def test_a_world_whose_pictures_cannot_be_encoded_fails_alone() -> None:
    class Misshapen(GreyWorld):
        def step(self, inputs: Inputs) -> Frame:
            frame = super().step(inputs)
            return Frame(frame.index, frame.y[:10], frame.u, frame.v, {}, [], 1.0, 1.0)

    async with connected(Misshapen) as gateway:
        gateway.tell(Open(session="a", seed=1))
        assert "expected planes" in (await gateway.next(Failed)).reason
        gateway.tell(Control(session="a", seq=1, buttons=0, look_x=0, look_y=0))
        assert "no world" in (await gateway.next(Refused)).reason


async def test_an_opening_prompt_that_is_refused_or_breaks_is_said() -> None:
    async with connected() as gateway:
        gateway.tell(Open(session="a", seed=1, prompt="forbidden"))
        assert await gateway.next(Refused) == Refused(session="a", kind="Open", reason="that cannot be shown")
        gateway.tell(Open(session="a", seed=1, prompt="broken"))
        assert (await gateway.next(Failed)).reason == "RuntimeError: no such template"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Control(session="a", epoch=1, seq=1, buttons=1, look_x=0.0, look_y=0.0), "epoch 2, not 1"),
        (Control(session="a", epoch=2, seq=1, buttons=1 << 20, look_x=0.0, look_y=0.0), "bitmap"),
        (Text(session="a", epoch=2, text_id=1, text="x" * 500), "400 characters"),
        (Audio(session="a", epoch=2, pcm=b"odd"), "s16le"),
        (Bitrate(session="a", epoch=2, bits_per_second=0), "above 0"),
        (Close(session="nobody"), "no world of session 'nobody'"),
        (Open(session="a", epoch=2, seed=1), "open already"),
        (Open(session="second", seed=1), "1 worlds at most"),
    ],
)
async def test_what_cannot_be_done_is_refused_and_the_world_goes_on(message: Message, reason: str) -> None:
    async with connected(capacity=1) as gateway:
        gateway.tell(Open(session="a", epoch=2, seed=1))
        await gateway.next(Opened)
        gateway.tell(message)
        refused = await gateway.next(Refused)
        packet = await gateway.next(VideoPacket)
    assert refused.kind == type(message).__name__ and reason in refused.reason
    assert packet.session == "a"


async def test_junk_in_a_frame_is_refused_and_the_world_goes_on() -> None:
    async with connected() as gateway:
        gateway.tell(Open(session="a", seed=1))
        await gateway.next(VideoPacket)
        gateway.writer.write(struct.pack(">I", 5) + b"\xff\x00junk"[:5])
        assert (await gateway.next(Refused)).kind == "message"
        await gateway.next(VideoPacket)


async def test_a_closed_world_sends_nothing_more() -> None:
    async with connected() as gateway:
        gateway.tell(Open(session="a", seed=1), Open(session="b", seed=1))
        await gateway.next(VideoPacket, lambda p: p.session == "a")
        gateway.tell(Close(session="a"), Control(session="a", seq=1, buttons=0, look_x=0, look_y=0))
        await gateway.next(Refused)
        later = [await gateway.next(VideoPacket) for _ in range(6)]
    assert {packet.session for packet in later} == {"b"}


async def test_messages_are_read_while_a_world_is_being_opened() -> None:
    def slowly(wish: Open) -> GreyWorld:
        time.sleep(0.3)
        return GreyWorld(wish)

    async with connected(slowly, capacity=1) as gateway:
        gateway.tell(Open(session="a", seed=1), Close(session="a"), Open(session="b", seed=1))
        assert (await gateway.next(Opened)).session == "b"


async def test_a_lost_framing_ends_the_worker_with_a_reason() -> None:
    with pytest.raises(ProtocolError, match="announces"):
        async with connected() as gateway:
            gateway.writer.write(struct.pack(">I", 1 << 30))
            await asyncio.sleep(0.05)
