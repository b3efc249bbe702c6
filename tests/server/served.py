"""A gateway as `mundo serve` runs it, in a process of its own, and the owner of one world on it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from aiortc import RTCSessionDescription

from tests.server.conftest import WORKER, Connection

ROOT = Path(__file__).resolve().parents[2]
TICKS_A_S, PAGE_BYTES = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


@dataclass
class Served:
    """A gateway with a loud world, and who started it."""

    process: Process
    http: httpx.AsyncClient
    url: str
    session: str
    link: str

    def core_s(self) -> float:
        """CPU time of the gateway alone, so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_A_S

    def memory_mib(self) -> float:
        """Memory that the gateway alone holds now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * PAGE_BYTES / 2**20


@asynccontextmanager
async def serving(folder: Path, **changes: str) -> AsyncIterator[Served]:
    """A gateway over a painted worker, and the owner of a loud world on it; `changes`: MUNDO_* variables."""
    folder.mkdir()
    command = json.dumps([sys.executable, str(WORKER)])
    rates = {f"MUNDO_RATES__{name}": "10000/minute" for name in ("SHARE_AN_ADDRESS", "OFFERS_A_DEVICE")}
    environment = {**os.environ, **rates, **changes, "MUNDO_WORKER__COMMAND": command}
    environment["MUNDO_DATA_DIR"] = str(folder / "data")
    ready = folder / "ready.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server.cli", "serve", "--port", "0", "--ready-file", str(ready),
        cwd=ROOT, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            while not ready.exists():
                assert process.returncode is None
                await asyncio.sleep(0.05)
        told = json.loads(ready.read_text())
        async with httpx.AsyncClient(base_url=told["url"], headers={"Origin": told["url"]}, timeout=60) as http:
            await http.post("/api/v1/invites/redeem", json={"code": told["invite"]})
            session = (await http.post("/api/v1/sessions", json={"prompt": "noise", "seed": 1})).json()["id"]
            made = (await http.post(f"/api/v1/sessions/{session}/shares", json={"role": "viewer"})).json()
            yield Served(process, http, told["url"], session, made["url"])
    finally:
        process.kill()
        await process.wait()


async def connected(served: Served) -> Connection:
    """The owner's own connection, its channels open."""
    connection = Connection()
    await connection.pc.setLocalDescription(await connection.pc.createOffer())
    answered = await served.http.post(
        f"/api/v1/sessions/{served.session}/offer",
        content=connection.pc.localDescription.sdp,
        headers={"Content-Type": "application/sdp"},
    )
    assert answered.status_code == 201, answered.text
    connection.location = answered.headers["Location"]
    await connection.pc.setRemoteDescription(RTCSessionDescription(answered.text, "answer"))
    await connection.opened()
    return connection


@asynccontextmanager
async def driving(served: Served) -> AsyncIterator[Connection]:
    """The driver's own connection, which beats as a page does."""
    connection = await connected(served)

    async def beat() -> None:
        while True:
            ended = [event for event in connection.heard if event["type"] == "ended"]
            assert not ended, f"the gateway closed the driver: {ended}"
            connection.heard.clear()
            connection.tell(type="ping", t=1.0)
            await asyncio.sleep(0.5)

    beating = asyncio.create_task(beat())
    try:
        yield connection
    finally:
        assert not beating.done(), beating
        beating.cancel()
        await connection.pc.close()
