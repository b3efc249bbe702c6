"""How long the stages took and how much memory the process holds: the figures of Stats and of `mundo bench`.
Knows no world and no clock; whoever measures hands the milliseconds in."""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

MIB = 1 << 20


def resident_mib() -> float:
    """Memory that the process holds now."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return peak_mib()
    return int(statm.read_text().split()[1]) * resource.getpagesize() / MIB


def peak_mib() -> float:
    """The most memory that the process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / 1024


def percentile(values: Sequence[float], percent: float) -> float:
    """Linear between neighbours; 0 of nothing."""
    return float(np.percentile(values, percent)) if values else 0.0


@dataclass
class Meter:
    """Milliseconds a stage, of the frames since the last `reset`."""

    step_ms: list[float] = field(default_factory=list)
    decode_ms: list[float] = field(default_factory=list)
    encode_ms: list[float] = field(default_factory=list)

    def add(self, step_ms: float, decode_ms: float, encode_ms: float) -> None:
        """One finished frame."""
        self.step_ms.append(step_ms)
        self.decode_ms.append(decode_ms)
        self.encode_ms.append(encode_ms)

    @property
    def frames(self) -> int:
        """Frames since the last reset."""
        return len(self.step_ms)

    def reset(self) -> None:
        """Forget them."""
        for stage in (self.step_ms, self.decode_ms, self.encode_ms):
            stage.clear()


def mean(values: Sequence[float]) -> float:
    """0 of nothing."""
    return sum(values) / len(values) if values else 0.0
