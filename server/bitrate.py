"""What the session's one encoder may spend, judged by what the drivers' browsers say of their lines.
Knows no packet and no encoder; the time is an argument.

A browser's estimate (REMB, draft-alvestrand-rmcat-remb) is no bound by itself: it begins at what arrives, and after a
quiet scene it stays far below what the line carries for minutes. Its fall, while it went along with what was sent, is
news: the line's queue grows. Lost packets are the other news: many, or a few while less than is sent is estimated.
"""

from __future__ import annotations

from collections import deque

LEAST = 150_000  # sound, what is told and packets sent again need 200,000 beside it
MUCH_LOST, LITTLE_LOST = 0.1, 0.02
FALL, RISE_A_S = 0.95, 1.08
FARTHEST = 3.0  # times what is sent: an estimate beyond was never tried out, and says nothing when it falls
HELD_S = 2.0  # after a fall, until what was queued has left
HYSTERESIS = 0.1
WINDOW_S = 1.0


class LossMeter:
    """Receiver reports as shares lost over a second. A browser that misses a packet reports at once, beside its NACK:
    one report may be about three packets, and the share that it names is no news."""

    def __init__(self) -> None:
        self._before: tuple[int, int, float] | None = None

    def share(self, highest: int, lost: int, now: float) -> float | None:
        """Of the packets of the last second or more; None while that is not over. `highest` and `lost` are those of RFC
        3550: the extended number of the newest packet, and how many of all are missing."""
        if self._before is None or highest < self._before[0]:
            self._before = (highest, lost, now)
            return None
        expected, missing = highest - self._before[0], lost - self._before[1]
        if now - self._before[2] < WINDOW_S or not expected:
            return None
        self._before = (highest, lost, now)
        return min(1.0, max(0.0, missing / expected))


class Line:
    """One driver's line: `carries` is in bits a second, `most` where nothing is known against it."""

    def __init__(self, most: int, now: float) -> None:
        self.carries = float(most)
        self._most, self._risen_at = most, now
        self._estimate = 0

    def allow(self, most: int) -> None:
        """There may be sent so much from now on. A line of which nothing bad is known is tried out."""
        self.carries = float(most) if self.carries >= self._most else min(self.carries, float(most))
        self._most = most

    def lost(self, fraction: float, sent: float, now: float) -> None:
        """A receiver report: this part of the packets since the last one is missing, of `sent` bits a second."""
        if fraction > MUCH_LOST:
            return self._fall(sent * (1 - fraction), now)
        if fraction < LITTLE_LOST and now > self._risen_at:
            self.carries = min(self._most, self.carries * RISE_A_S ** (now - self._risen_at))
        elif fraction >= LITTLE_LOST and 0 < self._estimate < sent:
            return self._fall(self._estimate, now)
        self._risen_at = max(self._risen_at, now)  # time in which packets are lost is none to rise in

    def estimated(self, bits_per_second: int, sent: float, now: float) -> None:
        """A REMB."""
        before, self._estimate = self._estimate, bits_per_second
        if bits_per_second < FALL * before and sent < before < FARTHEST * sent:
            self._fall(bits_per_second, now)

    def _fall(self, carries: float, now: float) -> None:
        self.carries = max(min(self.carries, carries), min(LEAST, self._most))
        self._risen_at = now + HELD_S


class Bitrate:
    """The target of the encoder, which begins with `most`: what the narrowest of the drivers' lines carries.
    It changes by a tenth or more."""

    def __init__(self, most: int) -> None:
        self._most = self._told = most
        self._lines: dict[str, Line] = {}
        self._sizes: deque[tuple[float, int]] = deque()

    def sent(self, size: int, now: float) -> None:
        """A packet of so many bytes left for everybody."""
        self._sizes.append((now, size))
        while self._sizes[0][0] < now - WINDOW_S:
            self._sizes.popleft()

    def lost(self, driver: str, fraction: float, now: float) -> int | None:
        """A driver's receiver report; the new target, if there is one."""
        self._line(driver, now).lost(fraction, self.sent_a_s(now), now)
        return self._step()

    def estimated(self, driver: str, bits_per_second: int, now: float) -> int | None:
        """A driver's REMB; the new target, if there is one."""
        self._line(driver, now).estimated(bits_per_second, self.sent_a_s(now), now)
        return self._step()

    def forget(self, driver: str) -> int | None:
        """A driver left; the new target, if there is one."""
        return self._step() if self._lines.pop(driver, None) else None

    def restart(self, most: int) -> int | None:
        """A new encoder begins with `most`; the target that it has to be told, if it is another."""
        for line in self._lines.values():
            line.allow(most)
        self._told = self._most = most
        return self._step()

    def _line(self, driver: str, now: float) -> Line:
        if driver not in self._lines:
            self._lines[driver] = Line(self._most, now)
        return self._lines[driver]

    def sent_a_s(self, now: float) -> float:
        """Bits a second, over the last second."""
        while self._sizes and self._sizes[0][0] < now - WINDOW_S:
            self._sizes.popleft()
        return 8 * sum(size for _, size in self._sizes) / WINDOW_S

    def _step(self) -> int | None:
        target = int(min((line.carries for line in self._lines.values()), default=self._most))
        near = abs(target - self._told) <= HYSTERESIS * self._told
        if target == self._told or (near and target != self._most):
            return None
        self._told = target
        return target
