"""The worker with real networks (random weights): over its socket, and as the process that a gateway starts."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from configs.paths import ROOT
from engine.messages import (
    Audio,
    Control,
    Failed,
    Message,
    Open,
    Opened,
    Outgoing,
    Receipt,
    State,
    Text,
    VideoPacket,
    decode_outgoing,
    encode,
    read_body,
)
from engine.models import Models
from engine.session import Threads
from engine.worker import Worker, opener

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def gather(reader: asyncio.StreamReader, until: type[Message], count: int) -> list[Outgoing]:
    """All messages up to the count-th of that kind."""
    messages: list[Outgoing] = []
    async with asyncio.timeout(120):
        while sum(isinstance(message, until) for message in messages) < count:
            messages.append(decode_outgoing(await read_body(reader)))
    return messages


@asynccontextmanager
async def listening(socket: Path) -> AsyncIterator[asyncio.Future[Streams]]:
    """A gateway's socket, and the first connection to it."""
    connected: asyncio.Future[Streams] = asyncio.Future()
    server = await asyncio.start_unix_server(lambda *streams: connected.set_result(streams), socket)
    try:
        yield connected
    finally:
        server.close()
        if connected.done():
            await end(connected.result()[1])


async def end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def test_a_world_of_real_networks_is_served_and_obeys(tmp_path: Path) -> None:
    open_world = opener(Models.random())
    socket = tmp_path / "worker.sock"
    with ThreadPoolExecutor(1) as sampling, ThreadPoolExecutor(1) as encoding:
        async with listening(socket) as connected:
            streams = await asyncio.open_unix_connection(str(socket))
            running = asyncio.create_task(Worker(streams, open_world, Threads(sampling, encoding, encoding), 1).run())
            reader, writer = await connected
            for message in (
                Open(session="a", seed=1, prompt="a meadow"),
                Control(session="a", seq=1, buttons=1, look_x=0.0, look_y=0.0),
                Text(session="a", text_id=4, text="let it snow"),
                Audio(session="a", pcm=b"\x00\x40" * 1000),
            ):
                writer.write(encode(message))
            try:
                messages = await gather(reader, VideoPacket, 3)
            finally:
                await end(writer)
                await running
                await end(streams[1])
    assert isinstance(messages[0], Opened)
    assert [message.frame for message in messages if isinstance(message, VideoPacket)] == [0, 1, 2]
    receipts = [message for message in messages if isinstance(message, Receipt)]
    assert (receipts[0].control_seq, receipts[0].text_id) == (1, 4)
    state = next(message for message in messages if isinstance(message, State))
    assert max(map(abs, state.audio)) > 0 and state.values


@pytest.mark.parametrize(
    ("options", "reason"),
    [(["--weights", str(ROOT)], "tokenizer"), (["--device", "cuda:99"], "expected an NVIDIA GPU for cuda:99")],
)
async def test_a_worker_without_weights_or_its_device_says_what_is_missing_and_ends(
    tmp_path: Path, options: list[str], reason: str
) -> None:
    socket = tmp_path / "worker.sock"
    command = ["-m", "engine.worker", "--socket", str(socket), "--threads", "1", *options]
    async with listening(socket) as connected:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=ROOT, stderr=asyncio.subprocess.DEVNULL
        )
        messages = await gather((await connected)[0], Failed, 1)
        assert await process.wait() != 0
    assert len(messages) == 1 and messages[0].session == ""
    assert reason in messages[0].reason
