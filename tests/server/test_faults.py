"""The store stopped and the disk full under a living world, for real: a PostgreSQL that goes away and comes back, and a
file system that has no room. The world goes on, what fails says so, and nothing that was kept is lost."""

from __future__ import annotations

import asyncio
import errno
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.saves import unpack
from tests.server.postgres import Postgres

pytestmark = pytest.mark.asyncio(loop_scope="session")
ROOM = 2 << 20
BACK_S = 10.0


async def stopped_store(run: Any, postgres: Postgres, seconds: float) -> None:
    here = await run(database_url=postgres.url.replace("+asyncpg", ""), saves={"every_s": 0.3})
    browser, late = await here.invited(), await here.invited()
    session = await browser.start(prompt="a bay", seed=8)
    connection = await browser.connect(session)
    await connection.until("saved")
    await asyncio.to_thread(postgres.stop)
    try:
        for path in ("/api/v1/worlds", f"/api/v1/sessions/{session}"):
            answer = await browser.http.get(path)
            assert answer.status_code == 503 and answer.json()["type"].endswith("store-unavailable"), answer.text
        assert (await late.http.post("/api/v1/sessions", json={})).status_code == 503
        assert (await browser.http.get("/readyz")).status_code == 503
        assert (await browser.http.get("/healthz")).status_code == 200
        connection.heard.clear()
        before = (await connection.until("saved"))["frame"]  # on disk: the store only counts it
        await asyncio.sleep(seconds)
        connection.tell(type="text", text="rain", ref=1)
        await connection.until("text")
    finally:
        await asyncio.to_thread(postgres.start)
    async with asyncio.timeout(BACK_S):
        while (await browser.http.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.05)
    shown = (await browser.http.get(f"/api/v1/sessions/{session}")).json()
    assert shown["state"] == "live" and shown["frame"] >= before + 20 * seconds
    assert not any(event["type"] == "session" for event in connection.heard)  # it was live all the time
    await late.start()
    await browser.http.delete(f"/api/v1/sessions/{session}")
    await connection.until("ended")
    async with asyncio.timeout(BACK_S):
        while not (worlds := (await browser.http.get("/api/v1/worlds")).json()) or worlds[0]["session"]:
            await asyncio.sleep(0.05)
    again = await browser.connect(await browser.start(saved=worlds[0]["id"]))
    state = await again.until("state")
    assert state["values"]["letters"] == 4 and state["values"]["seed"] == 8 and state["frame"] >= before


async def test_a_store_that_stops_for_a_moment_stops_no_world(run: Any, postgres: Postgres) -> None:
    await stopped_store(run, postgres, 0.5)


@pytest.mark.soak
async def test_a_store_that_stops_for_ten_seconds_stops_no_world(run: Any, postgres: Postgres) -> None:
    await stopped_store(run, postgres, 10.0)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes, where this machine lets us mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


async def test_a_disk_without_room_fails_to_save_and_nothing_else(small: Path, run: Any) -> None:
    here = await run(data_dir=small, saves={"every_s": 0.2})
    browser = await here.invited()
    session = await browser.start(seed=4)
    connection = await browser.connect(session)
    await connection.until("saved")
    folder = here.gateway.worlds.folder(here.gateway.sessions.get(session).world_id).path
    with (small / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError) as full:
        while True:
            filler.write(bytes(4096))
    assert full.value.errno == errno.ENOSPC
    notice = await connection.until("notice")
    assert notice["kind"] == "not-saved" and "the disk is full" in notice["text"]
    answer = await browser.http.post(f"/api/v1/sessions/{session}/saves", json={"name": "here"})
    assert answer.status_code == 503 and not answer.text.count(str(small)), answer.text
    connection.heard.clear()
    first = (await connection.until("state"))["frame"]
    await connection.until("state", lambda event: event["frame"] > first + 24)
    kept = sorted(folder.glob("*.world"))
    assert kept and all(unpack(path.read_bytes()).about.seed == 4 for path in kept)
    (small / "filler").unlink()
    await connection.until("saved")
    assert (await browser.http.post(f"/api/v1/sessions/{session}/saves", json={"name": "here"})).status_code == 201
