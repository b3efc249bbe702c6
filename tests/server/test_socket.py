"""The session over a WebSocket: the same packets and messages, where UDP is blocked."""

from __future__ import annotations

import asyncio
import itertools
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import av
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.hub import Packet
from server.socket_peer import framed

pytestmark = pytest.mark.asyncio(loop_scope="session")  # one gateway serves them all


class Line:
    """What a page does with one socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.pictures: list[bytes] = []
        self.sounds: list[bytes] = []

    async def tell(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def until(self, kind: str, fits: Any = lambda _: True) -> dict[str, Any]:
        """The next event that fits; pictures are put aside meanwhile."""
        async with asyncio.timeout(15):
            while True:
                message = await self.socket.recv()
                if isinstance(message, bytes):
                    self.put_aside(message)
                elif (event := json.loads(message))["type"] == kind and fits(event):
                    return dict(event)

    def put_aside(self, message: bytes) -> None:
        (self.sounds if message[0] == 2 else self.pictures).append(message)

    async def picture(self) -> bytes:
        async with asyncio.timeout(15):
            while not self.pictures:
                if isinstance(message := await self.socket.recv(), bytes):
                    self.put_aside(message)
            return self.pictures.pop(0)


@asynccontextmanager
async def line(address: str, browser: Any, session: str, origin: str | None = None) -> AsyncIterator[Line]:
    cookie = "; ".join(f"{name}={value}" for name, value in browser.http.cookies.items())
    uri = f"ws://{address}/api/v1/sessions/{session}/socket"
    headers = {"Cookie": cookie, "Origin": origin or f"http://{address}"}
    async with connect(uri, additional_headers=headers, subprotocols=["mundo.v1"], proxy=None) as socket:  # type: ignore[list-item]
        yield Line(socket)


async def test_a_packet_is_framed_as_documented() -> None:
    frame = framed(Packet(7, 2**33, True, b"nal"))
    assert struct.unpack(">BBHIQ", frame[:16]) == (1, 1, 0, 7, 2**33) and frame[16:] == b"nal"


async def test_pictures_steering_texts_and_sound_go_over_the_socket(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    async with line(await here.listen(), browser, session) as it:
        assert it.socket.subprotocol == "mundo.v1"
        media = await it.until("media")
        assert media["codec"].startswith("avc1.42") and (media["width"], media["height"]) == (480, 270)
        assert (await it.until("role"))["owner"] is True
        decoder, shown = av.CodecContext.create("h264", "r"), []
        first = await it.picture()
        assert first[0] == 1 and first[1] == 1  # a keyframe
        for raw in (first, await it.picture(), await it.picture()):
            shown += decoder.decode(av.Packet(raw[16:]))
        assert shown and (shown[0].width, shown[0].height) == (480, 270)
        await it.tell(type="control", seq=1, buttons=5, look_x=0.0, look_y=0.0, t=0.0)
        receipt = await it.until("receipt", lambda event: event["control_seq"] == 1)
        assert "rtp" not in receipt
        assert (await it.until("state"))["values"]["buttons"] == 5
        await it.tell(type="text", text="rain", ref=2)
        assert (await it.until("text"))["ref"] == 2
        await it.socket.send(b"\x02" + bytes(4800))
        await it.until("state", lambda event: event["values"]["samples"] == 2400)
        await it.tell(type="ping", t=3.0)
        assert (await it.until("pong"))["t"] == 3.0
        ticks = [struct.unpack(">BBHIQ", raw[:16])[4] for raw in it.sounds]
        assert len(ticks) > 4 and {b - a for a, b in itertools.pairwise(ticks)} == {900}
    await here.until(lambda: not here.gateway.sessions.get(session).peers, "the peer to go with its socket")


async def test_junk_on_the_socket_is_refused_and_too_much_of_it_ends_it(here: Any) -> None:
    browser = await here.invited()
    async with line(await here.listen(), browser, await browser.start()) as it:
        for junk in ("{", '{"type":"control","seq":1,"buttons":4096}', b"\x03abc", b"\x02abc", b""):
            await it.socket.send(junk)
            assert "socket expects" in (await it.until("refused"))["reason"]
        for _ in range(30):
            await it.socket.send(b"\xff")
        assert "nobody can read" in (await it.until("ended"))["reason"]
        with pytest.raises(ConnectionClosed):
            await it.until("pong")


async def test_a_viewer_by_link_watches_over_the_socket_and_is_closed_with_the_link(here: Any) -> None:
    owner, guest = await here.invited(), await here.browser()
    session = await owner.start()
    share = await owner.share(session)
    await guest.open_link(share["url"])
    async with line(await here.listen(), guest, session) as it:
        assert (await it.until("role"))["role"] == "viewer"
        await it.picture()
        await it.tell(type="text", text="rain", ref=1)
        assert (await it.until("refused"))["ref"] == 1
        await owner.http.delete(f"/api/v1/sessions/{session}/shares/{share['id']}")
        assert "withdrawn" in (await it.until("ended"))["reason"]


@pytest.mark.parametrize(("who", "code"), [("anonymous", 4401), ("stranger", 4404)])
async def test_who_may_not_enter_is_told_by_the_code(here: Any, who: str, code: int) -> None:
    session = await (await here.invited()).start()
    browser = await here.browser() if who == "anonymous" else await here.invited()
    async with line(await here.listen(), browser, session) as it:
        with pytest.raises(ConnectionClosed) as closed:
            await it.until("media")
    assert closed.value.rcvd and closed.value.rcvd.code == code


async def test_a_page_of_another_site_gets_no_socket(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    with pytest.raises(InvalidStatus) as refused:
        async with line(await here.listen(), browser, session, "http://evil.test"):
            pass
    assert refused.value.response.status_code == 403


async def test_one_stalled_socket_harms_nobody(here: Any) -> None:
    owner, guest = await here.invited(), await here.browser()
    session = await owner.start()
    await guest.open_link((await owner.share(session))["url"])
    driver = await owner.connect(session)
    async with line(await here.listen(), guest, session) as it:
        await it.picture()
        it.socket.transport.pause_reading()
        before = (await driver.until("state"))["frame"]
        await driver.frames(40)
        after = (await driver.until("state", lambda event: event["frame"] >= before + 40))["frame"]
        assert after - before < 80
        it.socket.transport.abort()
