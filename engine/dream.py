"""What lies around, imagined before anybody looks there: views that no keyframe shows, sampled step by step in between.
Knows where a look may turn; the world does the sampling."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import torch
from torch import Tensor

from engine.memory import Memory
from engine.models import Glimpse

STEPS = 16  # one a frame
UNSEEN = 0.3  # the share of a view that nothing shows, from which on it is worth a dream
TURNS = (0.9, -0.9, 1.8, -1.8, 2.7, -2.7, pi)  # radians from where one looks, nearest first


@dataclass
class Dream:
    """A view that is being sampled: from where, what is known of it, and how far it is."""

    pose: Tensor  # [5]
    glimpse: Glimpse
    noisy: Tensor  # [1, 1, 144, 64]
    taken: int = 0  # steps

    @property
    def done(self) -> bool:
        return self.taken == STEPS


def where_to(memory: Memory, pose: list[float]) -> Tensor | None:
    """The pose [5] of the next dream around somebody at `pose`: level, turned as little as need be. None if all that is
    around has been seen."""
    x, y, z, yaw, _ = pose
    for turn in TURNS:
        there = torch.tensor([x, y, z, yaw + turn, 0.0])
        if memory.unseen(there) > UNSEEN:
            return there
    return None
