"""When each packet of sound leaves: one after the other though they come by the handful, and not long before pictures.
A browser holds sound back for as long as packets ever were uneven. Pure: the clock is an argument, in seconds."""

from __future__ import annotations

from collections import deque

from engine.messages import VIDEO_CLOCK

REMEMBERED_S = 2.0
BROWSER_S = 0.04  # that a browser holds even sound back, its codec's delay with it; a picture is seen at once
EASING = 0.01  # seconds a second by which the pace follows what comes later or sooner than before
NEARLY_ALL = 0.9  # by more, the few that a busy machine delays would hold up all others
APART_S = 0.1  # what differs by more than that is another world, or another machine: followed at once


class Pace:
    """One session's sound: a packet leaves so long after its own time as nearly all sound comes, or BROWSER_S before
    pictures do. What comes later than that goes on as it comes: a browser evens that out."""

    def __init__(self) -> None:
        self._sound, self._pictures = _Lateness(NEARLY_ALL), _Lateness(0.5)
        self._behind_s: float | None = None
        self._at = 0.0

    def pictured(self, pts: int, now: float) -> None:
        """The picture of `pts` (VIDEO_CLOCK) leaves."""
        self._pictures.came(pts, now)

    def came(self, pts: int, now: float) -> None:
        """Sound came that begins at `pts`."""
        wanted_s = self._sound.came(pts, now)
        if (pictures_s := self._pictures.late_s) is not None:
            wanted_s = max(wanted_s, pictures_s - BROWSER_S)
        most_s = EASING * (now - self._at)
        if self._behind_s is None or abs(wanted_s - self._behind_s) > APART_S:
            self._behind_s = wanted_s
        self._behind_s += min(max(wanted_s - self._behind_s, -most_s), most_s)
        self._at = now

    def leaves(self, pts: int, now: float) -> float:
        """When the packet of `pts`, which is here, leaves."""
        if self._behind_s is None:
            raise RuntimeError("expected sound to have come before it leaves")
        return max(now, pts / VIDEO_CLOCK + self._behind_s)


class _Lateness:
    """How long after its time this share of something had come, in the last seconds."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._came: deque[tuple[float, float]] = deque()  # when, and how long after its time

    def came(self, pts: int, now: float) -> float:
        self._came.append((now, now - pts / VIDEO_CLOCK))
        while now - self._came[0][0] > REMEMBERED_S:
            self._came.popleft()
        assert self.late_s is not None
        return self.late_s

    @property
    def late_s(self) -> float | None:
        late = sorted(late_s for _, late_s in self._came)
        return late[int(self._share * len(late))] if late else None
