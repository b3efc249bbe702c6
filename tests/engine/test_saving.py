"""A world that is put away as bytes and taken out again by another worker."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

import numpy as np
import pytest
from PIL import Image

from engine.messages import (
    Message,
    Open,
    Opened,
    Refused,
    Save,
    Saved,
    Text,
    VideoPacket,
    decode_outgoing,
    encode,
    read_body,
)
from engine.models import Models
from engine.session import NotRestored, Threads
from engine.worker import Worker, opener, restorer
from engine.world import Frame, Inputs


class Counting:
    """Grey by its index; its bytes are its index and what it was told."""

    def __init__(self, index: int = 0, told: str = "") -> None:
        self.index, self.told = index, told

    def say(self, text: str) -> None:
        self.told = text

    def step(self, inputs: Inputs) -> Frame:
        self.index += 1
        y, chroma = np.full((288, 512), 100, np.uint8), np.full((144, 256), 128, np.uint8)
        return Frame(self.index - 1, y, chroma, chroma, {}, [0.0], 1.0, 1.0)

    def saved(self) -> bytes:
        if self.told == "break":
            raise RuntimeError("no words for this")
        return f"{self.index} {self.told}".encode()


def restore(data: bytes) -> Counting:
    index, _, told = data.decode(errors="replace").partition(" ")
    if not index.isdecimal():
        raise NotRestored("expected a number")
    return Counting(int(index), told)


M = TypeVar("M", bound=Message)


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def tell(self, message: Message) -> None:
        self.writer.write(encode(message))

    async def next(self, kind: type[M]) -> M:
        async with asyncio.timeout(60):
            while not isinstance(message := decode_outgoing(await read_body(self.reader)), kind):
                pass
            return message


@asynccontextmanager
async def connected(models: Models | None = None) -> AsyncIterator[Client]:
    ours, its = socket.socketpair()
    streams = await asyncio.open_connection(sock=its)
    client = Client(*await asyncio.open_connection(sock=ours))
    with ThreadPoolExecutor(1) as sampling, ThreadPoolExecutor(1) as encoding:
        threads = Threads(sampling, encoding, encoding)
        if models is None:
            worker = Worker(streams, lambda *_: Counting(), threads, 1, restore)
        else:
            worker = Worker(streams, opener(models), threads, 1, restorer(models))
        running = asyncio.create_task(worker.run())
        try:
            yield client
        finally:
            client.writer.close()
            await asyncio.wait_for(running, 10)
            streams[1].close()
            await asyncio.gather(streams[1].wait_closed(), client.writer.wait_closed(), return_exceptions=True)


async def test_a_saved_world_goes_on_where_it_was() -> None:
    async with connected() as client:
        client.tell(Open(session="a", epoch=1, seed=1))
        await client.next(VideoPacket)
        client.tell(Text(session="a", epoch=1, text_id=7, text="snow"))
        client.tell(Save(session="a", epoch=1, save_id=3))
        saved = await client.next(Saved)
        assert saved.save_id == 3 and saved.frame >= 1 and saved.text_id == 7
        assert saved.data == f"{saved.frame} snow".encode()
        assert Image.open(io.BytesIO(saved.still)).size == (320, 180)
    async with connected() as client:
        client.tell(Open(session="b", epoch=2, seed=1, saved=saved.data))
        assert (await client.next(Opened)).frame == saved.frame
        assert (await client.next(VideoPacket)).frame == saved.frame


async def test_a_world_that_cannot_be_saved_goes_on() -> None:
    async with connected() as client:
        client.tell(Open(session="a", epoch=1, seed=1))
        client.tell(Text(session="a", epoch=1, text_id=1, text="break"))
        await client.next(VideoPacket)
        client.tell(Save(session="a", epoch=1, save_id=1))
        refused = await client.next(Refused)
        assert refused.kind == "Save" and "no words" in refused.reason
        await client.next(VideoPacket)


@pytest.mark.parametrize("data", [b"hello", b"\xff\x00"])
async def test_bytes_that_are_no_world_are_refused(data: bytes) -> None:
    async with connected() as client:
        client.tell(Open(session="a", epoch=1, seed=1, saved=data))
        refused = await client.next(Refused)
        assert refused.kind == "Open"


async def test_a_world_of_real_networks_goes_on_in_another_worker() -> None:
    models = Models.random()
    async with connected(models) as client:
        client.tell(Open(session="a", epoch=1, seed=3, prompt="a meadow"))
        await client.next(VideoPacket)
        client.tell(Save(session="a", epoch=1, save_id=1))
        saved = await client.next(Saved)
        assert len(saved.data) < 8 << 20 and Image.open(io.BytesIO(saved.still)).size == (320, 180)
    async with connected(models) as client:
        client.tell(Open(session="b", epoch=1, seed=3, saved=saved.data))
        first = (await client.next(Opened)).frame
        assert saved.frame - 1 <= first <= saved.frame
        assert (await client.next(VideoPacket)).frame == first
    async with connected(models) as client:
        client.tell(Open(session="c", epoch=1, seed=3, saved=saved.data[:-8]))
        assert "cannot be read" in (await client.next(Refused)).reason
