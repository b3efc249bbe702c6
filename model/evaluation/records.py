"""What a suite of sound or voice measured: cases of the weights, of the ceiling and of the floor.
Knows their shape alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from model.evaluation.figures import Family

Record = dict[str, Any]  # metric, case, values, over_time, strip: as model.evaluation.suite's


class Records(NamedTuple):
    """Of the weights, and what they are held against."""

    weights: list[Record]
    ceiling: list[Record]
    floor: list[Record]


class Audible(Family, Protocol):
    """A family of figures that needs no world: one file of weights, and what it is held against."""

    def records(self, weights: Path, say: Callable[[str], None]) -> Records:
        """Measures. Raises CheckpointError."""
