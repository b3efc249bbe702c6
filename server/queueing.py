"""Who waits for a world, in which place, and about how long.
Pure: names and times are arguments; knows no session."""

from __future__ import annotations

from collections import deque

REMEMBERED = 32  # stays that the expectation is judged by


class Queue:
    """First come, first served; who lost its world comes before all others."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._waiting: list[str] = []
        self._stays_s: deque[float] = deque(maxlen=REMEMBERED)

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, name: str) -> bool:
        return name in self._waiting

    @property
    def full(self) -> bool:
        """Whether nobody may join at the end."""
        return len(self._waiting) >= self._length

    @property
    def waiting(self) -> list[str]:
        """The names, next one first."""
        return list(self._waiting)

    def join(self, name: str, first: bool = False) -> None:
        """Stand at the end, or before all others. Who stands in it already stays there."""
        if name not in self._waiting:
            self._waiting.insert(0 if first else len(self._waiting), name)

    def leave(self, name: str) -> None:
        """Give the place up; giving it up twice does nothing."""
        if name in self._waiting:
            self._waiting.remove(name)

    def next(self) -> str | None:
        """Who is served now; None if nobody waits."""
        return self._waiting.pop(0) if self._waiting else None

    def place(self, name: str) -> int | None:
        """1 is next; None for who does not wait."""
        return self._waiting.index(name) + 1 if name in self._waiting else None

    def stayed(self, seconds: float) -> None:
        """A world was left after so long."""
        self._stays_s.append(seconds)

    def wait_s(self, place: int, worlds: int) -> float | None:
        """How long a place's wait is expected to be where `worlds` live at once; None before anybody has left.

        Stays are taken as memoryless, so a world becomes free every mean / worlds seconds."""
        if not self._stays_s or worlds < 1:
            return None
        return place * sum(self._stays_s) / len(self._stays_s) / worlds
