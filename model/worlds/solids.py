"""Bodies built from few exact shapes, as rows that the painter draws and as spheres that throw shadows.
Knows shapes, colours and metres; refuses to know what they are parts of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Point = Sequence[float] | NDArray[np.floating]
Colour = tuple[float, float, float]
CAPSULE, ELLIPSOID, BOX, TAPERED, ROOF = range(5)
MATERIALS = (
    "ground", "water", "trunk", "pine", "leaf", "cactus", "rock", "figure", "wall", "window", "cloth", "stone",
)  # fmt: skip
SKY_MATERIAL = 255
COLUMNS = 16  # middle xyz and 0; half sizes or half axis xyz and material; colour and light; shape, bound, turn, radius


class Body:
    """Collects shapes in world metres. `rows` are [N, 16], `casters` [K, 4] spheres (x, y, z, radius)."""

    def __init__(self) -> None:
        self._rows: list[list[float]] = []
        self._casters: list[list[float]] = []

    def add(
        self, shape: int, at: Point, sizes: Point, colour: Colour, *, material: str = "figure", turn: float = 0.0,
        radius: float = 0.0, light: float = 0.0,
    ) -> None:  # fmt: skip
        """One shape. Sizes are half sizes (ellipsoid, box, roof), half the axis (capsule, with `radius`), or lower
        radius, half height and upper radius (tapered). Turns about the vertical, in radians."""
        if shape not in range(5):
            raise ValueError(f"a shape is 0 to 4; got {shape}")
        half = np.asarray(sizes, float)
        if shape == CAPSULE:
            bound = float(np.linalg.norm(half)) + radius
        elif shape == TAPERED:
            bound = float(np.hypot(half[1], max(half[0], half[2])))
        else:
            bound = float(half.max() if shape == ELLIPSOID else np.linalg.norm(half))
        head = [*map(float, at), 0.0, *map(float, half), float(MATERIALS.index(material)), *colour, light]
        self._rows.append([*head, float(shape), bound, turn, radius])

    def limb(self, a: Point, b: Point, radius: float, colour: Colour, material: str = "figure") -> None:
        """A capsule from a to b."""
        start, end = np.asarray(a, float), np.asarray(b, float)
        self.add(CAPSULE, (start + end) / 2, (end - start) / 2, colour, material=material, radius=radius)

    def shadow(self, at: Point, radius: float) -> None:
        """A sphere that throws a shadow."""
        self._casters.append([*map(float, at), radius])

    @property
    def rows(self) -> Rows:
        return np.array(self._rows, np.float32).reshape(-1, COLUMNS)

    @property
    def casters(self) -> Rows:
        return np.array(self._casters, np.float32).reshape(-1, 4)
