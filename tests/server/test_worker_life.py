"""A worker that dies, hangs or talks nonsense is replaced, and its sessions begin again before the same people."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any

import httpx
import pytest

from server.app import create_app
from server.settings import load_settings

pytestmark = pytest.mark.asyncio(loop_scope="session")  # one gateway serves them all


async def say(connection: Any, text: str) -> None:
    connection.tell(type="text", text=text, ref=1)
    await connection.until("text")


@pytest.mark.parametrize("end", ["die", "hang", "nonsense"])
async def test_a_lost_worker_is_replaced_and_the_session_goes_on(here: Any, end: str) -> None:
    browser = await here.invited()
    connection = await browser.connect(await browser.start(seed=5))
    await say(connection, "snow")
    before = await connection.until("state", lambda event: event["values"]["letters"] == 4)
    await say(connection, end)
    assert (await connection.until("session"))["state"] == "resuming"
    assert (await connection.until("refused"))["ref"] == 1  # the last text: nobody can say whether it was heard
    assert (await connection.until("session"))["state"] == "live"
    after = await connection.until("state")
    assert after["values"]["pid"] != before["values"]["pid"]
    assert after["values"]["seed"] == 5 and after["values"]["letters"] == 4
    assert after["frame"] > before["frame"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(before["values"]["pid"]), 0)


async def test_frames_still_arrive_after_a_worker_was_replaced(here: Any) -> None:
    browser = await here.invited()
    connection = await browser.connect(await browser.start())
    last = (await connection.frames(5))[-1].pts
    await say(connection, "die")
    await connection.until("session", lambda event: event["state"] == "resuming")
    await connection.until("session", lambda event: event["state"] == "live")
    assert all(frame.pts > last for frame in (await connection.frames(20))[-5:])


async def test_a_gateway_that_stood_still_takes_no_worker_for_hung(run: Any) -> None:
    here = await run(worker={"frame_timeout_s": 1.0})
    one, two = await here.invited(), await here.invited()
    first, second = await one.connect(await one.start()), await two.connect(await two.start())
    before = (await second.until("state"))["values"]["pid"]
    await first.until("state")
    for _ in range(2):
        time.sleep(1.6)  # noqa: ASYNC251 - all of it stands still; its worker goes on
        await asyncio.sleep(0.5)
    second.heard.clear()
    assert (await second.until("state"))["values"]["pid"] == before
    assert here.gateway.sessions.metrics.losses._value.get() == 0


async def test_one_worlds_failure_is_its_own(here: Any) -> None:
    one, two = await here.invited(), await here.invited()
    failing, other = await one.connect(await one.start()), await two.connect(await two.start())
    pid = (await other.until("state"))["values"]["pid"]
    await say(failing, "fail")
    await failing.until("session", lambda event: event["state"] == "resuming")
    assert (await failing.until("session"))["state"] == "live"
    assert (await failing.until("state"))["values"]["pid"] == pid
    assert not any(event["type"] == "session" and event["state"] == "resuming" for event in other.heard)


async def test_a_world_that_fails_again_and_again_ends(run: Any) -> None:
    here = await run(limits={"reopenings": 1})
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)
    await say(connection, "fail")
    await connection.until("session", lambda event: event["state"] == "resuming")
    await connection.until("session", lambda event: event["state"] == "live")
    await say(connection, "fail")
    assert (await connection.until("ended"))["reason"] == "the world failed too often"
    assert (await browser.http.get(f"/api/v1/sessions/{session}")).status_code == 404


async def test_ready_is_said_when_the_worker_is(run: Any) -> None:
    here = await run()
    browser = await here.browser()
    assert (await browser.http.get("/readyz")).json() == {
        "status": "ready",
        "model": "painted",
        "steps": 1,
        "capacity": 2,
    }


async def test_a_worker_that_never_starts_leaves_the_gateway_healthy_and_not_ready(tmp_path: Any) -> None:
    command = [sys.executable, "-c", "raise SystemExit(4)"]
    settings = load_settings(data_dir=tmp_path, worker={"command": command, "restart_after_s": 0.05})
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mundo.test") as http,
    ):
        await asyncio.sleep(0.5)
        assert (await http.get("/healthz")).status_code == 200
        answer = await http.get("/readyz")
        assert answer.status_code == 503 and answer.json()["type"] == "urn:mundo:problem:not-ready"
