"""Several workers behind one gateway: worlds are shared out, and a lost worker loses only its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from engine.messages import MOST_WORKERS, Close, Open, Outgoing, Ready, Text
from server.placement import WorkerGone
from server.placement.several import Several
from server.settings import BadSettings, load_settings
from tests.server.conftest import WORKER

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECOND_NEVER_READY = f"""
import runpy, sys, time
if "--number 1" in " ".join(sys.argv): time.sleep(600)
runpy.run_path({str(WORKER)!r}, run_name="__main__")
"""


async def two_workers(run: Any, **changes: Any) -> Any:
    here = await run(worker={"processes": 2}, **changes)
    await here.until(lambda: here.gateway.sessions.ready.capacity == 4, "both workers to be ready")
    return here


async def begun(here: Any, count: int) -> tuple[list[Any], list[Any], list[int]]:
    """So many people in a world each: their sessions, connections, and the workers' process ids."""
    people = [await here.invited() for _ in range(count)]
    sessions = [await browser.start() for browser in people]
    connections = [await each.connect(session) for each, session in zip(people, sessions, strict=True)]
    return sessions, connections, [await pid_of(connection) for connection in connections]


async def pid_of(connection: Any) -> int:
    return int((await connection.until("state"))["values"]["pid"])


async def until_live_again(connection: Any) -> int:
    await connection.until("session", lambda event: event["state"] == "resuming")
    await connection.until("session", lambda event: event["state"] == "live")
    return await pid_of(connection)


async def test_worlds_are_shared_out_and_all_have_a_place(run: Any) -> None:
    here = await two_workers(run)
    assert (await (await here.browser()).http.get("/readyz")).json()["capacity"] == 4
    _, connections, pids = await begun(here, 4)
    assert sorted(Counter(pids).values()) == [2, 2] and pids[0] != pids[1]
    for number, connection in enumerate(connections):  # each message goes to the world that it is about
        connection.tell(type="text", text="x" * (number + 1), ref=1)
    for number, connection in enumerate(connections):
        await connection.until("state", lambda event, letters=number + 1: event["values"]["letters"] == letters)
        await connection.frames(2)


async def test_a_lost_worker_loses_only_its_own_worlds_which_go_on_where_there_is_room(run: Any) -> None:
    here = await two_workers(run)
    _, (lost, other), (lost_pid, other_pid) = await begun(here, 2)
    lost.tell(type="text", text="die", ref=1)
    assert await until_live_again(lost) == other_pid != lost_pid
    assert await pid_of(other) == other_pid
    assert not any(event["type"] == "session" and event["state"] != "live" for event in other.heard)
    await here.until(lambda: here.gateway.sessions.ready.capacity == 4, "the lost worker to be replaced")


async def test_who_finds_no_room_elsewhere_waits_for_the_next_worker(run: Any) -> None:
    here = await two_workers(run)
    _, connections, pids = await begun(here, 4)
    connections[0].tell(type="text", text="die", ref=1)
    again = [await until_live_again(connections[number]) for number in range(4) if pids[number] == pids[0]]
    assert len(set(again)) == 1 and again[0] not in pids
    staying = [connections[number] for number in range(4) if pids[number] != pids[0]]
    assert {await pid_of(connection) for connection in staying} == set(pids) - {pids[0]}
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


async def test_a_world_that_is_on_its_way_when_a_worker_is_lost_begins_all_the_same(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await two_workers(run)
    _, connections, pids = await begun(here, 3)
    keeping, held = here.gateway.sessions._keeping, asyncio.Event()
    restore = keeping.restore

    async def slowly(session: Any) -> Any:
        await held.wait()
        return await restore(session)

    monkeypatch.setattr(keeping, "restore", slowly)
    fourth = await here.invited()
    starting = asyncio.create_task(fourth.start())
    await here.until(lambda: len(here.gateway.sessions.all) == 4, "the fourth session")
    full = next(number for number in range(3) if pids.count(pids[number]) == 2)
    alone = next(number for number in range(3) if pids.count(pids[number]) == 1)
    losses = here.gateway.sessions.metrics.losses
    before = losses._value.get()
    connections[alone].tell(type="text", text="die", ref=1)  # where the fourth would have gone
    await here.until(lambda: losses._value.get() > before, "the loss")
    held.set()
    connection = await fourth.connect(await starting)
    assert await pid_of(connection) != pids[alone]
    await connection.frames(2)
    assert await until_live_again(connections[alone]) not in pids
    assert await pid_of(connections[full]) == pids[full]


class Heard:
    """A gateway that only listens."""

    def __init__(self) -> None:
        self.capacities: list[int] = []
        self.lost: list[str] = []
        self.said: list[Outgoing] = []

    def worker_ready(self, ready: Ready) -> None:
        self.capacities.append(ready.capacity)

    def worker_lost(self, reason: str) -> None:
        self.lost.append(reason)

    def worker_said(self, message: Outgoing) -> None:
        self.said.append(message)


async def until(holds: Any) -> None:
    async with asyncio.timeout(15):
        while not holds():
            await asyncio.sleep(0.02)


def several(command: list[str], processes: int) -> Several:
    return Several(load_settings(worker={"command": command, "processes": processes, "restart_after_s": 0.1}).worker)


async def test_the_first_worker_serves_while_others_are_on_their_way() -> None:
    placement, heard = several([sys.executable, "-c", SECOND_NEVER_READY], 2), Heard()
    assert placement.ready is None and not placement.holds("a")
    with pytest.raises(WorkerGone, match="no worker has room"):
        placement.send(Open(session="a", seed=1))
    await placement.start(heard)
    try:
        await until(lambda: heard.capacities)
        assert heard.capacities == [2] and placement.ready is not None and placement.ready.capacity == 2
        placement.send(Open(session="a", seed=1))
        placement.send(Open(session="b", seed=1))
        assert placement.holds("a") and placement.holds("b") and not placement.holds("c")
        with pytest.raises(WorkerGone, match="no worker has room"):
            placement.send(Open(session="c", seed=1))
        with pytest.raises(WorkerGone, match="no worker has a world of this session"):
            placement.send(Text(session="c", text_id=1, text="snow"))
        placement.send(Close(session="a"))
        assert not placement.holds("a")
        placement.send(Open(session="c", seed=1))
        await until(lambda: any(message.session == "c" for message in heard.said))
    finally:
        folder = placement._folder
        await placement.stop()
    assert folder is not None and not folder.path.exists() and not heard.lost


async def test_there_are_as_many_workers_as_the_first_one_says_if_nobody_else_does(tmp_path: Path) -> None:
    says_three = f"""
import runpy, sys
open({str(tmp_path)!r} + "/told", "a").write(" ".join(sys.argv[1:5]) + "\\n")
if "--workers 0" in " ".join(sys.argv): sys.argv += ["--workers", "3"]
runpy.run_path({str(WORKER)!r}, run_name="__main__")
"""
    placement, heard = several([sys.executable, "-c", says_three], 0), Heard()
    await placement.start(heard)
    try:
        await until(lambda: placement.ready and placement.ready.capacity == 6)
        assert heard.capacities == [2, 4, 6]
        await asyncio.sleep(0.3)
        told = (tmp_path / "told").read_text("utf-8").splitlines()
    finally:
        await placement.stop()
    assert told == [f"--workers {workers} --number {number}" for workers, number in ((0, 0), (3, 1), (3, 2))]


async def test_a_placement_starts_once() -> None:
    placement = several([sys.executable, str(WORKER)], 1)
    await placement.start(Heard())
    with pytest.raises(RuntimeError, match="expected a placement that was not started"):
        await placement.start(Heard())
    await placement.stop()


@pytest.mark.parametrize("processes", [-1, MOST_WORKERS + 1])
async def test_a_number_of_workers_that_makes_no_sense_is_refused_by_name(processes: int) -> None:
    with pytest.raises(BadSettings, match=rf"worker\.processes: .*, got {processes}"):
        load_settings(worker={"processes": processes})
