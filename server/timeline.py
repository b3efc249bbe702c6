"""One session's frame numbers and timestamps, continuous across the worlds that take each other's place.
Knows nothing of packets; the time is an argument."""

from __future__ import annotations

from engine.messages import FRAME_RATE, VIDEO_CLOCK

TICKS_A_FRAME = VIDEO_CLOCK // FRAME_RATE


class Timeline:
    """Each world counts pts from nothing, and frames from where it was saved; people see one count that never goes
    back, and that is the world's own where nobody has seen it since the gateway's start."""

    def __init__(self) -> None:
        self._first_frame = self._first_pts = 0
        self._next_frame = self._next_pts = 0
        self._last_at: float | None = None

    def restart(self, now: float, world_frame: int = 0) -> None:
        """A world begins at `now`, seconds, with its frame `world_frame`; the gap since the last frame passes on the
        clock too."""
        gap = TICKS_A_FRAME if self._last_at is None else int((now - self._last_at) * VIDEO_CLOCK)
        self._next_frame = max(self._next_frame, world_frame)
        self._first_frame = self._next_frame - world_frame
        self._first_pts = self._next_pts + max(0, gap - TICKS_A_FRAME)

    def place(self, frame: int, pts: int, now: float) -> tuple[int, int]:
        """(frame, pts) of a packet as people see them; the packet counts as seen at `now`."""
        placed = self.frame(frame), self.pts(pts)
        self._next_frame, self._next_pts = placed[0] + 1, placed[1] + TICKS_A_FRAME
        self._last_at = now
        return placed

    def frame(self, frame: int) -> int:
        """The world's frame number, as people count."""
        return self._first_frame + frame

    def pts(self, pts: int) -> int:
        """The world's timestamp, as people count."""
        return self._first_pts + pts
