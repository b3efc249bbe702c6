"""How the camera moved: a small network reads where each part of a picture went, how far away it is and how sure that
is; least squares say which motion explains it. Knows matches of two pictures; no world."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.evaluation.matching import CHANNELS, COLUMNS, ROWS, Matches, anchors, ways
from model.evaluation.odometry import FOCAL, solve

SHORTEST, LONGEST = -5.7, 0.7  # logarithm of inverse metres: the sky, and a stone before the feet
PLAIN = 3  # anchors over which likeness is evened out before its best way is taken


class Read(NamedTuple):
    """Of pairs: by anchors the pixels right and down [B, 2, N], inverse metres forward and how sure the way is
    (1 / pixels^2) [B, N]; radians up that the first picture looks [B]; the motion and its standard deviation [B, 5]
    (odometry.NAMES)."""

    went: Tensor
    inverse_m: Tensor
    sure: Tensor
    pitch: Tensor
    motion: Tensor
    spread: Tensor


class MotionReader(nn.Module):
    """Matches -> Read. `width`: channels."""

    place: Tensor
    rays: Tensor
    far: Tensor
    near: Tensor

    def __init__(self, width: int):
        super().__init__()
        self.sharpness = nn.Parameter(torch.tensor(20.0))
        self.stem = nn.Sequential(_block(CHANNELS + 2, width, 1), _block(width, width, 2), _block(width, width, 4))
        self.parts = nn.Conv2d(width, 5, 3, 1, 1)
        self.rows = nn.Linear(width * ROWS, 1)
        y, x = torch.meshgrid(torch.linspace(-1, 1, ROWS), torch.linspace(-1, 1, COLUMNS), indexing="ij")
        at = anchors()
        rays = torch.stack([at[0] / FOCAL, -at[1] / FOCAL, torch.ones_like(at[0])])
        for name, fixed in (("place", torch.stack([x, y])[None]), ("rays", rays), ("far", ways(0)), ("near", ways(1))):
            self.register_buffer(name, fixed, persistent=False)

    def forward(self, matches: Matches) -> Read:
        shown = matches.shown.float() / 127.5 - 1
        hidden = self.stem(torch.cat([shown, self.place.expand(len(shown), -1, -1, -1)], 1))
        parts = self.parts(hidden).flatten(2)
        went = self._likeliest(shown, matches, parts[:, 0].sigmoid()) + 4 * parts[:, 1:3]
        inverse_m = (parts[:, 3] - 3).clamp(SHORTEST, LONGEST).exp()
        sure = parts[:, 4].clamp(-8, 4).exp()
        pitch = 0.3 * self.rows(hidden.mean(3).flatten(1))[:, 0]
        motion, spread = solve(self.rays / inverse_m[:, None], went, sure, pitch)
        return Read(went, inverse_m, sure, pitch, motion, spread)

    def _likeliest(self, shown: Tensor, matches: Matches, near: Tensor) -> Tensor:
        """The way of each anchor [B, 2, N] by how alike it is to what lies there, from both sizes of patches."""
        first = len(self.far)
        fine = shown[:, first : first + len(self.near)]
        levels = (shown[:, :first], self.far, matches.coarse), (fine, self.near, matches.fine)
        far, close = (
            base.float() + torch.einsum("bwn,wc->bcn", (self.sharpness * _even(alike)).softmax(1), offsets)
            for alike, offsets, base in levels
        )
        return far + near[:, None] * (close - far)


def _even(alike: Tensor) -> Tensor:
    return F.avg_pool2d(alike, PLAIN, 1, PLAIN // 2).flatten(2)


def _block(inputs: int, outputs: int, dilation: int) -> nn.Module:
    convolution = nn.Conv2d(inputs, outputs, 3, 1, dilation, dilation, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())
