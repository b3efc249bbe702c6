"""Windows without what falls through them. Rain and snow are brighter than what they hide, and a frame later they hide
something else: of a picture and the next one, the turn of the head between them taken back, the darker one counts.
Knows pixels and the field of view; learns nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from model.evaluation.matching import likeliest_turn
from model.evaluation.odometry import directions, pixels, rotated, sampled


@torch.no_grad()
def without_falling(looks: Tensor, gap: int) -> Tensor:
    """Two looks, a frame apart, at each of K > 1 moments that are `gap` frames apart [B, 2 K, 3, 135, 240] -> [B, K, 3,
    135, 240]."""
    here, next_to_it = looks[:, ::2], looks[:, 1::2]
    turned = likeliest_turn(here[:, :-1].flatten(0, 1), here[:, 1:].flatten(0, 1)).unflatten(0, (len(looks), -1))
    a_frame = torch.cat([turned, turned[:, -1:]], 1).flatten(0, 1) / gap
    back = turned_back(next_to_it.flatten(0, 1), a_frame).unflatten(0, here.shape[:2])
    return torch.minimum(here, back)


def turned_back(pictures: Tensor, turned: Tensor) -> Tensor:
    """Pictures [B, 3, 135, 240] as they would be seen before a turn and a tilt [B, 2]."""
    right, up = directions(1)
    rays = torch.stack([right, up, torch.ones_like(up)]).flatten(1)
    there = pixels(rotated(rays.expand(len(turned), -1, -1), turned))
    return sampled(pictures, there).unflatten(2, pictures.shape[2:])
