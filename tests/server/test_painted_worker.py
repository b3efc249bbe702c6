"""The worker of these tests ends as the real one does: a log in which nothing may have failed is read behind it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from engine import messages as m
from tests.server.conftest import PATIENCE_S, WORKER

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.mark.asyncio
async def test_a_worker_with_much_to_say_goes_quietly_when_the_gateway_hangs_up(tmp_path: Path) -> None:
    connected: asyncio.Future[Streams] = asyncio.get_running_loop().create_future()
    path = str(tmp_path / "s")
    listening = await asyncio.start_unix_server(lambda *streams: connected.set_result(streams), path)
    command = (sys.executable, str(WORKER), "--socket", path)
    worker = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await connected
        writer.write(m.encode(m.Open(session="a", epoch=1, seed=1)))
        while not isinstance(m.decode_outgoing(await m.read_body(reader)), m.VideoPacket):
            pass
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(0.5)  # what it says now is never read
        writer.transport.abort()
        _, said = await worker.communicate()
    listening.close()
    assert worker.returncode == 0 and not said, said.decode()
