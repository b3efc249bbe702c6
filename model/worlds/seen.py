"""Where the surfaces of a picture are in the world, and which of them an earlier picture showed.
Knows moments and distances; refuses to know colours, light, and what moves by itself."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from model.worlds.painter import Painting
from model.worlds.stage import Moment

SEEN_TOLERANCE = 0.06


class Seen:
    """What a film has shown so far, as its last few distance pictures: bounded, however long the film."""

    KEPT, EVERY = 6, 6

    def __init__(self) -> None:
        self._frames: list[tuple[Moment, NDArray[np.float32]]] = []
        self._count = 0

    def add(self, moment: Moment, painting: Painting) -> None:
        """Keep a frame: the newest always, of the older every EVERY-th."""
        if self._count % self.EVERY != 1 and len(self._frames) > 1:
            self._frames.pop()
        self._frames = [*self._frames[-self.KEPT + 1 :], (moment, painting.distance_m)]
        self._count += 1

    def mask(self, moment: Moment, painting: Painting) -> NDArray[np.bool_]:
        """[H, W]: whether an earlier kept frame saw the surface of each pixel."""
        points = world_points(moment, painting.distance_m).reshape(-1, 3)
        left = np.arange(len(points))  # the newest frame showed most of it, so that the older are asked for little
        for earlier, distance_m in reversed(self._frames):
            left = left[~visible(points[left], earlier, distance_m)]
        found = np.ones(len(points), bool)
        found[left] = False
        return found.reshape(painting.distance_m.shape)


def rays(moment: Moment, height: int, width: int) -> NDArray[np.float64]:
    """Unit directions [H, W, 3] in the world through the pixels of a picture that is whole."""
    camera = moment.shot.camera
    return np.asarray(_ahead(height, width, camera.span) @ camera.gaze.T)


@lru_cache(maxsize=4)
def _ahead(height: int, width: int, span: float) -> NDArray[np.float64]:
    """Unit directions [H, W, 3], right, up and forward, which stay the same for as long as nobody zooms."""
    x = (np.arange(width) + 0.5 - width / 2) / height * span
    y = -(np.arange(height) + 0.5 - height / 2) / height * span
    flat = np.stack([np.broadcast_to(x, (height, width)), np.broadcast_to(y[:, None], (height, width)),
                     np.ones((height, width))], -1)  # fmt: skip
    return np.asarray(flat / np.linalg.norm(flat, axis=-1, keepdims=True))


def world_points(moment: Moment, distance_m: NDArray[np.float32]) -> NDArray[np.float64]:
    """The surface behind every pixel [H, W, 3] in world metres."""
    camera = moment.shot.camera
    return np.array([camera.x, camera.y, camera.z]) + rays(moment, *distance_m.shape) * distance_m[..., None]


def visible(points: NDArray[np.float64], moment: Moment, distance_m: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether points [..., 3] were in a picture with these distances, and nothing in front of them."""
    camera, (height, width) = moment.shot.camera, distance_m.shape
    away = points - np.array([camera.x, camera.y, camera.z])
    right, up, forward = np.moveaxis(away @ camera.gaze, -1, 0)
    ahead = np.maximum(forward, 1e-6)
    column = np.floor(right / ahead / camera.span * height + width / 2).astype(int)
    row = np.floor(height / 2 - up / ahead / camera.span * height).astype(int)
    inside = (forward > 0.05) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    there = distance_m[row.clip(0, height - 1), column.clip(0, width - 1)]
    x, y, z = np.moveaxis(away, -1, 0)
    far = np.sqrt(x * x + y * y + z * z)
    return np.asarray(inside & (np.abs(there - far) < SEEN_TOLERANCE * far + 0.05))
