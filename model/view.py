"""The known view of a frame as the network's input: reprojected planes with a mask, holes filled softly, encoded.
Knows geometry's output and the tokenizer; not where the views come from."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model.omni import view_tokens
from model.tokenizer.frame import FrameTokenizer

CELL = 8  # half-resolution pixels a latent cell
OLDEST = 16.0  # frames of age that count as 1


def fill(planes: Tensor, mask: Tensor) -> Tensor:
    """Planes [B, 7, 144, 256], zero where mask [B, 1, 144, 256] is 0 -> holes take the mean of what is known nearby,
    so that the encoder does not see edges that are none."""
    total, known = planes.mean((2, 3), keepdim=True), mask.mean((2, 3), keepdim=True)
    soft = (total / known.clamp_min(1e-4)).expand(-1, -1, planes.shape[2], planes.shape[3])
    for size in (4 * CELL, 2 * CELL, CELL):
        if planes.shape[2] % size == 0 and planes.shape[3] % size == 0:
            some = F.avg_pool2d(mask, size)
            mean = F.avg_pool2d(planes, size) / some.clamp_min(1e-4)
            here = F.interpolate((some > 0.02).to(planes.dtype), scale_factor=size)
            soft = torch.where(here > 0, F.interpolate(mean, scale_factor=size), soft)
    return planes + soft * (1 - mask)


def known_view(tokenizer: FrameTokenizer, planes: Tensor, mask: Tensor, age: Tensor) -> Tensor:
    """planes [B, 7, 144, 256], mask [B, 1, 144, 256], age [B, 1, 144, 256] in frames -> view tokens [B, 144, 72]."""
    known = F.avg_pool2d(mask, CELL)
    old = F.avg_pool2d(age.clamp(0, OLDEST) * mask, CELL) / known.clamp_min(1e-4) / OLDEST
    some = (known > 0).to(planes.dtype)
    first = tokenizer.encoder.stem.weight
    filled = fill(planes, mask).to(first.dtype).contiguous(memory_format=torch.channels_last)
    latents = tokenizer.encode(filled).to(planes.dtype) * some
    return view_tokens(latents, known, old)
