"""Tick decisions with a manual clock."""

from __future__ import annotations

import pytest

from engine.pacing import Tick, next_tick


def run(step_s: list[float], period_s: float = 1.0) -> list[tuple[int, float]]:
    """The (slot, start) of each tick of a stream whose steps take that long."""
    now_s, slot, ticks = 100.0, -1, []
    for seconds in step_s:
        tick = next_tick(100.0, slot, now_s, period_s)
        slot, now_s = tick.slot, now_s + tick.wait_s
        ticks.append((slot, now_s - 100))
        now_s += seconds
    return ticks


def test_quick_steps_start_exactly_on_their_slots() -> None:
    assert run([0.25] * 4) == [(0, 0), (1, 1), (2, 2), (3, 3)]


def test_one_late_step_keeps_its_slot_and_the_next_is_on_time_again() -> None:
    assert run([0.5, 1.5, 0.25, 0.5]) == [(0, 0), (1, 1), (2, 2.5), (3, 3)]


def test_a_long_stall_gives_up_slots_and_never_bursts() -> None:
    assert run([0.5, 5.25, 0.5, 0.5]) == [(0, 0), (1, 1), (6, 6.25), (7, 7)]


def test_steps_that_are_always_too_long_stay_less_than_a_period_behind() -> None:
    ticks = run([1.25] * 40)
    assert all(0 <= start - slot < 1 for slot, start in ticks)
    assert [slot for slot, _ in ticks] == sorted({slot for slot, _ in ticks})


def test_what_was_given_up_is_counted() -> None:
    assert next_tick(0.0, 4, 8.5, 1.0) == Tick(8, 0.0, 3)


def test_a_period_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0 s"):
        next_tick(0.0, -1, 0.0, 0.0)
