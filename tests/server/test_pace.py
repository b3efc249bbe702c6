"""Sound leaves evenly though it comes by the handful, and neither long before its picture nor later than it must."""

from __future__ import annotations

import itertools

import pytest

from engine.messages import AUDIO_SAMPLES, FRAME_RATE, VIDEO_CLOCK
from engine.opus import PACKET_SAMPLES, TICKS_A_PACKET
from server.pace import BROWSER_S, EASING, Pace

FRAME_S, PACKET_S = 1 / FRAME_RATE, 0.01
UNEVEN_S = (0.0, 0.004, -0.003, 0.007, 0.001, -0.004)  # how much later than usual frames come


def played(pace: Pace, frames: range, behind_s: float, pictures_s: float | None = None) -> list[tuple[float, float]]:
    """When each packet of those frames leaves, and how long that is after its own time: its frame's sound comes that
    much after it, and so does its picture."""
    left = []
    for frame in frames:
        now = frame * FRAME_S + behind_s + UNEVEN_S[frame % len(UNEVEN_S)]
        if pictures_s is not None:
            pace.pictured(frame * VIDEO_CLOCK // FRAME_RATE, frame * FRAME_S + pictures_s)
        packets = range(frame * AUDIO_SAMPLES // PACKET_SAMPLES, (frame + 1) * AUDIO_SAMPLES // PACKET_SAMPLES)
        pace.came(packets[0] * TICKS_A_PACKET, now)
        left += [(at := pace.leaves(one * TICKS_A_PACKET, now), at - one * PACKET_S) for one in packets]
    return left


def test_packets_leave_one_by_one_though_they_come_by_the_handful() -> None:
    left = played(Pace(), range(240), 0.005)[120:]
    waits = [later - sooner for (sooner, _), (later, _) in itertools.pairwise(left)]
    assert all(0 <= wait_s < 2 * PACKET_S for wait_s in waits)
    behind = [behind_s for _, behind_s in left]
    assert max(behind) - min(behind) < 0.013  # they come 56 ms apart
    assert max(behind) < 0.022


def test_sound_waits_for_pictures_as_long_as_no_browser_holds_it_back() -> None:
    behind = [behind_s for _, behind_s in played(Pace(), range(1200), 0.005, 0.12)[-120:]]
    assert all(behind_s == pytest.approx(0.12 - BROWSER_S, abs=0.003) for behind_s in behind)
    soon = [behind_s for _, behind_s in played(Pace(), range(1200), 0.005, 0.03)[-120:]]
    assert max(soon) < 0.022


def test_the_pace_follows_what_comes_sooner_by_little_and_another_world_at_once() -> None:
    pace = Pace()
    played(pace, range(120), 0.055)
    behind = [behind_s for _, behind_s in played(pace, range(120, 360), 0.005)]
    assert min(behind[:100]) > 0.05 - EASING and max(behind[-12:]) < 0.022  # a second, and at the end
    other = [behind_s for _, behind_s in played(pace, range(1000, 1100), 0.5)]
    assert 0.5 - 0.01 < other[-1] < 0.52


def test_nothing_leaves_before_it_came() -> None:
    with pytest.raises(RuntimeError, match="expected sound to have come"):
        Pace().leaves(0, 1.0)
    pace = Pace()
    played(pace, range(120), 0.005)
    now = 120 * FRAME_S + 0.07
    pace.came(120 * VIDEO_CLOCK // FRAME_RATE, now)
    assert pace.leaves(120 * VIDEO_CLOCK // FRAME_RATE, now) == now
