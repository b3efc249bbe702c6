"""An event that goes on in a land, and what events add to a shot.
Knows records; refuses to know which events there are."""

from __future__ import annotations

from dataclasses import dataclass, field

from model.worlds.bodies import Path
from model.worlds.happenings import Event
from model.worlds.lands import Land
from model.worlds.solids import Body


@dataclass
class Scene:
    """What events add to a shot."""

    body: Body
    fires: list[tuple[float, float, float, float]] = field(default_factory=list)
    sparks: list[tuple[float, ...]] = field(default_factory=list)
    saplings: list[tuple[float, ...]] = field(default_factory=list)
    burst: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    lamp: tuple[float, float, float, float] | None = None
    rainbow: float = 0.0


@dataclass(frozen=True)
class Act:
    """An event that has begun. `noises`: (age s, kind, x, y, z, strength) of what can be heard of it."""

    event: Event
    land: Land
    seed: int
    yaw: float
    path: Path | None
    noises: tuple[tuple[float, str, float, float, float, float], ...]

    def shown(self, age_s: float, rise_s: float = 0.8) -> float:
        """From 0 to 1 after its begin, and back before its end."""
        left = self.event.end_s - self.event.begin_s - age_s
        return max(0.0, min(1.0, age_s / rise_s, left / rise_s))
