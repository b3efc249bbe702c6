"""What happens in a film, as plain records: events with a begin, an end and a place, and what of it can be heard.
Knows names, seconds and metres; refuses to know how anything looks or sounds."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from configs.paths import vocabulary
from model.worlds.physics import SOUND_M_S

HEARD = ("footfall", "landing", "bounce", "thunder", "burst", "splash")
GROUNDS = ("none", "grass", "sand", "rock", "snow", "water", "stone", "dust", "wood")


@dataclass(frozen=True)
class Heard:
    """Something short: it happens at `at_s` (seconds since the film began), `distance_m` from the camera, with a
    strength in [0, 1], on some ground. What is far away is heard later: see `heard_s`."""

    kind: str
    at_s: float
    distance_m: float
    strength: float = 1.0
    ground: str = "none"

    def __post_init__(self) -> None:
        if self.kind not in HEARD:
            raise ValueError(f"a sound's kind is one of {', '.join(HEARD)}; got {self.kind!r}")
        if self.ground not in GROUNDS:
            raise ValueError(f"a ground is one of {', '.join(GROUNDS)}; got {self.ground!r}")
        for name in ("at_s", "distance_m", "strength"):
            value = getattr(self, name)
            if not isfinite(value) or value < 0:
                raise ValueError(f"{name} must be finite and not negative; got {value}")

    @property
    def heard_s(self) -> float:
        """When its sound arrives at the camera."""
        return self.at_s + self.distance_m / SOUND_M_S


@dataclass(frozen=True)
class Ambience:
    """What sounds through a whole frame, by distance in metres (infinite: not there) and strength in [0, 1]; birds and
    gulls by how often they are heard, times a second."""

    wind: float
    rain: float
    fire_m: float
    waves_m: float
    boat: float
    birds: float = 0.0
    gulls: float = 0.0
    crickets: float = 0.0


@dataclass(frozen=True)
class Event:
    """One of the vocabulary's events, from `begin_s` until before `end_s`, at a place in world metres."""

    name: str
    begin_s: float
    end_s: float
    x: float
    y: float
    z: float

    def __post_init__(self) -> None:
        known = [name for name in vocabulary()["event"] if name != "none"]
        if self.name not in known:
            raise ValueError(f"an event is one of {', '.join(known)}; got {self.name!r}")
        for name in ("begin_s", "end_s", "x", "y", "z"):
            if not isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be finite; got {getattr(self, name)}")
        if not 0 <= self.begin_s < self.end_s:
            raise ValueError(f"an event begins at 0 s or later and ends after; got {self.begin_s} to {self.end_s}")

    def active(self, at_s: float) -> bool:
        """Whether it goes on at this second."""
        return self.begin_s <= at_s < self.end_s
