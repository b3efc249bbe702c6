"""What the painter of the full worlds is given: a frame, a camera, a sky with all it can show, things, lights, a look.
Knows names, units and ranges; refuses to know how they are painted."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from math import cos, isfinite, sin

import numpy as np
from numpy.typing import NDArray

from configs.paths import vocabulary
from model.worlds.solids import COLUMNS, Rows

WHOLE_LIMIT = 4096
SPAN = 1.2  # 2 tan(vertical field of view / 2) without zoom, margin included


@dataclass(frozen=True)
class Frame:
    """The picture's size in pixels, and the corner (right, up from the lower left) and size of the whole of which it is
    a part."""

    width: int
    height: int
    left: int = 0
    low: int = 0
    whole_width: int = 0
    whole_height: int = 0

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0 or self.width % 16 or self.height % 16:
            raise ValueError(f"width and height must be positive multiples of 16; got {self.width} x {self.height}")
        wide, high = self.whole
        if not (0 <= self.left <= wide - self.width and 0 <= self.low <= high - self.height) or wide > WHOLE_LIMIT:
            raise ValueError(
                f"a crop lies within its whole of {wide} x {high}; got {self.width} x {self.height} "
                f"at {self.left}, {self.low}"
            )

    @property
    def whole(self) -> tuple[int, int]:
        return self.whole_width or self.width, self.whole_height or self.height


@dataclass(frozen=True)
class Camera:
    """Metres and radians; y up, yaw right of +z, pitch up, roll to the right; `span` is 2 tan(field of view / 2)."""

    x: float
    y: float
    z: float
    yaw: float
    pitch: float = 0.0
    roll: float = 0.0
    span: float = SPAN

    def __post_init__(self) -> None:
        _finite(self)
        if not 0.05 <= self.span <= 4:
            raise ValueError(f"span must be in [0.05, 4]; got {self.span}")

    @cached_property
    def gaze(self) -> NDArray[np.float64]:
        """[3, 3], columns right, up, forward in the world."""
        c, s, cp, sp = cos(self.yaw), sin(self.yaw), cos(self.pitch), sin(self.pitch)
        right, up = np.array([c, 0, -s]), np.array([-s * sp, cp, -c * sp])
        cr, sr = cos(self.roll), sin(self.roll)
        return np.stack([right * cr - up * sr, up * cr + right * sr, np.array([s * cp, sp, c * cp])], -1)


@dataclass(frozen=True)
class Heaven:
    """The sky: `tod` in turns (0 sunrise, 0.25 noon, 0.5 sunset), the rest in [0, 1]; the bolt of a storm by azimuth in
    radians and brightness."""

    tod: float = 0.2
    cloud: float = 0.3
    fog: float = 0.0
    rain: float = 0.0
    snow: float = 0.0
    cover: float = 0.0
    storm: float = 0.0
    aurora: float = 0.0
    rainbow: float = 0.0
    pulse: float = 0.0
    bolt_azimuth: float = 0.0
    bolt: float = 0.0
    bolt_seed: float = 0.0

    def __post_init__(self) -> None:
        _finite(self)
        for entry in fields(self):
            if entry.name not in ("tod", "bolt_azimuth") and not 0 <= getattr(self, entry.name) <= 1:
                raise ValueError(f"{entry.name} must be in [0, 1]; got {getattr(self, entry.name)}")


def _none(columns: int) -> Rows:
    return np.zeros((0, columns), np.float32)


@dataclass(frozen=True)
class Lights:
    """`fires` [F<=2, 4] x, y, z, strength; `burst` colour and strength of a flash of fireworks; `lamp` x, y, z and turn
    of a lighthouse's lamp, or None; `sparks` [N, 8] x, y, z, radius in metres, colour, strength."""

    fires: Rows = field(default_factory=lambda: _none(4))
    burst: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    lamp: tuple[float, float, float, float] | None = None
    sparks: Rows = field(default_factory=lambda: _none(8))


@dataclass(frozen=True)
class Shot:
    """One picture to paint. `solids` [N, 16] and `casters` [K, 4] as in solids.py; `saplings` [P, 6] are further plants
    (x, y, z of the foot, height, turn, kind)."""

    camera: Camera
    heaven: Heaven
    clock: float = 0.0
    look: str = "natural"
    solids: Rows = field(default_factory=lambda: _none(COLUMNS))
    casters: Rows = field(default_factory=lambda: _none(4))
    saplings: Rows = field(default_factory=lambda: _none(6))
    lights: Lights = field(default_factory=Lights)

    def __post_init__(self) -> None:
        if not isfinite(self.clock) or self.clock < 0:
            raise ValueError(f"clock must be finite and not negative; got {self.clock}")
        if self.look not in vocabulary()["look"]:
            raise ValueError(f"a look is one of {', '.join(vocabulary()['look'])}; got {self.look!r}")


def _finite(record: Camera | Heaven) -> None:
    for entry in fields(record):
        if not isfinite(getattr(record, entry.name)):
            raise ValueError(f"{entry.name} must be finite; got {getattr(record, entry.name)}")
