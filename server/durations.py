"""Spans of time as people write them: "90s", "30m", "12h", "7d".
Knows nothing of what they are for."""

from __future__ import annotations

import re

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def seconds(span: str) -> float:
    """A span such as "7d" as seconds. Raises ValueError."""
    match = _SPAN.fullmatch(span.strip().lower())
    if match is None or float(match[1]) == 0:
        raise ValueError(f"expected a span such as 30m, 12h or 7d, got {span!r}")
    return float(match[1]) * _UNITS_S[match[2]]
