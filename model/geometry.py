"""Cameras, and what a frame seen from one pose looks like from another: unproject, project, reproject, compose.
Knows poses, distances and packed planes; refuses to know networks, light, or which frame is worth reprojecting."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model import planes as frame
from model.resampling import bilinear, catmull_rom, surface

FRAME_SPAN = 1.2  # 2 tan(vertical field of view / 2), of the frame with its margin
POSE = ("x", "y", "z", "yaw", "pitch")  # metres, y up; radians, yaw to the right, pitch up
AGREEMENT = 0.12  # relative difference of two distances that still are one surface
SKY_FROM_M = 240.0  # from here to FAR_M parallax fades out: the sky only rotates
NEAREST_M = 0.05

Motion = tuple[Tensor, Tensor]  # rotation [B, 3, 3] and shift [B, 3] from one camera's coordinates to the other's
Seen = tuple[Tensor, Tensor, Tensor]  # column, row (pixel centres are whole numbers), distance in metres
View = tuple[Tensor, Tensor, Tensor]  # planes [B, 7, h, w], mask [B, 1, h, w], age [B] in frames


def rays(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """Unit directions [3, height, width] (right, up, forward) through the pixel centres of the whole frame."""
    column, row = _grid(height, width, device)
    return torch.stack([part.expand(1, height, width)[0] for part in _ray(column, row, height, width)])


def rotation(pose: Tensor) -> Tensor:
    """[B, 5] -> camera-to-world rotations [B, 3, 3]: pitch first, then yaw."""
    yaw, pitch = pose[:, 3].float(), pose[:, 4].float()
    c, s, cp, sp = yaw.cos(), yaw.sin(), pitch.cos(), pitch.sin()
    return torch.stack([c, -s * sp, s * cp, torch.zeros_like(c), cp, sp, -s, -c * sp, c * cp], -1).reshape(-1, 3, 3)


def unproject(distance_m: Tensor, pose: Tensor) -> Tensor:
    """Distances along the rays [B, H, W] from pose [B, 5] -> world points [B, 3, H, W] in metres."""
    along = rays(*distance_m.shape[-2:], distance_m.device)[None] * distance_m.float()[:, None]
    turned = (rotation(pose)[:, :, :, None, None] * along[:, None]).sum(2)
    return turned + pose[:, :3, None, None].float()


def project(points: Tensor, pose: Tensor, height: int, width: int) -> Seen:
    """World points [B, 3, ...] from pose [B, 5] -> column, row and distance, [B, ...] each.

    What lies behind the camera has a negative distance and a meaningless pixel.
    """
    away = points.float().flatten(2) - pose[:, :3, None].float()
    seen = _pixel(*(rotation(pose)[..., None] * away[:, :, None]).sum(1).unbind(1), height, width)
    column, row, far = (part.reshape(points.shape[:1] + points.shape[2:]) for part in seen)
    return column, row, far


def check_pose(name: str, pose: Tensor) -> None:
    """Raises ValueError naming the pose, its row and the part, unless it is [B, 5] and finite."""
    if pose.ndim != 2 or pose.shape[1] != len(POSE):
        raise ValueError(f"{name}: expected [B, 5] ({', '.join(POSE)}), got {tuple(pose.shape)}")
    bad = (~torch.isfinite(pose)).nonzero()
    if len(bad):
        row, part = bad[0].tolist()
        raise ValueError(f"{name}: {POSE[part]} of row {row} is {pose[row, part].item()}, expected a finite number")


def reproject(planes: Tensor, source_pose: Tensor, target_pose: Tensor) -> tuple[Tensor, Tensor]:
    """A frame's planes [B, 7, h, w] as seen from elsewhere -> (planes [B, 7, h, w], mask [B, 1, h, w] of 0 and 1).

    The source's distances are splatted into the target with a z-buffer, then the source is sampled backwards: luma on
    its full grid, chroma and depth on the half grid. The depth that comes out is the distance from the target. What the
    source did not see is 0 with mask 0. Computes in float32 whatever comes in. Poses are [B, 5]; one that is not finite
    raises ValueError, but under torch.compile, where a check would break the graph, it gives mask 0 instead.
    """
    if planes.ndim != 4 or planes.shape[1] != frame.CHANNELS or not len(planes) == len(source_pose) == len(target_pose):
        shapes = ", ".join(str(tuple(t.shape)) for t in (planes, source_pose, target_pose))
        raise ValueError(f"expected planes [B, {frame.CHANNELS}, h, w] and two poses [B, 5], got {shapes}")
    if not torch.compiler.is_compiling():
        check_pose("source pose", source_pose)
        check_pose("target pose", target_pose)
    planes = planes.float()
    forth, back = _motion(source_pose, target_pose), _motion(target_pose, source_pose)
    inverse = ((planes[:, 6] + 1) / 2).square()  # nearly linear over the picture on flat ground
    distance_m = _close_cracks(_splat(_metres(inverse), forth))
    for _ in range(2):  # the splat rounded to a cell; the second look uses the distance that the first one found
        column, row, found_m, agree = _look_back(inverse, distance_m, back)
        distance_m = torch.where(agree, _seen(column, row, found_m, forth, *inverse.shape[1:])[2], distance_m)
    luma = _sample_luma(frame.unfold(planes[:, :4]), distance_m, agree, back)
    chroma = bilinear(planes[:, 4:6], column, row)
    code = 2 * frame.depth_code(distance_m)[:, None] - 1
    mask = agree[:, None]
    return torch.where(mask, torch.cat([luma, chroma, code], 1), 0.0), mask.float()


def compose(views: list[View]) -> tuple[Tensor, Tensor, Tensor]:
    """Reprojected views, oldest keyframe first and last frame last -> (planes, mask, age map [B, 1, h, w] in frames).

    The last frame says which surface is visible, and where it saw nothing the nearest surface of any view does. Of the
    views that agree with that surface the first in the list gives the pixels, since each round of decoding,
    reprojecting and encoding costs sharpness. Where no view reaches, all three are 0.
    """
    if not views:
        raise ValueError("expected at least one view, got none")
    distances = [frame.distance((planes[:, 6:7].float() + 1) / 2) for planes, _, _ in views]
    nearest = torch.stack(
        [torch.where(mask > 0, metres, torch.inf) for metres, (_, mask, _) in zip(distances, views, strict=True)]
    ).amin(0)
    surface_m = torch.where(views[-1][1] > 0, distances[-1], nearest)
    planes, covered, age = torch.zeros_like(views[-1][0]), torch.zeros_like(views[-1][1]), torch.zeros_like(nearest)
    for metres, (view, mask, frames) in zip(distances, views, strict=True):
        take = (mask > 0) & (covered == 0) & ((metres - surface_m).abs() <= AGREEMENT * surface_m)
        planes = torch.where(take, view, planes)
        age = torch.where(take, frames.to(age.dtype)[:, None, None, None], age)
        covered = torch.where(take, 1.0, covered)
    return planes, covered, age


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


def _grid(height: int, width: int, device: torch.device | None) -> tuple[Tensor, Tensor]:
    row = torch.arange(height, device=device, dtype=torch.float32)[None, :, None]
    column = torch.arange(width, device=device, dtype=torch.float32)[None, None, :]
    return column, row


def _motion(here: Tensor, there: Tensor) -> Motion:
    """From here's camera to there's. Products by element, so that autocast never rounds a coordinate."""
    to_there = rotation(there).transpose(1, 2)
    turn = (to_there[..., None] * rotation(here)[:, None]).sum(2)
    return turn, (to_there * (here[:, None, :3].float() - there[:, None, :3].float())).sum(2)


def _seen(column: Tensor, row: Tensor, distance_m: Tensor, motion: Motion, height: int, width: int) -> Seen:
    """What one camera has at a pixel and a distance, [B, h, w] each, as the other camera sees it."""
    turn, shift = motion[0][..., None, None], motion[1][..., None, None]
    right, up, ahead = _ray(column, row, height, width)
    parallax = ((frame.FAR_M - distance_m) * (1 / (frame.FAR_M - SKY_FROM_M))).clamp(0, 1)
    x, y, z = (
        (turn[:, i, 0] * right + turn[:, i, 1] * up + turn[:, i, 2] * ahead) * distance_m + shift[:, i] * parallax
        for i in range(3)
    )
    return _pixel(x, y, z, height, width)


def _within(seen: Seen, height: int, width: int) -> Tensor:
    column, row, far = seen
    inside = (column > -0.5) & (column < width - 0.5) & (row > -0.5) & (row < height - 0.5)
    return inside & (far > NEAREST_M)  # false for what is not a number


def _metres(inverse: Tensor) -> Tensor:
    return (frame.DEPTH_SCALE_M / inverse.clamp_min(1e-6) - frame.DEPTH_SCALE_M).clamp(0, frame.FAR_M)


def _splat(distance_m: Tensor, forth: Motion) -> Tensor:
    """The source's distances [B, h, w] -> the nearest one in each of the target's cells, 0 where there is none."""
    batch, height, width = distance_m.shape
    seen = _seen(*_grid(height, width, distance_m.device), distance_m, forth, height, width)
    hit = _within(seen, height, width)
    column, row = (torch.where(hit, part, 0.0).round().long() for part in seen[:2])
    cell = torch.where(hit, row * width + column, height * width).flatten(1)
    nothing = 1e9
    buffer = torch.full((batch, height * width + 1), nothing, device=distance_m.device)
    buffer = buffer.scatter_reduce(1, cell, seen[2].flatten(1), "amin")[:, :-1].reshape(batch, height, width)
    return torch.where(buffer < nothing, buffer, 0.0)


def _close_cracks(distance_m: Tensor) -> Tensor:
    """Fills a cell without distance with the nearest of its neighbours; the look back refuses what was no crack."""
    inverse = torch.where(distance_m > 0, 1 / distance_m.clamp_min(NEAREST_M), 0.0)
    around = F.max_pool2d(inverse[:, None], 3, 1, 1)[:, 0]
    around_m = torch.where(around > 0, 1 / around.clamp_min(1e-6), 0.0)
    return torch.where(distance_m > 0, distance_m, around_m)


def _look_back(inverse: Tensor, distance_m: Tensor, back: Motion) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where the target's cells lie in the source, the distance found there, and whether it is the expected one."""
    height, width = inverse.shape[1:]
    column, row, expected_m = _seen(*_grid(height, width, inverse.device), distance_m, back, height, width)
    inside = (distance_m > 0) & _within((column, row, expected_m), height, width)
    column, row = torch.where(inside, column, 0.0), torch.where(inside, row, 0.0)
    found_m = _metres(surface(inverse, column, row))
    return column, row, found_m, inside & ((found_m - expected_m).abs() <= AGREEMENT * expected_m)


def _sample_luma(luma: Tensor, distance_m: Tensor, agree: Tensor, back: Motion) -> Tensor:
    """The source's luma [B, 2h, 2w] at the four pixels of each target cell -> [B, 4, h, w]."""
    height, width = distance_m.shape[1:]
    column, row = _grid(height, width, distance_m.device)
    parts = []
    for dy in (-0.25, 0.25):
        for dx in (-0.25, 0.25):
            at_column, at_row, _ = _seen(column + dx, row + dy, distance_m, back, height, width)
            at_column = torch.where(agree, at_column * 2 + 0.5, 0.0)
            at_row = torch.where(agree, at_row * 2 + 0.5, 0.0)
            parts.append(catmull_rom(luma[:, None], at_column, at_row))
    return torch.cat(parts, 1)
