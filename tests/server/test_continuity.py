"""What people keep when workers and gateways die, disks fill and saves are damaged."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from server.saves import NotSaved, SaveFolder

pytestmark = pytest.mark.asyncio(loop_scope="session")  # one gateway serves them all
KILLINGS, SOAK_KILLINGS = 2, 20


async def walked(connection: Any, frames: int) -> dict[str, Any]:
    """The state after some more frames."""
    first = (await connection.until("state"))["frame"]
    return dict(await connection.until("state", lambda event: event["frame"] >= first + frames))


async def killings(here: Any, times: int) -> None:
    browser = await here.invited()
    session = await browser.start(seed=8)
    connection = await browser.connect(session)
    for number in range(times):
        connection.tell(type="text", text="x" * (number + 1), ref=number)
        await connection.until("state", lambda event, n=number: event["values"]["letters"] == n + 1)
        before = await walked(connection, 12)
        connection.heard.clear()
        os.kill(int(before["values"]["pid"]), signal.SIGKILL)
        await connection.until("session", lambda event: event["state"] == "live")
        after = await connection.until(
            "state", lambda event, old=before["values"]["pid"]: event["values"]["pid"] != old
        )
        assert after["values"]["seed"] == 8 and after["frame"] > before["frame"]
        again = await connection.until("state", lambda event, n=number: event["values"]["letters"] == n + 1)
        lost = before["values"]["world_frame"] - (again["values"]["world_frame"] - (again["frame"] - after["frame"]))
        assert lost <= 2 * 24 + 12  # two seconds, and the frames on the way
    await connection.frames(3)


async def test_a_killed_worker_costs_two_seconds_of_world_and_no_session(run: Any) -> None:
    await killings(await run(saves={"every_s": 0.3}, limits={"heartbeat_s": 60.0}), KILLINGS)


@pytest.mark.soak
async def test_twenty_killed_workers_cost_no_session(run: Any) -> None:
    await killings(await run(limits={"reopenings": 100, "heartbeat_s": 60.0}), SOAK_KILLINGS)


async def test_a_gateway_that_closes_saves_and_the_next_one_goes_on(gateways: Any) -> None:
    async with gateways() as first:
        await first.ready()
        browser = await first.invited()
        session = await browser.start(seed=21)
        guest = await first.browser()
        await guest.open_link((await browser.share(session))["url"])
        connection = await browser.connect(session)
        before = await walked(connection, 6)
        cookies = [person.http.cookies for person in (browser, guest)]
        closing = asyncio.create_task(connection.until("ended"))
        await first.gateway.sessions.stop()
        assert (await closing)["reason"] == "the gateway is closing"
    async with gateways() as second:
        await second.ready()
        again, watching = await second.browser(), await second.browser()
        again.http.cookies, watching.http.cookies = cookies
        assert (await again.http.get(f"/api/v1/sessions/{session}")).json()["state"] == "paused"
        connection = await again.connect(session)
        state = await connection.until("state")
        assert state["values"]["seed"] == 21 and state["frame"] >= before["frame"]
        await (await watching.connect(session)).frames(2)


async def test_a_damaged_newest_save_is_skipped_and_that_is_said(run: Any) -> None:
    here = await run(saves={"every_s": 0.2}, limits={"heartbeat_s": 60.0})
    browser = await here.invited()
    session = await browser.start(seed=5)
    connection = await browser.connect(session)
    folder = here.gateway.worlds.folder(here.gateway.sessions.get(session).world_id)
    await browser.http.delete(connection.location)
    await here.until(lambda: len(folder.numbers()) >= 2, "two saves")
    await here.gateway.sessions.places._pause(here.gateway.sessions.get(session))
    await browser.until_state(session, "paused")
    newest = folder._file(folder.numbers()[0])
    newest.write_bytes(newest.read_bytes()[:-4])
    connection = await browser.connect(session)
    assert (await connection.until("notice"))["kind"] == "older-save"
    assert (await connection.until("state"))["values"]["seed"] == 5


async def test_a_full_disk_is_said_and_the_world_goes_on(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here = await run(saves={"every_s": 0.1})
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)
    await connection.until("saved")

    def full(*_: Any) -> int:
        raise NotSaved("the disk is full")

    monkeypatch.setattr(SaveFolder, "write", full)
    assert "the disk is full" in (await connection.until("notice"))["text"]
    answer = await browser.http.post(f"/api/v1/sessions/{session}/saves", json={})
    assert answer.status_code == 503 and answer.json()["type"].endswith("not-saved")
    await connection.frames(5)
    monkeypatch.undo()
    await connection.until("saved")


async def test_a_store_that_does_not_answer_is_said_and_the_world_goes_on(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    here = await run(saves={"every_s": 0.2})
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)

    def gone(*_: Any, **__: Any) -> Any:
        raise OperationalError("SELECT", {}, OSError("connection refused"))

    monkeypatch.setattr(type(here.gateway.database), "transaction", gone)
    answer = await browser.http.get("/api/v1/worlds")
    assert answer.status_code == 503 and answer.json()["type"].endswith("store-unavailable")
    assert "refused" not in answer.text and answer.headers["Retry-After"]
    await asyncio.sleep(0.5)
    connection.heard.clear()
    await connection.frames(5)
    await connection.until("saved")
    monkeypatch.undo()
    assert (await browser.http.get("/api/v1/worlds")).status_code == 200
