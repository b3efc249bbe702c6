"""How often something may happen: windows per key for HTTP, and token buckets for one peer's messages.
Knows nothing of what is limited; buckets take the time as an argument."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from server.problems import Problem


class RateLimits:
    """Moving windows in this process's memory."""

    def __init__(self) -> None:
        self._windows = MovingWindowRateLimiter(MemoryStorage())
        self._parsed: dict[str, RateLimitItem] = {}

    def take(self, rate: str, *key: str) -> None:
        """Count one event of `key` against `rate`, such as "10/minute". Raises Problem too-many-requests."""
        item = self._parsed.setdefault(rate, parse(rate))
        if self._windows.hit(item, *key):
            return
        wait_s = max(1, math.ceil(self._windows.get_window_stats(item, *key).reset_time - time.time()))
        raise Problem("too-many-requests", f"Try again in {wait_s} s.", {"Retry-After": str(wait_s)})


class TokenBucket:
    """`rate_a_s` tokens a second, `burst` at most. Times are seconds of any one clock."""

    def __init__(self, rate_a_s: float, burst: float) -> None:
        if rate_a_s <= 0 or burst <= 0:
            raise ValueError(f"a bucket needs a positive rate and burst, got {rate_a_s} and {burst}")
        self._rate_a_s, self._burst = rate_a_s, burst
        self._tokens, self._at = burst, -math.inf

    def take(self, now: float, amount: float = 1.0) -> bool:
        """Whether `amount` may pass at `now`; it is counted if it may."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate_a_s)
        self._at = now
        if amount > self._tokens:
            return False
        self._tokens -= amount
        return True
