"""The camera: pinhole rays, poses, and what one camera has at a pixel as another one sees it.
Knows one field of view and metres; refuses to know pictures."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from model.planes import FAR_M

FRAME_SPAN = 1.2  # 2 tan(vertical field of view / 2), of the frame with its margin
POSE = ("x", "y", "z", "yaw", "pitch")  # metres, y up; radians, yaw to the right, pitch up
SKY_FROM_M = 240.0  # from here to FAR_M parallax fades out: the sky only rotates
NEAREST_M = 0.05

Motion = tuple[Tensor, Tensor]  # rotation [B, 3, 3] and shift [B, 3] from one camera's coordinates to the other's
Seen = tuple[Tensor, Tensor, Tensor]  # column, row (pixel centres are whole numbers), distance in metres


def rays(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """Unit directions [3, height, width] (right, up, forward) through the pixel centres of the whole frame."""
    column, row = grid(height, width, device)
    return torch.stack([part.expand(1, height, width)[0] for part in _ray(column, row, height, width)])


def corner_rays(height: int, width: int, apart: int) -> Tensor:
    """Unit directions [3, height / apart + 1, width / apart + 1] through the corners of blocks of so many pixels."""
    column, row = (torch.arange(0, size + 1, apart) - 0.5 for size in (width, height))
    return torch.stack([part.expand(len(row), len(column)) for part in _ray(column, row[:, None], height, width)])


def rotation(pose: Tensor) -> Tensor:
    """[B, 5] -> camera-to-world rotations [B, 3, 3]: pitch first, then yaw."""
    yaw, pitch = pose[:, 3].float(), pose[:, 4].float()
    c, s, cp, sp = yaw.cos(), yaw.sin(), pitch.cos(), pitch.sin()
    return torch.stack([c, -s * sp, s * cp, torch.zeros_like(c), cp, sp, -s, -c * sp, c * cp], -1).reshape(-1, 3, 3)


@cache
def _along(height: int, width: int, device: torch.device) -> Tensor:
    with torch.inference_mode(False):
        return rays(height, width, device)


def unproject(distance_m: Tensor, pose: Tensor) -> Tensor:
    """Distances along the rays [B, H, W] from pose [B, 5] -> world points [B, 3, H, W] in metres."""
    along = _along(*distance_m.shape[-2:], distance_m.device)[None] * distance_m.float()[:, None]
    turned = (rotation(pose)[:, :, :, None, None] * along[:, None]).sum(2)
    return turned + pose[:, :3, None, None].float()


def project(points: Tensor, pose: Tensor, height: int, width: int) -> Seen:
    """World points [B, 3, ...] from pose [B, 5] -> column, row and distance, [B, ...] each.

    What lies behind the camera has a negative distance and a meaningless pixel.
    """
    away = points.float().flatten(2) - pose[:, :3, None].float()
    x, y, z = (rotation(pose)[..., None] * away[:, :, None]).sum(1).unbind(1)
    shape = points.shape[:1] + points.shape[2:]
    column, row, far = (part.reshape(shape) for part in _pixel(x, y, z, height, width))
    return column, row, far


def check_pose(name: str, pose: Tensor) -> None:
    """Raises ValueError naming the pose, its row and the part, unless it is [B, 5] and finite."""
    if pose.ndim != 2 or pose.shape[1] != len(POSE):
        raise ValueError(f"{name}: expected [B, 5] ({', '.join(POSE)}), got {tuple(pose.shape)}")
    bad = (~torch.isfinite(pose)).nonzero()
    if len(bad):
        row, part = bad[0].tolist()
        raise ValueError(f"{name}: {POSE[part]} of row {row} is {pose[row, part].item()}, expected a finite number")


def _ray(column: Tensor, row: Tensor, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    right = (column + (0.5 - 0.5 * width)) * (FRAME_SPAN / height)
    up = ((0.5 * height - 0.5) - row) * (FRAME_SPAN / height)
    shorten = (right * right + up * up + 1).rsqrt()
    return right * shorten, up * shorten, shorten


def _pixel(x: Tensor, y: Tensor, z: Tensor, height: int, width: int) -> Seen:
    far = (x * x + y * y + z * z).sqrt()
    scale = (height / FRAME_SPAN) / z.clamp_min(1e-4)
    column, row = x * scale + (0.5 * width - 0.5), (0.5 * height - 0.5) - y * scale
    return column, row, torch.where(z > 1e-3, far, -far)


def grid(height: int, width: int, device: torch.device | None) -> tuple[Tensor, Tensor]:
    row = torch.arange(height, device=device, dtype=torch.float32)[None, :, None]
    column = torch.arange(width, device=device, dtype=torch.float32)[None, None, :]
    return column, row


def motion(here: Tensor, there: Tensor) -> Motion:
    """From here's camera to there's. Products by element, so that autocast never rounds a coordinate."""
    to_there = rotation(there).transpose(1, 2)
    turn = (to_there[..., None] * rotation(here)[:, None]).sum(2)
    return turn, (to_there * (here[:, None, :3].float() - there[:, None, :3].float())).sum(2)


def seen(column: Tensor, row: Tensor, distance_m: Tensor, motion: Motion, height: int, width: int) -> Seen:
    """What one camera has at a pixel and a distance, [B, h, w] each, as the other camera sees it."""
    turn, shift = motion[0][..., None, None], motion[1][..., None, None]
    right, up, ahead = _ray(column, row, height, width)
    parallax = ((FAR_M - distance_m) * (1 / (FAR_M - SKY_FROM_M))).clamp(0, 1)
    x, y, z = (
        (turn[:, i, 0] * right + turn[:, i, 1] * up + turn[:, i, 2] * ahead) * distance_m + shift[:, i] * parallax
        for i in range(3)
    )
    return _pixel(x, y, z, height, width)


def within(seen: Seen, height: int, width: int) -> Tensor:
    column, row, far = seen
    inside = (column > -0.5) & (column < width - 0.5) & (row > -0.5) & (row < height - 0.5)
    return inside & (far > NEAREST_M)  # false for what is not a number
