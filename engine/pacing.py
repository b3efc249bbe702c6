"""When the next tick is due and which slot of the stream it fills. Pure: the clock is an argument.
Knows nothing of worlds, and never tries to catch up more than one frame."""

from __future__ import annotations

from dataclasses import dataclass

from engine.messages import FRAME_RATE

PERIOD_S = 1 / FRAME_RATE


@dataclass(frozen=True)
class Tick:
    """`slot` counts periods since the stream began: the picture's place in time. `wait_s`: sleep before it.
    `skipped`: slots that were given up because their time had gone by."""

    slot: int
    wait_s: float
    skipped: int


def next_tick(started_s: float, last_slot: int, now_s: float, period_s: float = PERIOD_S) -> Tick:
    """The tick after `last_slot` (-1: none yet) of a stream that began at `started_s`.

    Early: wait for the slot. Late by less than a period: go at once and keep the slot, which absorbs jitter.
    Later than that: give up the slots that are over, and start again from the one that is running."""
    if period_s <= 0:
        raise ValueError(f"a period is above 0 s, not {period_s}")
    slot = last_slot + 1
    late_s = now_s - (started_s + slot * period_s)
    if late_s <= 0:
        return Tick(slot, -late_s, 0)
    skipped = int(late_s / period_s)
    return Tick(slot + skipped, 0.0, skipped)
