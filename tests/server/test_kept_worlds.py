"""Kept worlds over HTTP: listed, named, visited, deleted, copied, exported, imported."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from server.saves import About, Saved, SaveFolder, pack

pytestmark = pytest.mark.asyncio(loop_scope="session")  # one gateway serves them all
WORLD = {"Content-Type": "application/vnd.mundo.world"}


def no_world() -> bytes:
    """A whole file whose data no worker understands."""
    about = About("home", "a meadow", "", 1, 1.0, 2.0, 5, b"jpeg")
    return pack(Saved(about, b"all of it"))


async def kept(browser: Any) -> list[dict[str, Any]]:
    return list((await browser.http.get("/api/v1/worlds")).json())


async def test_a_left_world_is_listed_named_visited_and_deleted_for_good(here: Any) -> None:
    browser, stranger = await here.invited(), await here.invited()
    session = await browser.start(prompt="a quiet bay", seed=3)
    connection = await browser.connect(session)
    await connection.frames(3)
    await browser.http.delete(f"/api/v1/sessions/{session}")
    async with asyncio.timeout(15):
        while not (worlds := await kept(browser)) or worlds[0]["session"]:
            await asyncio.sleep(0.02)
    (world,) = worlds
    assert world["prompt"] == "a quiet bay" and world["frame"] > 0 and world["bytes"] > 0
    assert (await browser.http.get(world["thumbnail"])).content.startswith(b"\xff\xd8")
    path = f"/api/v1/worlds/{world['id']}"
    renamed = await browser.http.patch(path, json={"name": " The bay "})
    assert renamed.json() | {"visited_at": 0} == world | {"name": "The bay", "visited_at": 0}
    assert (await stranger.http.patch(path, json={"name": "mine"})).status_code == 404
    assert (await stranger.http.delete(path)).status_code == 404 and await kept(stranger) == []
    again = await browser.start(saved=world["id"])
    assert again != session
    again_and_again = await asyncio.gather(*(browser.start(saved=world["id"]) for _ in range(3)))
    assert set(again_and_again) == {again}  # a world has one session
    state = await (await browser.connect(again)).until("state")
    assert state["values"]["seed"] == 3 and state["frame"] >= world["frame"]
    folder = here.gateway.worlds.folder(world["id"]).path
    assert folder.exists()
    assert (await browser.http.delete(path)).status_code == 204
    assert await kept(browser) == [] and not folder.exists()
    assert (await browser.http.get(f"/api/v1/sessions/{again}")).status_code == 404
    assert (await browser.http.post("/api/v1/sessions", json={"saved": world["id"]})).status_code == 404
    await asyncio.sleep(0.3)
    assert not folder.exists()  # no save that was on its way brought it back


async def test_who_comes_back_at_once_finds_the_world_as_it_was_left(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await here.invited()
    session = await browser.start(seed=3)
    connection = await browser.connect(session)
    await connection.until("saved")
    (world,) = await kept(browser)
    saved = (await connection.until("state"))["frame"]
    left = await connection.until("state", lambda event: event["frame"] >= saved + 12)
    write = SaveFolder.write

    def slowly(folder: SaveFolder, file: bytes) -> int:
        time.sleep(0.5)
        return write(folder, file)

    monkeypatch.setattr(SaveFolder, "write", slowly)
    await browser.http.delete(f"/api/v1/sessions/{session}")
    state = await (await browser.connect(await browser.start(saved=world["id"]))).until("state")
    assert state["frame"] >= left["frame"]


async def test_a_moment_is_copied_exported_and_imported_by_another_person(here: Any) -> None:
    browser, other = await here.invited(), await here.invited()
    session = await browser.start(prompt="a tower", seed=6)
    connection = await browser.connect(session)
    await connection.frames(3)
    made = await browser.http.post(f"/api/v1/sessions/{session}/saves", json={"name": "at the gate"})
    assert made.status_code == 201
    copy = made.json()
    assert copy["name"] == "at the gate" and copy["session"] is None
    file = await browser.http.get(f"/api/v1/worlds/{copy['id']}/export")
    assert "at-the-gate.mundo" in file.headers["content-disposition"]
    assert (await other.http.get(f"/api/v1/worlds/{copy['id']}/export")).status_code == 404
    imported = await other.http.post("/api/v1/worlds/import", content=file.content, headers=WORLD)
    assert imported.status_code == 201 and imported.json()["prompt"] == "a tower"
    session = await other.start(saved=imported.json()["id"])
    state = await (await other.connect(session)).until("state")
    assert state["values"]["seed"] == 6 and state["frame"] >= copy["frame"]


async def test_a_file_that_is_no_world_is_refused(here: Any) -> None:
    browser = await here.invited()
    for body in (b"", b"hello", no_world()[:-2], b"MUNDO\x001\n" + bytes(200)):
        answer = await browser.http.post("/api/v1/worlds/import", content=body, headers=WORLD)
        assert answer.status_code == 422 and answer.json()["type"].endswith("world-refused")
    answer = await browser.http.post("/api/v1/worlds/import", content=no_world())
    assert answer.json()["type"].endswith("wrong-media-type")


async def test_an_imported_world_that_the_worker_cannot_read_ends_with_the_reason(here: Any) -> None:
    browser = await here.invited()
    imported = await browser.http.post("/api/v1/worlds/import", content=no_world(), headers=WORLD)
    answer = await browser.http.post("/api/v1/sessions", json={"saved": imported.json()["id"]})
    assert answer.status_code == 422 and "cannot be opened" in answer.json()["detail"]


async def test_a_device_keeps_only_so_many_worlds(run: Any) -> None:
    here = await run(limits={"worlds_a_device": 1})
    browser = await here.invited()
    session = await browser.start()
    await (await browser.connect(session)).frames(2)
    answer = await browser.http.post(f"/api/v1/sessions/{session}/saves", json={})
    assert answer.status_code == 409 and answer.json()["type"].endswith("too-many-worlds")


async def test_a_kept_world_takes_no_other_wishes(here: Any) -> None:
    browser = await here.invited()
    answer = await browser.http.post("/api/v1/sessions", json={"saved": "x", "prompt": "y"})
    assert answer.json()["type"].endswith("invalid-request")
    assert (await browser.http.post("/api/v1/sessions", json={"saved": "x"})).json()["type"].endswith("no-such-world")
