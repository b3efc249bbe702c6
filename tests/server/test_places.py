"""Who gets a place on the worker: the states of a session, the queue, pauses to disk, the operator's limit."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")  # one gateway serves them all


async def test_who_comes_to_a_full_machine_waits_and_is_told_the_place(here: Any) -> None:
    people = [await here.invited() for _ in range(4)]
    living = [await browser.start() for browser in people[:2]]
    for browser, session in zip(people[:2], living, strict=True):
        await browser.connect(session)
    waiting = []
    for place, browser in enumerate(people[2:], start=1):
        made = (await browser.http.post("/api/v1/sessions", json={})).json()
        assert made["state"] == "queued" and made["queue_position"] == place
        waiting.append(await browser.connect(made["id"]))
    told = await waiting[1].until("session")
    assert (told["state"], told["queue_position"]) == ("queued", 2)
    await people[0].http.delete(f"/api/v1/sessions/{living[0]}")
    assert (await waiting[0].until("session", lambda event: event["state"] == "live"))["state"] == "live"
    moved = await waiting[1].until("session", lambda event: event["queue_position"] == 1)
    assert moved["wait_s"] > 0
    await waiting[0].frames(3)


async def test_who_leaves_the_queue_loses_the_place(run: Any) -> None:
    here = await run(limits={"idle_close_s": 0.3, "idle_yield_s": 60.0})
    people = [await here.invited() for _ in range(3)]
    for browser in people[:2]:
        await browser.connect(await browser.start())
    made = (await people[2].http.post("/api/v1/sessions", json={})).json()
    assert made["state"] == "queued"
    gone = lambda: here.gateway.sessions.get(made["id"]) is None  # noqa: E731 - who asks over HTTP would be waiting
    await here.until(gone, "the place to be given up")
    assert (await people[2].http.get(f"/api/v1/sessions/{made['id']}")).status_code == 404


async def test_a_world_that_nobody_watches_is_paused_and_comes_back_as_it_was(run: Any) -> None:
    here = await run(limits={"idle_pause_s": 0.3})
    browser = await here.invited()
    session = await browser.start(seed=9)
    connection = await browser.connect(session)
    connection.tell(type="text", text="snow", ref=1)
    await connection.until("receipt", lambda event: event["text_id"] == 1)
    before = (await connection.until("state"))["frame"]
    await browser.http.delete(connection.location)
    await browser.until_state(session, "paused")
    again = await browser.connect(session)
    await again.until("session", lambda event: event["state"] == "live")
    state = await again.until("state")
    assert state["frame"] > before and state["values"]["letters"] == 4 and state["values"]["seed"] == 9
    await again.frames(3)


async def test_a_deserted_world_makes_room_for_who_waits(run: Any) -> None:
    here = await run(limits={"idle_yield_s": 0.1})
    one, two, three = [await here.invited() for _ in range(3)]
    deserted = await one.start()
    await two.connect(await two.start())
    await asyncio.sleep(0.2)
    session = await three.start()
    await three.until_state(session, "live")
    assert (await one.until_state(deserted, "paused"))["state"] == "paused"


async def test_a_second_world_of_the_same_person_pauses_the_first(here: Any) -> None:
    browser, other = await here.invited(), await here.invited()
    await other.connect(await other.start())
    first = await browser.start()
    second = await browser.start()
    await browser.until_state(second, "live")
    assert (await browser.until_state(first, "paused"))["state"] == "paused"


async def test_a_world_that_cannot_be_saved_ends_only_when_nobody_is_there(run: Any) -> None:
    here = await run(limits={"idle_pause_s": 0.2, "idle_close_s": 0.6}, saves={"every_s": 0.1})
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)
    connection.tell(type="text", text="cannot be saved", ref=1)
    notice = await connection.until("notice")
    assert notice["kind"] == "not-saved" and "I forget everything" in notice["text"]
    await connection.frames(3)
    await browser.http.delete(connection.location)
    await browser.until_state(session, "ended")


async def test_an_operators_limit_is_announced_and_pauses_instead_of_cutting(run: Any) -> None:
    here = await run(limits={"session_max_s": 200.0})
    browser = await here.invited()
    session = await browser.start(seed=4)
    connection = await browser.connect(session)
    here.gateway.sessions.get(session)._term._since -= 150.0  # of 200 seconds
    notice = await connection.until("notice")
    assert notice["kind"] == "time" and 20 <= notice["left_s"] <= 50
    here.gateway.sessions.get(session)._term._since -= 50.0
    assert "it is kept" in (await connection.until("ended"))["reason"]
    await browser.until_state(session, "paused")


async def test_in_open_mode_nobody_needs_an_invite(run: Any) -> None:
    here = await run(open=True)
    browser = await here.browser()
    assert (await browser.http.get("/api/v1/me")).json() == {"may_start": True, "session": None, "open": True}
    session = await browser.start()
    await (await browser.connect(session)).frames(2)
    assert (await (await here.browser()).http.get(f"/api/v1/sessions/{session}")).status_code == 401
