"""WHEP: a standard player watches under a share link's permission."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

pytestmark = pytest.mark.asyncio(loop_scope="session")  # one gateway serves them all
SDP = {"Content-Type": "application/sdp"}


@asynccontextmanager
async def player() -> AsyncIterator[tuple[Any, str]]:
    """A connection that only receives video and sound, and its offer."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in ("video", "audio"):
        connection.addTransceiver(kind, direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    try:
        yield connection, connection.localDescription.sdp
    finally:
        await connection.close()


async def test_a_player_of_another_site_watches_by_a_links_token_and_leaves(here: Any) -> None:
    owner, stranger = await here.invited(), await here.browser()
    session = await owner.start()
    driver = await owner.connect(session)
    token = (await owner.share(session))["url"].partition("#")[2]
    headers = SDP | {"Authorization": f"Bearer {token}", "Origin": "https://player.test"}
    preflight = await stranger.http.options(f"/whep/{session}", headers={"Origin": "https://player.test"})
    assert preflight.headers["access-control-allow-origin"] == "*"
    async with player() as (connection, offer):
        answered = await stranger.http.post(f"/whep/{session}", content=offer, headers=headers)
        assert answered.status_code == 201 and answered.headers["content-type"] == "application/sdp"
        assert "Location" in answered.headers["access-control-expose-headers"]
        await connection.setRemoteDescription(RTCSessionDescription(answered.text, "answer"))
        track = connection.getTransceivers()[0].receiver.track
        async with asyncio.timeout(15):
            frames = [await track.recv() for _ in range(3)]
        assert (frames[0].width, frames[0].height) == (480, 270)
        assert (await driver.until("viewers", lambda event: event["count"] == 1))["count"] == 1
        assert (await stranger.http.delete(answered.headers["Location"])).status_code == 200
        assert (await stranger.http.delete(answered.headers["Location"])).status_code == 404
    await driver.until("viewers", lambda event: event["count"] == 0)


async def test_a_player_is_refused_without_a_token_with_a_wrong_one_and_from_elsewhere(here: Any) -> None:
    owner = await here.invited()
    session, other = await owner.start(), await (await here.invited()).start()
    token = (await owner.share(session))["url"].partition("#")[2]
    stranger = (await here.browser()).http
    async with player() as (_, offer):
        answer = await stranger.post(f"/whep/{session}", content=offer, headers=SDP)
        assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
        for path, wrong in ((f"/whep/{other}", token), (f"/whep/{session}", token[:-2] + "xx"), ("/whep/none", token)):
            answer = await stranger.post(path, content=offer, headers=SDP | {"Authorization": f"Bearer {wrong}"})
            assert answer.status_code == 403, path
        foreign = SDP | {"Origin": "https://evil.test"}
        assert (await owner.http.post(f"/whep/{session}", content=offer, headers=foreign)).status_code == 403
    answer = await stranger.post(f"/whep/{session}?access_token={token}", content=b"v=0", headers=SDP)
    assert answer.json()["type"].endswith("offer-refused") or answer.json()["type"].endswith("malformed-sdp")
    assert (await stranger.patch(f"/whep/{session}/x")).status_code == 405


async def test_a_withdrawn_link_ends_the_player(here: Any) -> None:
    owner = await here.invited()
    session = await owner.start()
    share = await owner.share(session)
    headers = SDP | {"Authorization": f"Bearer {share['url'].partition('#')[2]}"}
    async with player() as (connection, offer):
        answered = await owner.http.post(f"/whep/{session}", content=offer, headers=headers)
        await connection.setRemoteDescription(RTCSessionDescription(answered.text, "answer"))
        peers = here.gateway.sessions.get(session).peers
        await here.until(lambda: any(peer.state.value == "connected" for peer in peers.values()), "the player")
        await owner.http.delete(f"/api/v1/sessions/{session}/shares/{share['id']}")
        await here.until(lambda: not peers, "the player to be sent away")
        assert (await owner.http.post(f"/whep/{session}", content=offer, headers=headers)).status_code == 410
