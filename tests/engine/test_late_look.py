"""What is streamed follows looks that came late: as far as the margin goes, evenly, and never twice."""

from __future__ import annotations

import itertools
import math
import time

import numpy as np
import pytest

from engine.codec import Crop, Plane
from engine.inputs import Drained, Gathered
from engine.late_look import PIXELS_A_RADIAN, LateLook, margins
from engine.messages import Control
from engine.rungs import LADDER, LOWEST, Rung

PERIOD_MS = 42  # of frames; a snapshot comes every SNAPSHOT_MS
SNAPSHOT_MS = 15
STEP_PX = 1  # of what is held still, at the lowest rung


def wide(shape: tuple[int, int] = (288, 512)) -> Plane:
    """Brightness rises by 1 every four pixels to the right, and by 1 every eight down."""
    rows, columns = np.indices(shape)
    return (20 + columns // 4 + rows // 8).astype(np.uint8)


class Hand:
    """Somebody who turns to the right at a rate, and what a worker gathers and shows of it."""

    def __init__(self, rung: Rung, late: bool = True) -> None:
        self.gathered, self.crop, self.rung, self.late = Gathered(), LateLook(), rung, late
        self.now_ms, self.total, self.seq = 0, 0.0, 0
        self.gathered.control(Control(seq=0, buttons=0, look_x=0.0, look_y=0.0))
        self.turned = 0.0

    def turn(self, for_ms: int, rad_s: float) -> None:
        for _ in range(for_ms):
            self.now_ms += 1
            self.total += rad_s / 1000
            if self.now_ms % SNAPSHOT_MS == 0:
                self.seq += 1
                self.gathered.control(Control(seq=self.seq, buttons=0, look_x=self.total, look_y=0.0))

    def begin(self) -> Drained:
        """A frame is sampled from here on."""
        drained = self.gathered.drain()
        self.turned += drained.look_x
        return drained

    def shown_px(self, frame: Drained) -> float:
        """Where a frame's picture looks now, in pixels of the lowest rung."""
        assert frame.turned[0] == pytest.approx(self.turned)
        followed = self.crop.follow(self.gathered.beyond(frame) if self.late else [], self.rung)
        assert followed.offset[1] == 0
        return self.turned * PIXELS_A_RADIAN + followed.offset[0] / self.rung.scale

    def wanted_px(self) -> float:
        """Where the hand has got to, as far as it was said."""
        return self.gathered.beyond(Drained(0, 0, 0, None, None, -1, -1, (0, 0)))[-1].right_rad * PIXELS_A_RADIAN


def pan(hand: Hand, rates: list[float], step_ms: int = 30) -> list[tuple[float, float]]:
    """What is shown and wanted, frame by frame; each is sampled for `step_ms`."""
    seen = []
    for rate in rates:
        frame = hand.begin()
        hand.turn(step_ms, rate)
        seen.append((hand.shown_px(frame), hand.wanted_px()))
        hand.turn(PERIOD_MS - step_ms, rate)
    return seen


@pytest.mark.parametrize("rung", LADDER)
@pytest.mark.parametrize("rad_s", [0.03, 0.1, 0.25, 0.8, 1.5])
def test_a_pan_is_followed_to_a_step_and_never_jumps(rung: Rung, rad_s: float) -> None:
    hand = Hand(rung)
    seen = pan(hand, [0.0] * 3 + [rad_s] * 40 + [0.0] * 4)
    assert max(abs(shown - wanted) for shown, wanted in seen) <= STEP_PX + 1e-6
    moved = [after - before for (before, _), (after, _) in itertools.pairwise(seen)]
    a_frame = rad_s * PERIOD_MS / 1000 * PIXELS_A_RADIAN
    assert min(moved) >= -STEP_PX, "it may settle by a step, not swing back"
    if a_frame > 2 * STEP_PX:
        assert min(moved[3:40]) > 0, "what turns steadily never stands or goes back"
    assert max(moved) <= 2 * a_frame + 2 * STEP_PX


def test_what_the_margin_cannot_hold_comes_with_the_next_frames_and_no_jump() -> None:
    hand = Hand(LOWEST)
    seen = pan(hand, [0.0] * 2 + [3.4] * 20 + [0.0] * 4)
    shown = [here for here, _ in seen]
    assert max(wanted - here for here, wanted in seen) > STEP_PX, "expected a hand too fast for the margin"
    assert all(after >= before - STEP_PX for before, after in itertools.pairwise(shown))
    steps = [after - before for before, after in itertools.pairwise(shown[4:20])]
    a_frame = 3.4 * PERIOD_MS / 1000 * PIXELS_A_RADIAN
    assert max(steps) <= a_frame + SNAPSHOT_MS / 1000 * 3.4 * PIXELS_A_RADIAN + 1


@pytest.mark.parametrize("rung", LADDER)
def test_a_hand_at_rest_sees_the_same_picture_with_late_look_and_without(rung: Rung) -> None:
    ends = []
    for late in (True, False):
        hand = Hand(rung, late)
        pan(hand, [0.4] * 9 + [-0.9] * 5 + [0.33] * 7)
        shown, wanted = pan(hand, [0.0] * 3)[-1]
        assert shown == pytest.approx(wanted)
        ends.append(shown)
    assert ends[0] == ends[1]


def test_late_look_is_a_frame_ahead_of_none() -> None:
    late, plain = (pan(Hand(LOWEST, late), [0.3] * 12) for late in (True, False))
    lag_px = [np.mean([wanted - shown for shown, wanted in seen[2:]]) for seen in (late, plain)]
    assert abs(lag_px[0]) < 0.6 and 1.5 < lag_px[1] < 0.3 * PERIOD_MS / 1000 * PIXELS_A_RADIAN + 1


def test_a_look_up_moves_the_crop_up_as_far_as_there_are_rows() -> None:
    gathered, crop = Gathered(), LateLook()
    gathered.control(Control(seq=1, buttons=0, look_x=0.0, look_y=0.0))
    frame = gathered.drain()
    gathered.control(Control(seq=2, buttons=0, look_x=0.0, look_y=4 / PIXELS_A_RADIAN))
    followed = crop.follow(gathered.beyond(frame), LOWEST)
    assert (followed.offset, followed.seq) == ((0, -4), 2)
    gathered.control(Control(seq=3, buttons=0, look_x=0.0, look_y=0.1))
    followed = crop.follow(gathered.beyond(frame), LOWEST)
    assert followed.offset == (0, margins(LOWEST)[1][0]) == (0, -8)
    assert followed.seq == 2, "what lies beyond the margin is not in the picture yet"


def test_what_is_too_little_for_a_pixel_is_not_said_to_be_seen() -> None:
    gathered, crop = Gathered(), LateLook()
    gathered.control(Control(seq=1, buttons=0, look_x=0.0, look_y=0.0))
    frame = gathered.drain()
    gathered.control(Control(seq=2, buttons=0, look_x=0.4 / PIXELS_A_RADIAN, look_y=0.0))
    assert crop.follow(gathered.beyond(frame), LOWEST).seq == -1
    gathered.control(Control(seq=3, buttons=1, look_x=2.9 / PIXELS_A_RADIAN, look_y=0.0))
    followed = crop.follow(gathered.beyond(frame), LOWEST)
    assert (followed.offset, followed.seq) == ((3, 0), 3)


def test_a_new_drivers_totals_move_nothing() -> None:
    gathered = Gathered()
    gathered.control(Control(seq=7, buttons=0, look_x=3.0, look_y=1.0))
    frame = gathered.drain()
    gathered.control(Control(seq=1, buttons=0, look_x=90.0, look_y=0.0))
    assert LateLook().follow(gathered.beyond(frame), LOWEST).offset == (0, 0)


@pytest.mark.parametrize("rung", LADDER)
def test_any_offset_within_the_margin_shows_what_lies_there(rung: Rung) -> None:
    shape = (288 * rung.scale, 512 * rung.scale)
    y, chroma = wide(shape), wide((shape[0] // 2, shape[1] // 2))
    across, down = margins(rung)
    for right, below in itertools.product((*across, 0, 1), (*down, 0, -1)):
        crop = rung.crop.moved(right, below)
        luma, u, _ = crop.planes(y, chroma, chroma)
        assert luma.shape == (rung.crop.height, rung.crop.width)
        assert u.shape == (rung.crop.height // 2, rung.crop.width // 2)
        assert luma[0, 0] == y[crop.y, crop.x]
        halfway = chroma[math.floor(crop.y / 2) :, math.floor(crop.x / 2) :][:2, :2].astype(float)
        assert halfway.min() <= u[0, 0] <= halfway.max() and abs(int(u[0, 0]) - halfway.mean()) <= 1
    with pytest.raises(ValueError, match="within its frame"):
        Crop.of(512, 288).moved(17, 0).planes(wide(), wide((144, 256)), wide((144, 256)))


def test_a_crop_that_moves_costs_less_than_a_third_of_a_millisecond() -> None:
    for rung in LADDER:
        y = wide((288 * rung.scale, 512 * rung.scale))
        u = np.ascontiguousarray(y[::2, ::2])
        moved = rung.crop.moved(min(2, rung.scale) + 2, -min(2, rung.scale))
        spent = []
        for _ in range(30):
            begun = time.thread_time()
            moved.planes(y, u, u)
            spent.append(time.thread_time() - begun)
        assert min(spent) < 0.0003, f"{rung.name}: {min(spent) * 1e3:.3f} ms"
