"""Thirty viewers on one live session, against the same thirty fed by another gateway: what they cost the driver, and
the gateway. And one of them whose network stalls. Each part is a process: gateways, workers, receivers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiortc import RTCSessionDescription

from tests.server.conftest import WORKER, Connection

pytestmark = pytest.mark.asyncio(loop_scope="session")
ROOT = Path(__file__).resolve().parents[2]
VIEWERS, SETTLE_S, MEASURE_S = 30, 5, 20
TICKS_A_S = os.sysconf("SC_CLK_TCK")
MOST_DIFFERENCE = 0.05


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


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Served]:
    folder.mkdir()
    command = json.dumps([sys.executable, str(WORKER)])
    rates = {f"MUNDO_RATES__{name}": "10000/minute" for name in ("SHARE_AN_ADDRESS", "OFFERS_A_DEVICE")}
    rates["MUNDO_LIMITS__HEARTBEAT_S"] = "60"  # thirty receivers in one process are busy while they connect
    environment = {**os.environ, **rates, "MUNDO_WORKER__COMMAND": command, "MUNDO_DATA_DIR": str(folder / "data")}
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


@asynccontextmanager
async def receivers(served: Served, count: int) -> AsyncIterator[Process]:
    """So many viewers, all connected."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.server.receivers", served.url, served.link, str(count), cwd=ROOT, stdout=PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(300):  # thirty handshakes, on a machine that may be busy
            assert (await process.stdout.readline()).strip() == b"ready"
        yield process
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def driving(served: Served) -> AsyncIterator[Connection]:
    """The driver's own connection, which beats as a page does."""
    connection = Connection()
    await connection.pc.setLocalDescription(await connection.pc.createOffer())
    answered = await served.http.post(
        f"/api/v1/sessions/{served.session}/offer",
        content=connection.pc.localDescription.sdp,
        headers={"Content-Type": "application/sdp"},
    )
    await connection.pc.setRemoteDescription(RTCSessionDescription(answered.text, "answer"))
    await connection.opened()

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


async def frames_a_s(connection: Connection, seconds: int) -> tuple[float, float]:
    """Pictures that the driver decoded: the mean and the median of so many seconds."""
    loop = asyncio.get_running_loop()
    counts = [0]
    began = loop.time()
    while (passed := loop.time() - began) < seconds:
        counts += [0] * (int(passed) + 1 - len(counts))
        async with asyncio.timeout(10):
            await connection.video.track.recv()
        counts[-1] += 1
    return sum(counts) / (loop.time() - began), statistics.median(counts)


async def shown(process: Process, seconds: int) -> list[float]:
    """What each viewer was shown in each second, on average, from the lines that have been waiting and that come."""
    assert process.stdout is not None
    lines = [json.loads(await process.stdout.readline()) for _ in range(seconds)]
    return [sum(line[viewer] for line in lines) / seconds for viewer in range(len(lines[-1]))]


@pytest.mark.soak
async def test_thirty_viewers_cost_the_driver_nothing(tmp_path: Path, record_property: Any) -> None:
    async with (
        serving(tmp_path / "one") as one,
        serving(tmp_path / "other") as other,
        driving(one) as driver,
    ):
        rates, costs, least = {}, {}, 0.0
        for name, feeding in (("elsewhere", other), ("here", one)):
            async with receivers(feeding, VIEWERS) as watching:
                await frames_a_s(driver, SETTLE_S)
                before = one.core_s()
                rates[name] = await frames_a_s(driver, MEASURE_S)
                costs[name] = (one.core_s() - before) / MEASURE_S
                least = min(await shown(watching, MEASURE_S))
                if name == "here":
                    async with receivers(one, 1) as stalled:
                        stalled.send_signal(signal.SIGSTOP)
                        await frames_a_s(driver, SETTLE_S)
                        rates["one stalled"] = await frames_a_s(driver, MEASURE_S)
    per_viewer = (costs["here"] - costs["elsewhere"]) / VIEWERS
    told: dict[str, Any] = {name: [round(figure, 1) for figure in rate] for name, rate in rates.items()}
    told |= {"gateway_core_percent_a_viewer": round(100 * per_viewer, 2), "least_viewer_fps": round(least, 1)}
    record_property("thirty_viewers", json.dumps(told))
    print(told)
    for name in ("here", "one stalled"):
        assert abs(rates[name][1] / rates["elsewhere"][1] - 1) < MOST_DIFFERENCE, told
    assert least > 0.5 * rates["here"][0], told  # all of them were watching
