"""Critics that judge a picture patch by patch, for trainings against one (PatchGAN, Isola et al. 2017).
Knows logits and patches; refuses to know what pictures show."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


def patches(inputs: int, width: int) -> nn.Sequential:
    """Layers from planes [B, inputs, H, W] to a logit for each patch of them, [B, 1, about H/8, about W/8]."""
    sizes = [inputs, width, 2 * width, 4 * width, 4 * width]
    layers: list[nn.Module] = []
    for at, (before, after) in enumerate(pairwise(sizes)):
        layers += [nn.Conv2d(before, after, 4, 2 if at < 3 else 1, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(sizes[-1], 1, 3, padding=1))


def told_apart(on_true: Sequence[Tensor], on_made: Sequence[Tensor]) -> Tensor:
    """The share of patches that the critic tells rightly, the mean of both kinds and of all scales."""
    shares = [((t > 0).float().mean() + (m < 0).float().mean()) / 2 for t, m in zip(on_true, on_made, strict=True)]
    return torch.stack(shares).mean()
