"""At which rung a world is drawn: the highest that a machine holds at first, then down when it falls behind and up
again when there is room. Pure: the clock is an argument. Knows rates and shares of time; nothing of pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from engine.messages import FRAME_RATE

TO_SPARE = 1.15  # times FRAME_RATE that a rung must hold before it is chosen
FALL_WINDOW_S, FALL_SKIPPED = 2.0, 0.08  # of the frames of so long
CLIMB_WINDOW_S = 6.0  # that there has to be room for
HOLD_S, LONGEST_HOLD_S = 10.0, 300.0  # after a fall, until the next climb; doubles with each
PROVEN_S = 60.0  # on a rung that was climbed, after which the fall before it is forgotten


def highest(rates: Sequence[float]) -> int:
    """The highest rung that holds FRAME_RATE with TO_SPARE, by the frames a second that each reaches; else the
    lowest."""
    return max((at for at, rate in enumerate(rates) if rate >= TO_SPARE * FRAME_RATE), default=0)


class Control:
    """The rung of one session, by number. `rates`: frames a second that the machine reached on each, from below."""

    def __init__(self, rates: Sequence[float], now_s: float) -> None:
        if not rates or any(rate <= 0 for rate in rates):
            raise ValueError(f"expected a rate above 0 for each rung, got {list(rates)}")
        self._rates = list(rates)
        self.rung = highest(rates)
        self._since_s, self._hold_s, self._climbs_from_s = now_s, HOLD_S, now_s
        self._climbed = False
        self._seen: deque[tuple[float, float, int]] = deque()  # when, share of the period, slots skipped before it

    def saw(self, busy: float, skipped: int, now_s: float) -> int:
        """A tick took this share of its period (above 1: longer), after so many slots that had to be skipped. Returns
        the rung of the next frame."""
        self._seen.append((now_s, busy, skipped))
        while self._seen[0][0] < now_s - CLIMB_WINDOW_S:
            self._seen.popleft()
        if self._climbed and now_s - self._since_s >= PROVEN_S:
            self._hold_s = HOLD_S
        if self.rung and self._behind(now_s):
            self._climbs_from_s = now_s + self._hold_s
            self._hold_s = min(2 * self._hold_s, LONGEST_HOLD_S)
            self._move(self.rung - 1, now_s)
        elif self.rung + 1 < len(self._rates) and self._room(now_s):
            self._move(self.rung + 1, now_s)
        return self.rung

    def _behind(self, now_s: float) -> bool:
        """Whether too many of the last frames were skipped; not judged before there is a window of them."""
        last = [skipped for at, _, skipped in self._seen if at > now_s - FALL_WINDOW_S]
        whole = now_s - self._since_s >= FALL_WINDOW_S
        return whole and sum(last) > FALL_SKIPPED * (len(last) + sum(last))

    def _room(self, now_s: float) -> bool:
        """Whether the next rung would have held, with time to spare, all through the last window."""
        if now_s < max(self._climbs_from_s, self._since_s + CLIMB_WINDOW_S) or any(s for _, _, s in self._seen):
            return False
        mean = sum(busy for _, busy, _ in self._seen) / len(self._seen)
        return mean * self._rates[self.rung] / self._rates[self.rung + 1] * TO_SPARE <= 1

    def _move(self, rung: int, now_s: float) -> None:
        self._climbed, self.rung, self._since_s = rung > self.rung, rung, now_s
        self._seen.clear()
