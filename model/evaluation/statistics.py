"""Intervals and what is beyond noise. Knows numbers; nothing of pictures.
The bootstrap is the percentile one (Efron 1979), over cases: seeds, never frames of one seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

Case = TypeVar("Case")
DRAWS = 1000


def interval(
    cases: Sequence[Case], figure: Callable[[list[Case]], float], draws: int = DRAWS, seed: int = 0
) -> tuple[float, float]:
    """The 95 % interval of a figure over cases. Raises ValueError without cases."""
    if not cases:
        raise ValueError("expected at least one case, got none")
    rng = np.random.default_rng(seed)
    values = [figure([cases[i] for i in rng.integers(0, len(cases), len(cases))]) for _ in range(draws)]
    low, high = np.nanquantile(values, (0.025, 0.975))
    return float(low), float(high)


def mean(values: Sequence[float]) -> float:
    """The mean. Raises ValueError without values."""
    if not values:
        raise ValueError("expected at least one value, got none")
    return float(np.mean(values))


def beyond_noise_in_pairs(a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether the same cases came to something else the second time: the 95 % interval of the mean difference leaves
    out 0. What makes one case harder than another is no noise then."""
    if len(a) != len(b):
        raise ValueError(f"expected as many cases of both; got {len(a)} and {len(b)}")
    low, high = interval([y - x for x, y in zip(a, b, strict=True)], mean)
    return low > 0 or high < 0


def beyond_noise(a: tuple[float, float, float], b: tuple[float, float, float]) -> bool:
    """Whether two figures (value, low, high) differ by more than their intervals explain, at 95 %: each half interval
    is taken as 1.96 standard errors towards the other figure."""
    (low, high) = (a, b) if a[0] <= b[0] else (b, a)
    spread = ((low[2] - low[0]) ** 2 + (high[0] - high[1]) ** 2) ** 0.5
    return high[0] - low[0] > spread
