"""Somebody who comes, says things and goes, again and again: by leaving, by vanishing, and for so long that the world
is paused. It is the same world each time, no state is wrong, and the gateway's memory stays as it is."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from pathlib import Path
from typing import Any

import aiortc.rtcrtpreceiver
import pytest

from tests.server.receivers import Counter
from tests.server.served import Served, connected, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")
CALM = {"MUNDO_LIMITS__IDLE_PAUSE_S": "3", "MUNDO_RATES__WORLDS_A_DEVICE": "10000/minute"}
PAUSED_EVERY = 5
MOST_GROWTH = 1.05  # of memory, from the second quarter of the time to the last


async def shown(served: Served, *states: str) -> dict[str, Any]:
    """How the session stands, once it is in one of these states."""
    async with asyncio.timeout(30):
        while True:
            found = dict((await served.http.get(f"/api/v1/sessions/{served.session}")).json())
            if found["state"] in states and found["viewers"] == 0:
                return found
            await asyncio.sleep(0.1)


async def visit(served: Served, before: dict[str, Any], texts: int, vanishes: bool) -> dict[str, Any]:
    """Come, find the world as it was left, say some texts that it obeys, and go; how it was at the end."""
    connection = await connected(served)
    state = await connection.until("state")
    assert state["frame"] >= before["frame"] and state["values"]["letters"] == before["values"]["letters"], before
    for ref in range(texts):
        text = "noise" + "!" * (ref + 1)
        connection.tell(type="text", text=text, ref=ref)
        assert (await connection.until("text"))["ref"] == ref
        state = await connection.until("state", lambda event, said=text: event["values"]["letters"] == len(said))
        await asyncio.sleep(1.1)
    if not vanishes:
        assert (await served.http.delete(connection.location)).status_code == 204
        assert "ended" not in {event["type"] for event in connection.heard}
    await connection.pc.close()
    Counter.made.clear()
    return state


async def comings_and_goings(served: Served, seconds: float, texts: int) -> list[float]:
    """The gateway's memory in MiB after each visit."""
    sizes: list[float] = []
    state: dict[str, Any] = {"frame": 0, "values": {"letters": len("noise"), "seed": 1}}
    began = time.monotonic()
    for number in itertools.count():
        state = await visit(served, state, texts, vanishes=number % 2 == 1)
        assert state["values"]["seed"] == 1
        sizes.append(round(served.memory_mib(), 1))
        passed_s = time.monotonic() - began
        print(json.dumps({"s": round(passed_s), "frame": state["frame"], "mib": sizes[-1]}), flush=True)
        pauses = number % PAUSED_EVERY == 1
        await shown(served, *(["paused"] if pauses else ["live", "paused"]))
        if passed_s > seconds and number >= 2:
            break
    assert (await served.http.delete(f"/api/v1/sessions/{served.session}")).status_code == 204
    (world,) = (await served.http.get("/api/v1/worlds")).json()
    again = await served.http.post("/api/v1/sessions", json={"saved": world["id"]})
    served.session = again.json()["id"]
    await visit(served, state, texts, vanishes=False)
    return sizes


@pytest.fixture(autouse=True)
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are counted: decoded ones that nobody takes would fill this process."""
    monkeypatch.setattr(aiortc.rtcrtpreceiver, "get_decoder", lambda _: Counter())


async def test_who_comes_and_goes_finds_the_same_world(tmp_path: Path) -> None:
    async with serving(tmp_path / "one", **CALM) as served:
        await comings_and_goings(served, 0.0, texts=2)


@pytest.mark.soak
async def test_two_hours_of_prompts_and_reconnects_leave_memory_flat(tmp_path: Path) -> None:
    async with serving(tmp_path / "one", **CALM) as served:
        sizes = await comings_and_goings(served, 7200.0, texts=12)
    quarter = len(sizes) // 4
    assert sum(sizes[-quarter:]) < MOST_GROWTH * sum(sizes[quarter : 2 * quarter]), sizes
