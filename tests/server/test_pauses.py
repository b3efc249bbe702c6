"""A world that is paused comes back as it was left, also where somebody came, or said something, while it was saved."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from server.saves import SaveFolder
from tests.server.conftest import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")
RARELY = {"every_s": 600.0}  # saved when it is paused, and not besides


class SlowDisk:
    """Holds the first write of a save until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writing, self._let_go = threading.Event(), threading.Event()
        write = SaveFolder.write

        def slowly(folder: SaveFolder, file: bytes) -> int:
            self.writing.set()
            assert self._let_go.wait(PATIENCE_S)
            return write(folder, file)

        monkeypatch.setattr(SaveFolder, "write", slowly)

    async def until_writing(self) -> None:
        assert await asyncio.to_thread(self.writing.wait, PATIENCE_S)

    def let_go(self) -> None:
        self._let_go.set()


async def first_state(browser: Any, session: str) -> dict[str, Any]:
    """What a paused world shows first when somebody comes back."""
    await browser.until_state(session, "paused")
    again = await browser.connect(session)
    await again.until("session", lambda event: event["state"] == "live")
    return dict(await again.until("state"))


async def test_who_comes_and_goes_while_a_world_is_saved_is_in_what_is_paused(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await run(limits={"idle_pause_s": 0.3}, saves=RARELY)
    disk, browser = SlowDisk(monkeypatch), await here.invited()
    session = await browser.start()
    await disk.until_writing()  # nobody came yet
    connection = await browser.connect(session)
    connection.tell(type="text", text="snow", ref=1)
    await connection.until("receipt", lambda event: event["text_id"] == 1)
    before = (await connection.until("state"))["values"]["world_frame"]
    await browser.http.delete(connection.location)
    disk.let_go()
    values = (await first_state(browser, session))["values"]
    assert values["letters"] == 4 and values["world_frame"] > before


async def test_what_a_program_says_while_a_world_is_saved_is_in_what_is_paused(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await run(limits={"idle_pause_s": 0.3}, saves=RARELY)
    disk, browser = SlowDisk(monkeypatch), await here.invited()
    session = await browser.start()
    await disk.until_writing()
    answer = await browser.http.post(f"/api/v1/sessions/{session}/prompts", json={"text": "snow"})
    assert answer.status_code == 202
    disk.let_go()
    await browser.until_state(session, "paused")
    found = here.gateway.worlds.folder(here.gateway.sessions.get(session).world_id).newest()
    assert found.saved.about.prompt == "snow"
    assert (await first_state(browser, session))["values"]["letters"] == 4


async def test_what_people_do_while_a_world_at_its_time_limit_is_saved_is_in_what_is_paused(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await run(limits={"session_max_s": 200.0}, saves=RARELY)
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)
    await connection.until("state")
    disk = SlowDisk(monkeypatch)
    here.gateway.sessions.get(session)._term._since -= 200.0
    await disk.until_writing()
    connection.tell(type="text", text="snow", ref=1)
    await connection.until("receipt", lambda event: event["text_id"] == 1)
    await connection.frames(12)
    before = (await connection.until("state", lambda event: event["frame"] >= 12))["values"]["world_frame"]
    disk.let_go()
    assert "it is kept" in (await connection.until("ended"))["reason"]
    values = (await first_state(browser, session))["values"]
    assert values["letters"] == 4 and values["world_frame"] > before


async def test_a_text_that_only_the_save_tells_of_is_not_taken_back_by_the_one_before(run: Any) -> None:
    here = await run(limits={"idle_pause_s": 0.3}, saves=RARELY, worker={"frame_timeout_s": 60.0})
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)
    connection.tell(type="text", text="sunrise", ref=1)
    await connection.until("receipt", lambda event: event["text_id"] == 1)
    for ref, text in ((2, "hang"), (3, "snow")):  # it obeys, and shows no frame of it
        connection.tell(type="text", text=text, ref=ref)
        await connection.until("text")
    await browser.http.delete(connection.location)
    await browser.until_state(session, "paused")
    again = await browser.connect(session)
    assert (await again.until("receipt"))["text_id"] == 3
    await again.frames(5)
    assert (await again.until("state"))["values"]["letters"] == 4
    assert not any(event["type"] == "refused" for event in again.heard)
