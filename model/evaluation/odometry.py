"""Which step and turn of the camera explains where the parts of a picture went: least squares over known distances.
And how exactly two pictures can tell it at best. Knows geometry; learns nothing."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model.camera import FRAME_SPAN
from model.planes import CROP_HEIGHT, CROP_WIDTH, CROP_X, CROP_Y, GRID_HEIGHT, GRID_WIDTH

NAMES = ("turn", "tilt", "aside", "up", "ahead")  # radians right and up, metres; level, along the mean heading
LIKELY = (0.2, 0.1, 0.6, 0.4, 0.8)  # how far each may be from nothing, in the same units
ROUNDS = 5
OUTLIER_PX = 1.5
FOCAL = GRID_HEIGHT / FRAME_SPAN  # pixels of the picture that judges look at, as of the frame's half grid
LEFT, TOP = CROP_X // 2, CROP_Y // 2  # where that picture lies in the half grid
HEIGHT, WIDTH = CROP_HEIGHT // 2, CROP_WIDTH // 2
NEAREST_M = 0.1
DECIDES = (0.0275, 0.0275, 0.133, 0.133, 0.133)  # how much of each lies between moving and not
LEAST_PX, FOLLOWED_PX = 1.0, 20.0  # nobody notices less, or follows more, from one picture to the next
MOST = 0.7  # of a picture that must be followed
NOISE = 0.01  # of brightness: what a person could still tell
SAMPLED = 4  # every so many pixels are asked how far they are


def directions(step: int) -> tuple[Tensor, Tensor]:
    """Right and up of the rays with a forward part of one, through every `step`-th pixel of the picture, [rows,
    columns] each."""
    row, column = torch.meshgrid(torch.arange(0, HEIGHT, step), torch.arange(0, WIDTH, step), indexing="ij")
    right = (column + LEFT + 0.5 - GRID_WIDTH / 2) / FOCAL
    up = (GRID_HEIGHT / 2 - 0.5 - row - TOP) / FOCAL
    return right, up


def moved(points: Tensor, motion: Tensor, pitch: Tensor) -> Tensor:
    """Points [B, 3, N] (right, up, forward of a camera that looks `pitch` [B] up) as the camera sees them after a
    motion [B, 5] (NAMES), [B, 3, N]."""
    turn, tilt, *step = (part[:, None] for part in motion.unbind(1))
    right, up, forward = points.unbind(1)
    up, forward = _pitched(up, forward, pitch[:, None])
    right, forward = _headed(right, forward, -turn / 2)
    right, up, forward = right - step[0], up - step[1], forward - step[2]
    right, forward = _headed(right, forward, -turn / 2)
    up, forward = _pitched(up, forward, -pitch[:, None] - tilt)
    return torch.stack([right, up, forward.clamp_min(NEAREST_M)], 1)


def rotated(points: Tensor, turned: Tensor) -> Tensor:
    """Points [B, 3, N] of a level camera as it sees them after a turn and a tilt [B, 2]."""
    turn, tilt = (part[:, None] for part in turned.unbind(1))
    right, up, forward = points.unbind(1)
    right, forward = _headed(right, forward, -turn)
    up, forward = _pitched(up, forward, -tilt)
    return torch.stack([right, up, forward.clamp_min(NEAREST_M)], 1)


def _pitched(up: Tensor, forward: Tensor, by: Tensor) -> tuple[Tensor, Tensor]:
    return up * by.cos() + forward * by.sin(), forward * by.cos() - up * by.sin()


def _headed(right: Tensor, forward: Tensor, by: Tensor) -> tuple[Tensor, Tensor]:
    return right * by.cos() + forward * by.sin(), forward * by.cos() - right * by.sin()


def pixels(points: Tensor) -> Tensor:
    """Points [B, 3, N] -> column and row in pixels from the middle of the view, [B, 2, N]."""
    right, up, forward = points.unbind(1)
    return FOCAL * torch.stack([right / forward, -up / forward], 1)


def slopes(points: Tensor, motion: Tensor, pitch: Tensor) -> Tensor:
    """By how many pixels what a camera sees at `points` [B, 3, N] after a motion moves right and down by each further
    part of it, [B, 5, 2, N]."""
    right, up, forward = points.unbind(1)
    half, looks = motion[:, 0, None] / 2, (pitch + motion[:, 1])[:, None]
    zero, one = torch.zeros_like(right), torch.ones_like(right)
    level = right, *_pitched(up, forward, looks)
    by = [(-level[2], zero, right)]  # each as right, up, forward on the level, in the camera's heading
    by += [
        (half.cos() * -one, zero, half.sin() * -one),
        (zero, -one, zero),
        (half.sin() * one, zero, half.cos() * -one),
    ]
    turned = [(a, *_pitched(b, c, -looks)) for a, b, c in by]
    turned.insert(1, (zero, -forward, up))
    rows = [
        FOCAL * torch.stack([(a - right * c / forward) / forward, (up * c / forward - b) / forward], 1)
        for a, b, c in turned
    ]
    return torch.stack(rows, 1)


def solve(points: Tensor, went: Tensor, sure: Tensor, pitch: Tensor) -> tuple[Tensor, Tensor]:
    """Points [B, 3, N] that went by so many pixels [B, 2, N], and how sure that is (1 / pixels^2) [B, N] -> the
    likeliest motion [B, 5], and the standard deviation of each of its parts [B, 5]. Gauss and Newton, robust by
    reweighting."""
    before = pixels(points)
    motion = points.new_zeros(len(points), len(NAMES))
    hold = torch.diag(1 / motion.new_tensor(LIKELY).square())
    for _ in range(ROUNDS):
        there = moved(points, motion, pitch)
        off = pixels(there) - before - went
        bent = slopes(there, motion, pitch)
        weight = sure / (1 + (off.detach().square().sum(1) / OUTLIER_PX**2))
        weighted = (bent * weight[:, None, None]).flatten(2)
        normal = weighted @ bent.flatten(2).transpose(1, 2) + hold
        pull = (weighted @ off.flatten(1)[..., None])[..., 0] + motion @ hold
        motion = motion - torch.linalg.solve(normal, pull[..., None])[..., 0]
    return motion, torch.linalg.inv(normal).diagonal(dim1=1, dim2=2).clamp_min(1e-12).sqrt()


def visible(pictures: Tensor, forward_m: Tensor, poses: Tensor) -> Tensor:
    """How much of pictures [B, K, 3, 135, 240] in -1..1 would show each part of the motion from the first to the second
    one, as shares of the first [B, 5]: where so little of it as decides (DECIDES) moves things by a pixel (LEAST_PX),
    and what of it no other motion explains changes the brightness by more than rain, snow, waves and shimmer do.
    Slopes of brightness that one of the other pictures does not have, as of rain and snow, show nothing; and nothing is
    shown when most of the first steps out of sight (FOLLOWED_PX). From the true distances forward [B, 135, 240] of the
    first and the true poses [B, K, 5]."""
    first, *others = ((picture.mean(1) + 1) / 2 for picture in pictures.unbind(1))
    right, up = directions(SAMPLED)
    rays = torch.stack([right, up, torch.ones_like(up)]).flatten(1)
    points = rays * forward_m[:, ::SAMPLED, ::SAMPLED].flatten(1)[:, None]
    motion, pitch = between(poses[:, 0], poses[:, 1]), poses[:, 0, 4]
    at = pixels(moved(points, motion, pitch))
    inside = _inside(at)
    turned = motion * motion.new_tensor([1, 1, 0, 0, 0])
    followed = (at - pixels(moved(points, turned, pitch))).norm(dim=1) < FOLLOWED_PX
    left = (sampled(others[0][:, None], at)[:, 0] - first[:, ::SAMPLED, ::SAMPLED].flatten(1)).abs() * inside
    noise = (left.sum(1) / inside.sum(1).clamp_min(1)).clamp_min(NOISE)
    gradient = _slopes_of(first)[:, :, ::SAMPLED, ::SAMPLED].flatten(2)
    for other, pose in zip(others, poses[:, 1:].unbind(1), strict=True):
        there = pixels(moved(points, between(poses[:, 0], pose), pitch))
        agreed = _agreed(gradient, sampled(_slopes_of(other), there))
        gradient = torch.where(_inside(there)[:, None], agreed, gradient)
    goes = slopes(points, torch.zeros_like(motion), pitch) * motion.new_tensor(DECIDES)[:, None, None]
    bent = (goes * gradient[:, None]).sum(2) * inside[:, None]
    inverse = torch.linalg.inv(bent @ bent.transpose(1, 2) + 1e-6 * torch.eye(len(NAMES)))
    alone = (inverse @ bent) / inverse.diagonal(dim1=1, dim2=2)[..., None]
    told = (alone.abs() > noise[:, None, None]) & (goes.norm(dim=2) >= LEAST_PX) & followed[:, None]
    return told.float().mean(2) * (followed.float().mean(1, keepdim=True) >= MOST)


def sampled(planes: Tensor, at: Tensor) -> Tensor:
    """[B, C, h, w] at pixels from the middle of the view [B, 2, N], [B, C, N]."""
    where = _of_picture(at).transpose(1, 2)[:, None]
    return F.grid_sample(planes, where, padding_mode="border", align_corners=False)[:, :, 0]


def _inside(at: Tensor) -> Tensor:
    """Which of pixels from the middle of the view [B, 2, N] lie in the picture, [B, N]."""
    return (_of_picture(at).abs() < 1).all(1)


def _of_picture(at: Tensor) -> Tensor:
    """Pixels from the middle of the view [B, 2, N] -> column and row of the picture, -1 to 1 from edge to edge."""
    middle = at.new_tensor([GRID_WIDTH / 2 - LEFT, GRID_HEIGHT / 2 - TOP])
    return (at + middle[:, None]) * 2 / at.new_tensor([WIDTH, HEIGHT])[:, None] - 1


def _slopes_of(brightness: Tensor) -> Tensor:
    """[B, h, w] -> by how much it changes a pixel to the right and down, [B, 2, h, w]."""
    right = F.pad((brightness[:, :, 2:] - brightness[:, :, :-2]) / 2, (1, 1))
    down = F.pad((brightness[:, 2:] - brightness[:, :-2]) / 2, (0, 0, 1, 1))
    return torch.stack([right, down], 1)


def _agreed(one: Tensor, other: Tensor) -> Tensor:
    """How much of one the other bears out: all of it where that goes at least half as far the same way."""
    return (one.sign() + other.sign()) / 2 * torch.minimum(one.abs(), 2 * other.abs())


def between(here: Tensor, there: Tensor) -> Tensor:
    """The motion [B, 5] (NAMES) from poses [B, 5] to others."""
    turn = torch.remainder(there[:, 3] - here[:, 3] + torch.pi, 2 * torch.pi) - torch.pi
    yaw, step = here[:, 3] + turn / 2, there[:, :3] - here[:, :3]
    aside = step[:, 0] * yaw.cos() - step[:, 2] * yaw.sin()
    ahead = step[:, 0] * yaw.sin() + step[:, 2] * yaw.cos()
    return torch.stack([turn, there[:, 4] - here[:, 4], aside, step[:, 1], ahead], 1)
