"""Thirty viewers on one live session, against the same thirty fed by another gateway: what they cost the driver, and
the gateway. And one of them whose network stalls. Each part is a process: gateways, workers, receivers."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import statistics
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiortc.rtcrtpreceiver
import pytest

from tests.server.receivers import Counter
from tests.server.served import ROOT, Served, driving, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")
VIEWERS, SETTLE_S, MEASURE_S = 30, 5, 20
MOST_DIFFERENCE = 0.05
BUSY = {"MUNDO_LIMITS__HEARTBEAT_S": "60"}  # thirty receivers in one process are busy while they connect


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


async def frames_a_s(driver: Counter, seconds: int) -> tuple[float, float]:
    """Whole pictures that came to the driver: the mean and the median of so many seconds."""
    loop = asyncio.get_running_loop()
    counts, began = [driver.pictures], loop.time()
    for second in range(1, seconds + 1):
        await asyncio.sleep(began + second - loop.time())
        counts.append(driver.pictures)
    mean = (counts[-1] - counts[0]) / (loop.time() - began)
    return mean, statistics.median(later - sooner for sooner, later in itertools.pairwise(counts))


async def shown(process: Process, seconds: int) -> list[float]:
    """What each viewer was shown in each second, on average, from the lines that have been waiting and that come."""
    assert process.stdout is not None
    lines = [json.loads(await process.stdout.readline()) for _ in range(seconds)]
    return [sum(line[viewer] for line in lines) / seconds for viewer in range(len(lines[-1]))]


@pytest.mark.soak
async def test_thirty_viewers_cost_the_driver_nothing(
    tmp_path: Path, record_property: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Counter()  # decoded pictures that nobody takes would fill this process
    monkeypatch.setattr(aiortc.rtcrtpreceiver, "get_decoder", lambda _: driver)
    async with (
        serving(tmp_path / "one", **BUSY) as one,
        serving(tmp_path / "other", **BUSY) as other,
        driving(one),
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
