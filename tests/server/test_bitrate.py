"""The encoder's target by what the drivers' lines report: as numbers, and as RTCP over a real connection."""

from __future__ import annotations

import asyncio
import time
from copy import copy
from itertools import pairwise
from typing import Any

import pytest
from aiortc.rtp import (
    RTCP_PSFB_APP,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    pack_remb_fci,
)

from server.bitrate import HELD_S, LEAST, WINDOW_S, Bitrate, LossMeter
from server.thinning import DRAIN_FRAMES, Thinning

MOST = 2_500_000


def sending(bits_per_second: int, until: float = 1.0) -> Bitrate:
    """A session that has sent so much in the second before `until`."""
    bitrate = Bitrate(MOST)
    for number in range(24):
        bitrate.sent(bits_per_second // 8 // 24, until - 1 + number / 24)
    return bitrate


def test_heavy_loss_lowers_the_target_to_what_arrived() -> None:
    bitrate = sending(1_200_000)
    assert bitrate.lost("a", 0.25, 1.0) == pytest.approx(900_000, rel=0.01)
    assert bitrate.lost("a", 1.0, 2.0) == LEAST


def test_a_little_loss_changes_nothing() -> None:
    bitrate = sending(1_200_000)
    assert [bitrate.lost("a", fraction, 1.0 + fraction) for fraction in (0.0, 0.02, 0.05, 0.1)] == [None] * 4


def test_a_little_loss_on_a_line_that_is_held_narrow_lowers_the_target_to_the_estimate() -> None:
    bitrate = sending(1_200_000)
    assert bitrate.estimated("a", 900_000, 1.0) is None
    assert bitrate.lost("a", 0.01, 1.0) is None
    assert bitrate.lost("a", 0.05, 1.0) == 900_000


def test_the_target_does_not_make_up_for_the_time_in_which_packets_were_lost() -> None:
    bitrate = sending(1_000_000)
    assert bitrate.lost("a", 0.5, 1.0) == pytest.approx(500_000, rel=0.01)
    assert [bitrate.lost("a", 0.05, 1.0 + second) for second in range(1, 20)] == [None] * 19
    assert bitrate.lost("a", 0.0, 21.0) is None
    assert bitrate.lost("a", 0.0, 22.0) == pytest.approx(500_000 * 1.08**2, rel=0.01)


def test_an_estimate_that_falls_lowers_the_target() -> None:
    bitrate = sending(1_200_000)
    assert bitrate.estimated("a", 1_700_000, 1.0) is None
    assert bitrate.estimated("a", 1_000_000, 1.2) == 1_000_000


@pytest.mark.parametrize(
    "estimates",
    [
        [20_000, 21_000, 23_000],  # after a quiet scene; all that was sent has arrived
        [23_000, 15_000],
        [30_000_000, 1_000_000],  # a guess, and then a measurement
        [1_700_000, 1_650_000],
    ],
)
def test_an_estimate_that_is_only_low_changes_nothing(estimates: list[int]) -> None:
    bitrate = sending(1_200_000)
    assert [bitrate.estimated("a", bits, 1.0) for bits in estimates] == [None] * len(estimates)


def test_the_target_comes_back_in_steps_once_nothing_is_lost() -> None:
    bitrate = sending(1_000_000)
    assert bitrate.lost("a", 0.5, 1.0) == pytest.approx(500_000, rel=0.01)
    told = [(second, bitrate.lost("a", 0.0, 1.0 + second)) for second in range(1, 60)]
    steps = [(second, bits) for second, bits in told if bits is not None]
    assert steps[0][0] > HELD_S
    targets = [500_000, *(bits for _, bits in steps)]
    assert all(later >= 1.09 * sooner for sooner, later in pairwise(targets[:-1]))
    assert targets[-1] == MOST and len(targets) < 20


def test_the_narrowest_line_counts_while_its_driver_is_here() -> None:
    bitrate = sending(2_000_000)
    assert bitrate.lost("a", 0.5, 1.0) == pytest.approx(1_000_000, rel=0.01)
    assert bitrate.lost("b", 0.25, 1.0) is None
    assert bitrate.forget("a") == pytest.approx(1_500_000, rel=0.01)
    assert bitrate.forget("b") == MOST and bitrate.forget("c") is None


def test_a_new_encoder_is_told_the_target_that_was_in_force() -> None:
    bitrate = sending(2_000_000)
    assert bitrate.restart(MOST) is None
    target = bitrate.lost("a", 0.5, 1.0)
    assert target is not None and bitrate.restart(MOST) == target


def test_a_higher_rung_may_spend_more_where_the_line_carries_it() -> None:
    bitrate = sending(2_000_000)
    assert bitrate.lost("a", 0.0, 1.0) is None and bitrate.restart(2 * MOST) is None
    target = bitrate.lost("a", 0.5, 2.0)
    assert target is not None and target < MOST
    assert bitrate.restart(4 * MOST) == target


def test_a_low_rung_is_not_raised_to_the_floor() -> None:
    bitrate = Bitrate(LEAST // 2)
    assert bitrate.lost("a", 1.0, 1.0) is None


def test_reports_that_come_in_a_burst_are_one_report_a_second() -> None:
    meter = LossMeter()  # four seconds of three packets each 20 ms, one of thirty lost
    shares = [
        meter.share(3 * number, number // 10, number * 0.02) for number in range(201)
    ]  # four seconds, 1 of 30 lost
    told = [share for share in shares if share is not None]
    assert told == [pytest.approx(1 / 30, abs=0.01)] * 4
    assert meter.share(5, 0, 9.0) is None  # counted anew
    assert meter.share(5, 0, 12.0) is None  # nothing was sent
    assert meter.share(105, 100, 13.0) == 1.0


def test_a_viewers_line_that_cannot_carry_the_picture_gets_a_part_of_each_second() -> None:
    thinning = Thinning()
    thinning.estimated(400_000)
    for second in range(30):
        thinning.lost(0.4 if thinning.share > 0.5 else 0.0, 1_000_000, 2.0 * second)
        shown = [thinning.shows() for _ in range(48)]
        if second == 0:
            assert not any(shown[:DRAIN_FRAMES])  # what waits on the line goes first
    assert 0.3 < thinning.share < 0.8 and 48 * 0.2 < sum(shown) < 48 * 0.9
    driving = copy(thinning)
    driving.end()
    assert all(driving.shows() for _ in range(48))
    for second in range(30, 60):
        thinning.lost(0.0, 1_000_000, 2.0 * second)
    assert thinning.share == 1.0 and all(thinning.shows() for _ in range(48))


def test_a_line_that_loses_by_chance_is_given_everything() -> None:
    thinning = Thinning()
    thinning.estimated(3_000_000)
    for second in range(10):
        thinning.lost(0.2, 1_000_000, 2.0 * second)
    assert thinning.share == 1.0


async def report(connection: Any, fraction: float) -> None:
    """What a browser says after a second in which it missed that part of a hundred packets."""
    receiver = connection.video
    receiver._RTCRtpReceiver__rtcp_task.cancel()  # its own reports would say otherwise
    (ssrc,) = receiver._RTCRtpReceiver__remote_streams
    for packets in (100_000, 100_100):
        await asyncio.sleep(WINDOW_S + 0.1)
        missing = RtcpReceiverInfo(ssrc, 255, round(fraction * (packets - 100_000)), packets, 0, 0, 0)
        await receiver._send_rtcp(RtcpRrPacket(ssrc=receiver._RTCRtpReceiver__rtcp_ssrc, reports=[missing]))


def remb(connection: Any, bits_per_second: int) -> AnyRtcpPacket:
    (ssrc,) = connection.video._RTCRtpReceiver__remote_streams
    fci = pack_remb_fci(bits_per_second, [ssrc])
    own = connection.video._RTCRtpReceiver__rtcp_ssrc
    return RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=own, media_ssrc=0, fci=fci)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_drivers_lost_packets_lower_the_rate_until_it_leaves(here: Any) -> None:
    owner, guest = await here.invited(), await here.browser()
    session = await owner.start()
    await guest.open_link((await owner.share(session))["url"])
    driver, viewer = await owner.connect(session), await guest.connect(session)
    for connection in (driver, viewer):
        await connection.frames(3)
    await report(viewer, 0.5)
    viewer.heard.clear()
    assert (await viewer.until("state"))["values"]["bits_per_second"] == 1_000_000
    await report(driver, 0.5)
    await viewer.until("state", lambda event: event["values"]["bits_per_second"] == LEAST)
    await owner.http.delete(driver.location)
    await viewer.until("state", lambda event: event["values"]["bits_per_second"] == 1_000_000)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_drivers_falling_estimate_lowers_the_rate(here: Any) -> None:
    browser = await here.invited()
    session = await browser.start()
    driver = await browser.connect(session)
    await driver.frames(12)
    sent = here.gateway.sessions.get(session)._lines.sent_a_s(time.monotonic())
    for estimate in (2 * sent, sent / 2):
        await driver.video._send_rtcp(remb(driver, int(estimate)))
    await driver.until("state", lambda event: event["values"]["bits_per_second"] == LEAST)
