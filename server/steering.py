"""Merges the snapshots of a session's drivers into the one that its world obeys.
Knows no connection; the time is an argument."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field

from server.channels import Controls

REMEMBERED = 512  # snapshots a driver whose receipts can still be told


@dataclass(frozen=True)
class Merged:
    """What goes to the worker: a session-wide sequence number, all held buttons, summed look totals."""

    seq: int
    buttons: int
    look_x: float
    look_y: float


@dataclass
class _Hand:
    """One driver's last snapshot, and which merged snapshot carried which of its own."""

    last: Controls
    heard_at: float
    buttons: int
    sent: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))


class Steering:
    """Two hands at one wheel: buttons are held by whoever holds them, look deltas add up."""

    def __init__(self, silence_s: float) -> None:
        self._silence_s = silence_s
        self._hands: dict[str, _Hand] = {}
        self._seq = 0
        self._look_x = self._look_y = 0.0

    def update(self, driver: str, controls: Controls, now: float) -> Merged | None:
        """Take a snapshot; None if it is older than one already taken. A driver's first one sets its totals' origin."""
        hand = self._hands.get(driver)
        if hand is None:
            hand = self._hands[driver] = _Hand(controls, now, 0)
        elif controls.seq <= hand.last.seq:
            return None
        self._look_x += controls.look_x - hand.last.look_x
        self._look_y += controls.look_y - hand.last.look_y
        hand.last, hand.heard_at, hand.buttons = controls, now, controls.buttons
        merged = self._next()
        hand.sent.append((merged.seq, controls.seq))
        return merged

    def release_silent(self, now: float) -> Merged | None:
        """Let go of the buttons of drivers that fell silent; None if nobody's changed."""
        silent = [h for h in self._hands.values() if h.buttons and now - h.heard_at > self._silence_s]
        for hand in silent:
            hand.buttons = 0
        return self._next() if silent else None

    def forget(self, driver: str) -> Merged | None:
        """A driver left; the merged snapshot without it, if that differs."""
        hand = self._hands.pop(driver, None)
        return self._next() if hand is not None and hand.buttons else None

    def restart(self) -> Merged:
        """A new world counts look totals from nothing; the drivers' hands stay where they are."""
        self._look_x = self._look_y = 0.0
        return self._next()

    def obeyed(self, driver: str, merged_seq: int) -> int:
        """The newest of the driver's own sequence numbers that a frame obeyed, -1 for none."""
        hand = self._hands.get(driver)
        if hand is None:
            return -1
        after = bisect_right(hand.sent, merged_seq, key=lambda pair: pair[0])
        return hand.sent[after - 1][1] if after else -1

    def _next(self) -> Merged:
        self._seq += 1
        buttons = 0
        for hand in self._hands.values():
            buttons |= hand.buttons
        return Merged(self._seq, buttons, self._look_x, self._look_y)
