"""A session's pictures: their rung, their size, and an IDR where it changes."""

from dataclasses import dataclass

import av
import numpy as np
import pytest

from engine.codec import FRAME_TICKS, Plane
from engine.display import Display, Shown, Sight
from engine.enlarging import Enlarger
from engine.inputs import BadInput
from engine.rungs import LADDER, rung_named


@dataclass(frozen=True)
class Grey:
    """A frame."""

    y: Plane
    u: Plane
    v: Plane


GREY = Grey(np.full((288, 512), 90, np.uint8), *(np.full((144, 256), 128, np.uint8) for _ in "uv"))


@pytest.fixture(scope="module")
def enlarger() -> Enlarger:
    return Enlarger.load()


def show(display: Display, count: int, first: int = 0, idr: bool = False) -> list[Shown]:
    return [display.show(GREY, (first + i) * FRAME_TICKS, idr, 0) for i in range(count)]


def size(packets: list[Shown]) -> tuple[int, int]:
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for shown in packets for frame in decoder.decode(av.Packet(shown.packet.data))]
    assert all(np.abs(frame.to_ndarray()[: frame.height // 2, :].astype(int) - 90).max() < 4 for frame in frames)
    return frames[-1].width, frames[-1].height


@pytest.mark.parametrize("rung", LADDER)
def test_each_rung_streams_its_crop(enlarger: Enlarger, rung) -> None:
    shown = show(Display(Sight(enlarger, fixed=rung), 0.0), 2)
    assert size(shown) == (rung.crop.width, rung.crop.height)
    assert [one.packet.keyframe for one in shown] == [True, False]
    assert [one.moved for one in shown] == [rung, None]
    assert (shown[1].enlarge_ms > 0.1) == (rung.scale > 1)


def test_a_pinned_rung_begins_with_the_only_idr(enlarger: Enlarger) -> None:
    display = Display(Sight(enlarger), 0.0)
    before = show(display, 30)
    display.pin("540p")
    after = show(display, 30, 30, idr=True)  # people ask for keyframes whenever a picture changes
    assert size(before) == (480, 270) and size(after) == (960, 540) and display.pinned
    assert [one.packet.keyframe for one in before[1:]] == [False] * 29
    assert after[0].packet.keyframe and sum(one.packet.keyframe for one in after) <= 3
    assert not any(one.packet.keyframe for one in after[1:12])


def test_who_lets_go_of_a_rung_is_told_although_nothing_moves(enlarger: Enlarger) -> None:
    display = Display(Sight(enlarger), 0.0)
    display.pin("270p")
    assert [one.moved for one in show(display, 2)] == [LADDER[0], None] and display.pinned
    display.pin("")
    after = show(display, 2, 2)
    assert [one.moved for one in after] == [LADDER[0], None] and not display.pinned
    assert not any(one.packet.keyframe for one in after)


def test_a_machine_that_falls_behind_shows_smaller_pictures_unless_they_are_pinned(enlarger: Enlarger) -> None:
    def after_falling_behind(pinned: str) -> list[Shown]:
        display = Display(Sight(enlarger, (60.0, 40.0, 30.0)), 0.0)
        display.pin(pinned)
        for tick in range(1, 100):
            display.paced(1.0, 1, tick / 12)
        return show(display, 1)

    assert size(after_falling_behind("")) == (480, 270)
    assert size(after_falling_behind("1080p")) == (1920, 1080)


def test_a_rung_that_is_not_there_is_refused_by_name(enlarger: Enlarger) -> None:
    with pytest.raises(BadInput, match="270p, 540p, 1080p, not '4k'"):
        Display(Sight(enlarger), 0.0).pin("4k")
    with pytest.raises(BadInput, match="draws at 270p only"):
        Display(Sight(), 0.0).pin("540p")
    assert rung_named("1080p").codec.width == 2048
