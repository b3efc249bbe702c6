"""How much of a session's picture one viewer's line is given: a line that cannot carry all of it gets the beginning of
each second, from a keyframe on, instead of a stream that is full of holes.
Knows reports of the line and counts frames; the time, of any one clock, is an argument. Additive increase,
multiplicative decrease, as TCP does it (RFC 5681)."""

from __future__ import annotations

from engine.messages import FRAME_RATE
from server.bitrate import LITTLE_LOST, MUCH_LOST

LEAST = 0.1
DOWN, UP_A_S = 0.7, 0.04
TAKES_EFFECT_S = 1.5  # a report about what was sent before the last step says nothing about it
DRAIN_FRAMES = FRAME_RATE  # what waits on the line goes first


class Thinning:
    """One viewer's. `share` of the frames go to it, 1.0 on a line that carries them all."""

    def __init__(self) -> None:
        self.share = 1.0
        self._estimate = 0
        self._changed_at = float("-inf")
        self._drain = self._place = 0

    def estimated(self, bits_per_second: int) -> None:
        """What the browser believes that its line carries."""
        self._estimate = bits_per_second

    def lost(self, fraction: float, sent: float, now: float) -> None:
        """This part of the packets since the last report is missing; the session sends `sent` bits a second."""
        since_s = now - self._changed_at
        # a line that loses by chance, and carries all the same, is not helped by less
        if fraction > MUCH_LOST and 0 < self._estimate < sent:
            if since_s > TAKES_EFFECT_S:
                self.share = max(LEAST, self.share * DOWN)
                self._changed_at, self._drain, self._place = now, DRAIN_FRAMES, 0
        elif fraction < LITTLE_LOST and self.share < 1.0 and since_s > TAKES_EFFECT_S:
            self.share = min(1.0, self.share + UP_A_S * since_s)
            self._changed_at = now

    def end(self) -> None:
        """The viewer drives now: the picture's rate follows its line instead."""
        self.share, self._drain = 1.0, 0

    def shows(self) -> bool:
        """Whether the next frame goes to this viewer."""
        if self._drain:
            self._drain -= 1
            return False
        if self.share == 1.0:
            return True
        self._place = (self._place + 1) % FRAME_RATE
        return self._place < max(2, round(self.share * FRAME_RATE))
