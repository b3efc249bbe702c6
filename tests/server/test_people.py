"""Invites and share links: who gets in, how often, until when."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest
import pytest_asyncio

from server.invites import Invites, new_code, normalise
from server.store.database import Database
from server.tokens import Tokens

pytestmark = pytest.mark.asyncio(loop_scope="session")  # one gateway serves them all


@pytest_asyncio.fixture(loop_scope="session")
async def invites(tmp_path: Any) -> Any:
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'people.sqlite3'}")
    yield Invites(database, Tokens(b"s" * 32))
    await database.close()


async def test_the_store_keeps_a_digest_and_no_code(invites: Any, tmp_path: Any) -> None:
    code = await invites.create(1, 60.0)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert code.encode() not in kept and normalise(code).encode() not in kept
    with sqlite3.connect(tmp_path / "people.sqlite3") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


async def test_a_single_use_code_lets_one_of_a_hundred_in(here: Any) -> None:
    browsers = [await here.browser() for _ in range(100)]
    code = await here.gateway.invites.create(1, 60.0)
    answers = await asyncio.gather(*(b.http.post("/api/v1/invites/redeem", json={"code": code}) for b in browsers))
    assert sorted(answer.status_code for answer in answers) == [204] + [403] * 99
    assert len({answer.text for answer in answers if answer.status_code == 403}) == 1


async def test_unknown_expired_and_used_up_get_the_same_answer(here: Any) -> None:
    create = here.gateway.invites.create
    expired, used = await create(1, 1e-6), await create(1, 60.0)
    await (await here.browser()).http.post("/api/v1/invites/redeem", json={"code": used})
    answers = []
    for code in ("", "lusab-babad", new_code(), expired, used):
        answers.append(await (await here.browser()).http.post("/api/v1/invites/redeem", json={"code": code}))
    assert {(answer.status_code, answer.text) for answer in answers} == {(403, answers[0].text)}
    assert not any("set-cookie" in answer.headers for answer in answers)


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(here: Any) -> None:
    code = await here.gateway.invites.create(1, 60.0)
    browser = await here.browser()
    answer = await browser.http.post("/api/v1/invites/redeem", json={"code": code.upper().replace("-", " ")})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert (await browser.http.get("/api/v1/me")).json()["may_start"] is True


async def test_redeeming_again_with_the_same_cookie_uses_nothing_up(here: Any) -> None:
    code = await here.gateway.invites.create(2, 60.0)
    first, second, third = [await here.browser() for _ in range(3)]
    for browser, expected in ((first, 204), (first, 204), (second, 204), (third, 403), (first, 204)):
        assert (await browser.http.post("/api/v1/invites/redeem", json={"code": code})).status_code == expected


async def test_a_share_link_lets_a_second_browser_watch_but_not_steer(here: Any) -> None:
    owner = await here.invited()
    session = await owner.start()
    driver = await owner.connect(session)
    link = (await owner.share(session))["url"]
    assert link.startswith("http://mundo.test/watch#")
    viewer = await here.browser()
    assert (await viewer.open_link(link)).json() == {"session": session, "role": "viewer"}
    watching = await viewer.connect(session)
    assert (await watching.until("role"))["role"] == "viewer"
    assert (await driver.until("viewers", lambda event: event["count"] == 1))["count"] == 1
    await watching.frames(3)
    watching.steer(1, buttons=8)
    watching.tell(type="text", text="let it snow", ref=3)
    assert (await watching.until("refused"))["ref"] == 3
    driver.steer(1, buttons=1)
    await watching.until("state", lambda event: event["values"]["buttons"] == 1)
    assert not any(event.get("values", {}).get("buttons") == 8 for event in driver.heard)
    for call, body in (("prompts", {"text": "night"}), ("shares", {"role": "driver"})):
        assert (await viewer.http.post(f"/api/v1/sessions/{session}/{call}", json=body)).status_code == 403
    assert (await viewer.http.delete(f"/api/v1/sessions/{session}")).status_code == 403
    assert (await viewer.http.post("/api/v1/sessions", json={})).status_code == 403


async def test_a_drivers_link_lets_two_steer_at_once(here: Any) -> None:
    owner, guest = await here.invited(), await here.browser()
    session = await owner.start()
    await guest.open_link((await owner.share(session, role="driver"))["url"])
    one, two = await owner.connect(session), await guest.connect(session)
    for seq in range(1, 20):
        one.steer(seq, buttons=1)
        two.steer(seq + 100, buttons=4)
        await asyncio.sleep(0.02)
    await two.until("receipt", lambda event: event["control_seq"] > 100)
    await one.until("state", lambda event: event["values"]["buttons"] == 5)


async def test_an_expired_link_and_a_forged_one_are_refused_as_such(here: Any) -> None:
    owner, guest = await here.invited(), await here.browser()
    session = await owner.start()
    link = (await owner.share(session, expires_s=0.05))["url"]
    await asyncio.sleep(0.1)
    answer = await guest.open_link(link)
    assert answer.status_code == 410 and answer.json()["type"].endswith("share-expired")
    for forged in (link[:-3] + "abc", "http://mundo.test/watch#", "http://mundo.test/watch#WzEsMl0.x"):
        answer = await guest.open_link(forged)
        assert answer.status_code == 403 and answer.json()["type"].endswith("share-refused")


async def test_withdrawing_a_link_closes_whom_it_let_in(here: Any) -> None:
    owner, guest, late = await here.invited(), await here.browser(), await here.browser()
    session = await owner.start()
    share = await owner.share(session)
    await guest.open_link(share["url"])
    driver, watching = await owner.connect(session), await guest.connect(session)
    path = f"/api/v1/sessions/{session}/shares/{share['id']}"
    assert (await owner.http.delete(path)).status_code == 204
    assert "withdrawn" in (await watching.until("ended"))["reason"]
    assert (await guest.http.get(f"/api/v1/sessions/{session}")).status_code == 404
    assert (await late.open_link(share["url"])).json()["type"].endswith("share-revoked")
    assert (await owner.http.delete(path + "0")).status_code == 404
    driver.heard.clear()
    await driver.until("receipt")


async def test_a_link_that_expires_while_it_is_used_ends_the_watching(here: Any) -> None:
    owner, guest = await here.invited(), await here.browser()
    session = await owner.start()
    await guest.open_link((await owner.share(session, expires_s=1.5))["url"])
    watching = await guest.connect(session)
    assert "expired" in (await watching.until("ended"))["reason"]
