"""How far what is streamed of a frame moves after looks that came when the frame was being sampled already.
Knows radians, pixels and the margin; nothing of worlds, encoders and messages.

The frame that is sampled next turns by the same looks. A shift is only what a frame's own pose lacks of them, so that
nothing counts twice, and a hand at rest leaves every frame as it was sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.inputs import Look
from engine.rungs import LOWEST, Rung
from model.camera import FRAME_SPAN
from model.planes import HEIGHT, WIDTH

PIXELS_A_RADIAN = HEIGHT / FRAME_SPAN  # in the middle of a frame, at the lowest rung
LUMA_STEP = 2  # chroma then stays as it is; at the lowest rung, where that is coarse, every pixel counts
Offset = tuple[int, int]  # luma pixels of a rung, to the right and down, from the middle


@dataclass(frozen=True)
class Followed:
    """Where the crop goes, and the newest snapshot whose look is in the picture then (-1: none of those given)."""

    offset: Offset
    seq: int


def _step(rung: Rung) -> int:
    return min(LUMA_STEP, rung.scale)


def _ideal(look: Look, rung: Rung) -> tuple[float, float]:
    scale = PIXELS_A_RADIAN * rung.scale
    return look.right_rad * scale, -look.up_rad * scale


def margins(rung: Rung) -> tuple[tuple[int, int], tuple[int, int]]:
    """Least and most that the crop may go to the right, and down."""
    crop, width, height = rung.crop, rung.scale * WIDTH, rung.scale * HEIGHT
    return (-crop.x, width - crop.width - crop.x), (-crop.y, height - crop.height - crop.y)


class LateLook:
    """One session's crop. It stays where it is while that is right to a step, so that a steady pan is as even as the
    frames are: the time between a snapshot and a picture wavers by more than a pixel of such a pan."""

    def __init__(self) -> None:
        self._rung, self._offset = LOWEST, (0, 0)

    def follow(self, looks: Sequence[Look], rung: Rung) -> Followed:
        """The crop of a frame, after `looks` that came after it and lie so far beyond it, oldest first."""
        if rung is not self._rung or not looks:
            self._rung, self._offset = rung, (0, 0)
        if not looks:
            return Followed((0, 0), -1)
        step, bounds = _step(rung), margins(rung)
        wanted = _ideal(looks[-1], rung)
        x, y = (_near(*each, step) for each in zip(wanted, self._offset, bounds, strict=True))
        self._offset = x, y
        return Followed(self._offset, max((look.seq for look in looks if self._shows(look)), default=-1))

    def _shows(self, look: Look) -> bool:
        """Whether the crop has come as far as the look to a step, and not by standing where the frame was."""
        axes = sorted(zip(_ideal(look, self._rung), self._offset, strict=True), key=lambda axis: abs(axis[0]))
        step = _step(self._rung) + 1e-6  # of looks that are sums
        reached = all(min(0, have) - step <= want <= max(0, have) + step for want, have in axes)
        most, have = axes[-1]
        return reached and (have != 0 or most == 0)


def _near(wanted: float, held: int, bounds: tuple[int, int], step: int) -> int:
    """The whole number of steps that the crop goes."""
    least, most = bounds
    wanted = min(max(wanted, least), most)
    if wanted and abs(wanted - held) <= step:
        return held
    return round(wanted / step) * step
