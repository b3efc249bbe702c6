"""Which lost packets are sent again: as numbers, and as NACKs over a real connection."""

from __future__ import annotations

from typing import Any

import pytest
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpRtpfbPacket

from server.retransmission import AGAIN_AFTER_S, MOST_BYTES, SHARE, TIMES, Retransmissions

SIZE = 1200


def test_a_packet_is_sent_again_once_in_a_round_trip_and_a_few_times_at_most() -> None:
    again = Retransmissions()
    asked = [number * 0.01 for number in range(200)]  # seconds, as a browser on a full line asks
    sent = [now for now in asked if again.take((7, 1), SIZE, 0.0, now)]
    assert sent == pytest.approx([number * AGAIN_AFTER_S for number in range(TIMES)])
    assert again.refused == len(asked) - TIMES
    assert again.take((7, 2), SIZE, 0.0, 2.0)  # the same number, another packet
    slow = Retransmissions()
    assert [now for now in asked if slow.take((7, 1), SIZE, 0.5, now)] == pytest.approx([0.0, 0.5, 1.0])


def test_what_is_sent_again_is_a_share_of_what_was_sent() -> None:
    again = Retransmissions()
    at_once = sum(again.take((number, 0), SIZE, 0.0, 0.0) for number in range(1000))
    assert at_once == MOST_BYTES // SIZE
    for _ in range(100):
        again.earn(SIZE)
    later = sum(again.take((number, 0), SIZE, 0.0, 1.0) for number in range(1000, 2000))
    assert later == pytest.approx(100 * SHARE, abs=1)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_browser_that_asks_again_and_again_does_not_fill_its_own_line(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    connection = await browser.connect(session)
    await connection.frames(5)
    (peer,) = here.gateway.sessions.get(session).peers.values()
    sender = peer._video._sender
    sent: list[int] = []

    async def send_again(number: int) -> None:
        sent.append(number)

    peer._video._send_again = send_again
    newest = [packet.sequence_number for packet in sender._RTCRtpSender__rtp_history.values()][-3:]

    async def ask(times: int) -> None:
        for _ in range(times):
            nack = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=sender._ssrc, lost=newest)
            await sender._handle_rtcp_packet(nack)

    await ask(50)
    assert set(sent) == set(newest) and len(sent) <= TIMES * len(newest)
    peer._video._track.key_pts += 10 * 90_000  # a keyframe that makes them needless
    peer._video._track.retransmissions = Retransmissions()
    sent.clear()
    await ask(1)
    assert not sent
