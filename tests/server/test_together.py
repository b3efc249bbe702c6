"""People in one session: suggestions, votes, the controls handed over and taken back, links listed and withdrawn."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

pytestmark = pytest.mark.asyncio(loop_scope="session")  # one gateway serves them all


class Room:
    """An owner's session, and guests by role."""

    def __init__(self, here: Any, owner: Any, session: str) -> None:
        self.here, self.owner, self.session = here, owner, session

    async def guest(self, role: str) -> tuple[Any, Any]:
        browser = await self.here.browser()
        await browser.open_link((await self.owner.share(self.session, role=role))["url"])
        return browser, await browser.connect(self.session)


@pytest_asyncio.fixture(loop_scope="session")
async def room(here: Any) -> Room:
    owner = await here.invited()
    return Room(here, owner, await owner.start())


async def test_a_suggestion_is_accepted_by_the_driver_and_obeyed(room: Room) -> None:
    driver = await room.owner.connect(room.session)
    _, guest = await room.guest("suggester")
    guest.tell(type="text", text="let it snow", ref=4)
    suggested = await guest.until("suggested")
    assert suggested["ref"] == 4
    listed = await driver.until("suggestions", lambda event: event["list"])
    assert listed["list"] == [{"id": suggested["suggestion"], "text": "let it snow", "votes": 1}]
    driver.tell(type="accept", suggestion=suggested["suggestion"])
    accepted = await guest.until("accepted")
    await guest.until("receipt", lambda event: event["text_id"] == accepted["text_id"])
    await guest.until("state", lambda event: event["values"]["letters"] == len("let it snow"))
    driver.tell(type="accept", suggestion=suggested["suggestion"])
    assert "not open" in (await driver.until("refused"))["reason"]


async def test_the_most_voted_suggestion_is_taken_when_its_time_has_come(room: Room) -> None:
    driver = await room.owner.connect(room.session)
    (_, one), (_, two) = await room.guest("suggester"), await room.guest("suggester")
    one.tell(type="text", text="a storm", ref=1)
    first = (await one.until("suggested"))["suggestion"]
    two.tell(type="text", text="a calm night", ref=1)
    second = (await two.until("suggested"))["suggestion"]
    for peer in (one, one, driver):  # a person votes once
        peer.tell(type="vote", suggestion=second)
    voted = await driver.until("suggestions", lambda event: [s["votes"] for s in event["list"]] == [1, 3])
    assert voted["voting_s"] == 0
    driver.tell(type="voting", every_s=2)
    assert "5..300" in (await driver.until("refused"))["reason"]
    driver.tell(type="voting", every_s=5)
    await driver.until("suggestions", lambda event: event["voting_s"] == 5)
    suggestions = room.here.gateway.sessions.get(room.session).audience.suggestions
    suggestions._decide_at -= 5  # five seconds pass
    assert (await one.until("accepted"))["suggestion"] == second
    driver.tell(type="dismiss", suggestion=first)
    assert (await two.until("dismissed"))["suggestion"] == first


async def test_one_person_has_only_so_many_suggestions_open(room: Room) -> None:
    await room.owner.connect(room.session)
    _, guest = await room.guest("suggester")
    for ref in range(4):
        guest.tell(type="text", text=f"wish {ref}", ref=ref)
    refused = await guest.until("refused")
    assert "3 suggestions open" in refused["reason"]


async def test_controls_are_handed_over_and_taken_back(room: Room) -> None:
    driver = await room.owner.connect(room.session)
    _, guest = await room.guest("viewer")
    me = (await guest.until("role"))["peer"]
    people = await driver.until("people", lambda event: len(event["list"]) == 2)
    assert {"id": me, "role": "viewer", "owner": False} in people["list"] and people["holder"] is None
    driver.steer(1, buttons=1)
    await guest.until("state", lambda event: event["values"]["buttons"] == 1)
    driver.tell(type="hand_over", to=me)
    assert (await guest.until("role"))["role"] == "driver"
    gave = await driver.until("role", lambda event: event["role"] == "viewer")
    assert gave["owner"] is True
    assert (await driver.until("people", lambda event: event["holder"]))["holder"] == me
    await guest.until("state", lambda event: event["values"]["buttons"] == 0)  # the owner's hand has let go
    guest.steer(1, buttons=4)
    driver.steer(2, buttons=1)
    await guest.until("state", lambda event: event["values"]["buttons"] == 4)
    driver.tell(type="text", text="stop", ref=9)
    assert (await driver.until("refused"))["ref"] == 9
    answer = await room.owner.http.post(f"/api/v1/sessions/{room.session}/prompts", json={"text": "stop"})
    assert answer.status_code == 403
    driver.tell(type="take_back")
    assert (await driver.until("role"))["role"] == "driver"
    assert (await guest.until("role"))["role"] == "viewer"
    await driver.until("state", lambda event: event["values"]["buttons"] == 0)
    driver.steer(3, buttons=2)
    await driver.until("state", lambda event: event["values"]["buttons"] == 2)


async def test_who_was_handed_the_controls_may_give_them_back_and_loses_them_by_leaving(room: Room) -> None:
    driver = await room.owner.connect(room.session)
    browser, guest = await room.guest("viewer")
    me = (await guest.until("role"))["peer"]
    audience = room.here.gateway.sessions.get(room.session).audience
    for ending in ("give", "leave"):
        driver.tell(type="hand_over", to=me)
        await driver.until("role", lambda event: event["role"] == "viewer")
        if ending == "give":
            guest.tell(type="take_back")
        else:
            await browser.http.delete(guest.location)
            await driver.until("viewers", lambda event: event["count"] == 0)
            await room.here.until(lambda: audience._holder_away_since is not None, "the absence to be noticed")
            audience._holder_away_since -= 6.0  # six seconds pass
        assert (await driver.until("role"))["role"] == "driver"
    driver.tell(type="hand_over", to="nobody")
    assert "Nobody" in (await driver.until("refused"))["reason"]


async def test_links_are_listed_without_their_tokens_and_with_who_came_by_them(room: Room) -> None:
    await room.owner.connect(room.session)
    await room.guest("viewer")
    spare = await room.owner.share(room.session, role="suggester")
    path = f"/api/v1/sessions/{room.session}/shares"
    listed = (await room.owner.http.get(path)).json()
    assert [(share["role"], share["connected"]) for share in listed] == [("viewer", 1), ("suggester", 0)]
    assert spare["url"].partition("#")[2] not in str(listed)
    await room.owner.http.delete(f"{path}/{spare['id']}")
    assert len((await room.owner.http.get(path)).json()) == 1


async def test_a_preview_shows_a_still_only_where_the_owner_allows_it(room: Room) -> None:
    await (await room.owner.connect(room.session)).frames(2)
    await room.owner.http.post(f"/api/v1/sessions/{room.session}/saves", json={})
    session = room.here.gateway.sessions.get(room.session)
    await room.here.gateway.sessions._keeping.save(session)
    closed, shown = await room.owner.share(room.session), await room.owner.share(room.session, preview=True)
    stranger = (await room.here.browser()).http
    page = (await stranger.get(shown["url"].partition("#")[0])).text
    assert f"/api/v1/shares/{shown['id']}/still" in page and "og:image" in page
    still = f"/api/v1/shares/{shown['id']}/still"
    assert (await stranger.get(still)).content.startswith(b"\xff\xd8")
    assert (await stranger.get(f"/api/v1/shares/{closed['id']}/still")).status_code == 404
    assert "og:image" not in (await stranger.get(f"/watch?s={closed['id']}")).text
    assert "og:image" not in (await stranger.get("/watch?s=%22%3E%3Cscript%3E")).text
    await room.owner.http.delete(f"/api/v1/sessions/{room.session}/shares/{shown['id']}")
    assert (await stranger.get(still)).status_code == 404


async def test_a_camera_that_a_driver_chooses_is_everybodys_and_an_unknown_one_is_refused_by_name(room: Room) -> None:
    driver = await room.owner.connect(room.session)
    _, watching = await room.guest("viewer")
    driver.tell(type="camera", camera="drone")
    for peer in (driver, watching):
        await peer.until("state", lambda event: event["values"]["camera"] == 3)
    driver.tell(type="camera", camera="third")
    assert "first, drone, orbit; this is 'third'" in (await driver.until("refused"))["reason"]
    watching.tell(type="camera", camera="first")
    assert "not allowed" in (await watching.until("refused"))["reason"]
