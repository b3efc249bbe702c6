"""Whatever a browser says on its channels and in its offer: a whole peer and a whole answer take it, or refuse it."""

from __future__ import annotations

import asyncio
import json
import struct
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.channels import PromptUnfit
from server.hub import PictureOutlet
from server.media import EncodedTrack
from server.peers import JUNK_ALLOWED, PeerState
from server.roles import Role
from server.shares import Access
from server.signalling import ANSWER_TIMEOUT_S, OfferRefused, Tracks, answer, hang_up, new_connection, read_offer
from server.socket_peer import SocketPeer
from server.sound_out import SoundOutlet, SoundTrack
from tests.hostile import hostile, many
from tests.server.conftest import Connection
from tests.server.test_hostile_bytes import LINE, TEXTS


class Chair:
    """A session that keeps what a peer asks of it, and has no world."""

    def __init__(self) -> None:
        self.asked_for: list[Any] = []

    def controlled(self, _: Any, controls: Any) -> None:
        assert -1 <= controls.seq < 2**53 and 0 <= controls.buttons < 2**32
        struct.pack("dd", controls.look_x, controls.look_y)
        assert abs(controls.look_x) < 1e9 and abs(controls.look_y) < 1e9
        self.asked_for.append(controls)

    async def said(self, _: Any, text: str, ref: int) -> str:
        assert 0 < len(text) <= 400
        self.asked_for.append(text)
        return json.dumps({"type": "text", "ref": ref})

    def asked(self, peer: Any, message: Any) -> None:
        self.asked_for.append(message)
        raise PromptUnfit("not-allowed", "Nobody may.")

    def heard(self, _: Any, pcm: bytes) -> None:
        assert len(pcm) % 2 == 0 and len(pcm) <= 48_000

    def want_keyframe(self) -> None: ...
    def reported(self) -> None: ...
    def lost(self, _: Any, fraction: float = 0.0) -> None: ...
    def estimated(self, _: Any, bits_per_second: int = 0) -> None: ...
    def joined(self, _: Any) -> None: ...
    def left(self, _: Any) -> None: ...


HEARD = st.lists(TEXTS | st.binary(max_size=300) | st.binary(max_size=60).map(lambda pcm: b"\2" + pcm), max_size=30)


@hostile
@given(HEARD)
def test_a_peer_bears_what_it_hears(heard: list[str | bytes]) -> None:
    async def hear() -> None:
        chair = Chair()
        peer = SocketPeer(chair, "device", Access(Role.DRIVER, owner=True), PictureOutlet(chair.want_keyframe))
        peer.connected()
        for one in heard:
            if isinstance(one, str):
                peer._on_text(one)
            else:
                peer._on_bytes(one)
            peer.on_event(one)
            peer.on_control(one)
        async with asyncio.timeout(5):
            while running := peer._tasks - {asyncio.current_task()}:
                await asyncio.gather(*running)
        assert peer._unsent.qsize() <= 4 * len(heard)
        while not peer._unsent.empty():
            assert json.loads(peer._unsent.get_nowait() or "")["type"] in {"refused", "pong", "text", "ended"}
        assert (peer.state is PeerState.CLOSED) <= (3 * len(heard) > JUNK_ALLOWED)
        await peer.close()

    asyncio.run(hear())


@cache
def offered() -> list[str]:
    """The lines of an offer that a browser of the tests makes."""

    async def offer() -> list[str]:
        connection = Connection(listens=True)
        await connection.pc.setLocalDescription(await connection.pc.createOffer())
        lines = connection.pc.localDescription.sdp.split("\r\n")
        await connection.pc.close()
        return lines

    return asyncio.run(offer())


SWAPS = st.lists(st.tuples(st.integers(0, 999), LINE | st.just("")), min_size=1, max_size=3)
SOME_VALUE = st.sampled_from(["-1", "0", "99999999999", "a", "sha-256 00", "*", "1 2 3 4 5 6 7 8", "é", "10.0.0.1"])
EDITED = st.tuples(st.integers(0, 999), st.integers(0, 8), SOME_VALUE)


def swapped(swaps: list[tuple[int, str]], edits: list[tuple[int, int, str]]) -> bytes:
    """The whole offer with some lines replaced, and words of others."""
    lines = list(offered())
    for at, line in swaps:
        lines[at % len(lines)] = line
    for at, word, value in edits:
        at %= len(lines)
        words = lines[at].replace(":", ": ").split(" ")
        words[word % len(words)] = value
        lines[at] = " ".join(words).replace(": ", ":")
    return "\r\n".join(lines).encode()


async def answered(body: bytes) -> str:
    """What a gateway says to this offer. Raises OfferRefused."""
    offer, chair, connection = read_offer(body), Chair(), new_connection()
    tracks = Tracks(EncodedTrack(PictureOutlet(chair.want_keyframe)), SoundTrack(SoundOutlet()))
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S / 2):  # none holds us up
            return (await answer(connection, offer, tracks, chair, hears=True)).answer
    finally:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await hang_up(connection)
        if rest := asyncio.all_tasks() - {asyncio.current_task()}:  # tasks of the connection see its end by themselves
            assert not (await asyncio.wait(rest, timeout=2.0))[1]


def test_the_whole_offer_is_answered() -> None:
    assert asyncio.run(answered(swapped([], []))).count("m=") == 3


@hostile
@given(st.builds(swapped, SWAPS, st.just([])) | st.builds(swapped, st.just([]), st.lists(EDITED, max_size=3)))
def test_an_offer_that_is_read_is_answered_or_refused(body: bytes) -> None:
    try:
        assert asyncio.run(answered(body)).startswith("v=0")
    except OfferRefused as refused:
        assert refused.slug in ("malformed-sdp", "offer-refused") and len(refused.reason) < 400


@pytest.mark.soak
def test_ten_thousand_inputs_each() -> None:
    many(__file__)
