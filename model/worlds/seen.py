"""Where the surfaces of a picture are in the world, and which of them an earlier picture showed.
Knows moments and distances; refuses to know colours, light, and what moves by itself."""

from __future__ import annotations

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
        points = world_points(moment, painting.distance_m)
        found = np.zeros(painting.distance_m.shape, bool)
        for earlier, distance_m in self._frames:
            found |= visible(points, earlier, distance_m)
        return found


def rays(moment: Moment, height: int, width: int) -> NDArray[np.float64]:
    """Unit directions [H, W, 3] in the world through the pixels of a picture that is whole."""
    camera = moment.shot.camera
    x = (np.arange(width) + 0.5 - width / 2) / height * camera.span
    y = -(np.arange(height) + 0.5 - height / 2) / height * camera.span
    flat = np.stack([np.broadcast_to(x, (height, width)), np.broadcast_to(y[:, None], (height, width)),
                     np.ones((height, width))], -1)  # fmt: skip
    return np.asarray((flat / np.linalg.norm(flat, axis=-1, keepdims=True)) @ camera.gaze.T)


def world_points(moment: Moment, distance_m: NDArray[np.float32]) -> NDArray[np.float64]:
    """The surface behind every pixel [H, W, 3] in world metres."""
    camera = moment.shot.camera
    return np.array([camera.x, camera.y, camera.z]) + rays(moment, *distance_m.shape) * distance_m[..., None]


def visible(points: NDArray[np.float64], moment: Moment, distance_m: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether points [H, W, 3] were in a picture with these distances, and nothing in front of them."""
    camera, (height, width) = moment.shot.camera, distance_m.shape
    away = points - np.array([camera.x, camera.y, camera.z])
    local = away @ camera.gaze
    ahead = np.maximum(local[..., 2], 1e-6)
    column = np.floor(local[..., 0] / ahead / camera.span * height + width / 2).astype(int)
    row = np.floor(height / 2 - local[..., 1] / ahead / camera.span * height).astype(int)
    inside = (local[..., 2] > 0.05) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    there = distance_m[row.clip(0, height - 1), column.clip(0, width - 1)]
    far = np.linalg.norm(away, axis=-1)
    return np.asarray(inside & (np.abs(there - far) < SEEN_TOLERANCE * far + 0.05))
