"""Which step and turn of the camera lays one picture over the next: least squares over brightness, as if all ground
were flat and the rest far away. Knows pictures and the camera; learns nothing. Lucas and Kanade 1981; Irani 1999."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model.evaluation.motion import EYE_M, FOCAL, FRAME_HEIGHT, FRAME_WIDTH, LEFT, TOP, likeliest

LEVELS = ((4, 5), (2, 4))  # pixels of the picture by one of the pyramid, coarse first; steps on each
PITCHES = (-0.15, 0.0, 0.15)  # radians up that the first picture may look: nobody says where its horizon is
NAMES = ("turn", "tilt", "aside", "up", "ahead")  # radians right and up, metres
LIKELY = (0.02, 0.02, 0.6, 0.3, 0.8)  # how far each may be from where it began, in the same units
HOLD = 1e-4  # how much that counts against a pixel
MOST_STEP = (0.02, 0.02, 0.3, 0.3, 0.4)
TINY = (1e-3, 1e-3, 1e-2, 1e-2, 1e-2)  # for differences
FARTHEST_M, NEAREST_M = 150.0, 0.05
NOISE = 0.01  # of brightness, for how exactly a motion could be known
FEATURES = len(NAMES) * (len(PITCHES) + 1) + len(PITCHES)
SPREAD = slice(len(NAMES) * len(PITCHES), len(NAMES) * (len(PITCHES) + 1))  # where the exactness stands among them
SCALES = (20.0, 20.0, 4.0, 6.0, 4.0) * len(PITCHES) + (0.5,) * len(NAMES) + (6.0,) * len(PITCHES)  # to about one
IN_A_MIRROR = (-1.0, 1.0, -1.0, 1.0, 1.0) * len(PITCHES) + (1.0,) * (len(NAMES) + len(PITCHES))


@torch.no_grad()
def between(first: Tensor, second: Tensor) -> Tensor:
    """Pictures [B, 3, 135, 240] in -1..1 of two moments -> [B, FEATURES]: the motion (NAMES) under each of PITCHES, how
    exactly each could be known at best (the logarithm of a standard deviation, under the pitch that fits best), and
    what each pitch leaves of the brightness, as a share of all."""
    likely = likeliest(first, second)
    begun = torch.stack([likely.turn, likely.tilt, *[torch.zeros_like(likely.turn)] * 3], 1)
    a, b = ((picture.mean(1, keepdim=True) + 1) / 2 for picture in (first, second))
    found = [aligned(a, b, begun, pitch) for pitch in PITCHES]
    left = torch.stack([rest for _, rest, _ in found], 1)
    spread = torch.stack([one for _, _, one in found], 1)[torch.arange(len(a)), left.argmin(1)]
    shares = left / left.sum(1, keepdim=True).clamp_min(1e-6)
    return torch.cat([*[motion for motion, _, _ in found], spread.log(), shares], 1)


def aligned(a: Tensor, b: Tensor, begun: Tensor, pitch: float) -> tuple[Tensor, Tensor, Tensor]:
    """Luma [B, 1, H, W] in 0..1 and a motion to begin from [B, 5] -> the motion [B, 5], what it leaves of the
    brightness [B], and its standard deviation under NOISE [B, 5]."""
    motion, likely = begun, torch.tensor(LIKELY)
    left, information = torch.zeros(len(a)), torch.zeros(len(a), 5, 5)
    for level, steps in LEVELS:
        before, after = F.avg_pool2d(a, level), F.avg_pool2d(b, level)
        hold = torch.diag(HOLD * before[0].numel() / likely.square())
        for _ in range(steps):
            slope, rest, inside = _linear(before, after, motion, (level, pitch))
            size = (1.5 * (rest.abs() * inside).mean(1)).clamp_min(0.004)[:, None]
            weight = inside / (1 + (rest / size).square())
            weighted = slope * (weight / size.square())[:, None]
            pull = (weighted @ rest[..., None])[..., 0] + (motion - begun) @ hold
            step = torch.linalg.solve(weighted @ slope.transpose(1, 2) + hold, -pull[..., None])[..., 0]
            motion = motion + torch.maximum(torch.minimum(step, torch.tensor(MOST_STEP)), -torch.tensor(MOST_STEP))
            left = (weight * rest.square()).mean(1).sqrt()
            information = (slope * inside[:, None]) @ slope.transpose(1, 2) / NOISE**2 + torch.diag(1 / likely.square())
    return motion, left, torch.linalg.inv(information).diagonal(dim1=1, dim2=2).sqrt()


def _linear(a: Tensor, b: Tensor, motion: Tensor, at: tuple[int, float]) -> tuple[Tensor, Tensor, Tensor]:
    """What is left of the brightness of every pixel [B, N], its slope by the motion [B, 5, N], and whether the pixel
    is still within the picture [B, N]."""
    level, pitch = at
    went = shifts(motion, a.shape[2:], level, pitch)
    moved = [shifts(motion + each, a.shape[2:], level, pitch) for each in torch.diag(torch.tensor(TINY))]
    bent = [(other - went) / tiny for other, tiny in zip(moved, TINY, strict=True)]
    height, width = a.shape[2:]
    x, y = torch.arange(width) + went[:, 0], torch.arange(height)[:, None] + went[:, 1]
    inside = ((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)).float()
    where = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)
    there = F.grid_sample(b, where, padding_mode="border", align_corners=False)[:, 0]
    mean = (there + a[:, 0]) / 2
    right = F.pad((mean[..., 2:] - mean[..., :-2]) / 2, (1, 1))
    down = F.pad((mean[:, 2:] - mean[:, :-2]) / 2, (0, 0, 1, 1))
    slope = torch.stack([(right * by[:, 0] + down * by[:, 1]) for by in bent], 1)
    return slope.flatten(2), (there - a[:, 0]).flatten(1), inside.flatten(1)


def shifts(motion: Tensor, size: torch.Size | tuple[int, int], level: int, pitch: float) -> Tensor:
    """By how many pixels of the level each pixel moves right and down [B, 2, *size], when the camera, `pitch` over the
    horizon, steps and turns (NAMES) over flat ground."""
    rows, columns = size
    y = ((torch.arange(rows) + 0.5) * level - (FRAME_HEIGHT / 2 - TOP))[:, None] / FOCAL
    x = ((torch.arange(columns) + 0.5) * level - (FRAME_WIDTH / 2 - LEFT)) / FOCAL
    falls = y * torch.tensor(pitch).cos() - torch.tensor(pitch).sin()
    depth_m = (EYE_M / falls.clamp_min(1e-6)).clamp(max=FARTHEST_M)
    turn, tilt, aside, up, ahead = (part[:, None, None] for part in motion.unbind(1))
    px, py, pz = x * depth_m - aside, y * depth_m + up, depth_m - ahead
    px, pz = px * turn.cos() - pz * turn.sin(), px * turn.sin() + pz * turn.cos()
    py, pz = py * tilt.cos() + pz * tilt.sin(), -py * tilt.sin() + pz * tilt.cos()
    pz = pz.clamp_min(NEAREST_M)
    return torch.stack([px / pz - x, py / pz - y], 1) * (FOCAL / level)
