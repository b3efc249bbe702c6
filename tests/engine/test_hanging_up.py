"""A worker process whose gateway hangs up is gone within the gateway's grace, whatever it was at."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from configs.paths import ROOT
from engine.messages import Open, Opened, Ready, decode_outgoing, encode, read_body
from server.placement.local import GRACE_S

SLOW_WORKER = """
import sys, time, types
from pathlib import Path
from engine import worker

busy, socket, mark = sys.argv[1:]

def toil(what):
    if busy == what:
        Path(mark).touch()
        time.sleep(300)

class SlowWorld:
    def say(self, text): ...
    def step(self, inputs, moved=None): toil("step")

def load(weights, device):
    toil("load")
    return types.SimpleNamespace(name="slow"), open_world

def open_world(*wish):
    toil("open")
    return SlowWorld()

worker.load = load
worker.main(["--socket", socket, "--rung", "270p"])
"""


@pytest.mark.parametrize("busy", ["load", "open", "step"])
async def test_a_busy_worker_goes_when_its_gateway_hangs_up(tmp_path: Path, busy: str) -> None:
    socket, mark = tmp_path / "worker.sock", tmp_path / "busy"
    coming: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Future()
    listening = await asyncio.start_unix_server(lambda *streams: coming.set_result(streams), socket)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SLOW_WORKER, busy, str(socket), str(mark), cwd=ROOT
    )
    try:
        async with asyncio.timeout(120):
            reader, writer = await coming
            if busy != "load":
                assert isinstance(decode_outgoing(await read_body(reader)), Ready)
                writer.write(encode(Open(session="a", seed=1)))
            if busy == "step":
                assert isinstance(decode_outgoing(await read_body(reader)), Opened)
            while not mark.exists():
                await asyncio.sleep(0.02)
        listening.close()
        writer.close()
        async with asyncio.timeout(GRACE_S):
            assert await process.wait() == 0
        await writer.wait_closed()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
