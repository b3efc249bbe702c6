"""How long a world may live at a stretch where the operator limits that, and when people are told.
Pure: the time is an argument."""

from __future__ import annotations

ANNOUNCED_LEFT_S = (300, 60, 10)


class Term:
    """`most_s` from each beginning on; 0 is for ever."""

    def __init__(self, most_s: float) -> None:
        self._most_s = most_s
        self._since = 0.0
        self._announced: set[int] = set()

    def begin(self, now: float) -> None:
        """The world lives, and nothing is announced."""
        self._since = now
        self._announced.clear()

    def left_s(self, now: float) -> float:
        """What is left of it; infinite without a limit."""
        return self._most_s - (now - self._since) if self._most_s else float("inf")

    def announces(self, now: float) -> bool:
        """Whether people have to be told now what is left; that counts as done."""
        left_s, due = self.left_s(now), False
        for mark_s in ANNOUNCED_LEFT_S:
            if mark_s not in self._announced and left_s <= mark_s < self._most_s:
                self._announced.update(mark for mark in ANNOUNCED_LEFT_S if mark >= mark_s)
                due = True
        return due
