"""Cameras, and what a frame seen from one pose looks like from another: unproject, project, reproject, compose.
Knows poses, distances and packed planes; refuses to know networks, light, or which frame is worth reprojecting."""

from __future__ import annotations

import torch
from torch import Tensor

from model import planes as frame
from model.camera import check_pose, motion, project, rays, unproject
from model.reprojection import AGREEMENT, warp, warp_as_node, warp_on_cpu

__all__ = ["check_pose", "compose", "project", "rays", "reproject", "unproject"]

View = tuple[Tensor, Tensor]  # planes [B, 7, h, w], mask [B, 1, h, w]


@torch.no_grad()
def reproject(planes: Tensor, source_pose: Tensor, target_pose: Tensor, over: View | None = None) -> View:
    """A frame's planes [B, 7, h, w] as seen from elsewhere -> (planes [B, 7, h, w], mask [B, 1, h, w] of 0 and 1).

    The source's distances are splatted into the target with a z-buffer, then the source is sampled backwards: luma on
    its full grid, chroma and depth on the half grid. The depth that comes out is the distance from the target. What the
    source did not see is 0 with mask 0. With `over`, a view that `compose` will put before this one, what it hides may
    stay 0 but for its depth. Computes in float32 whatever comes in. Poses are [B, 5]; one that is not finite
    raises ValueError, but under torch.compile, where a check would break the graph, it gives mask 0 instead.
    """
    if planes.ndim != 4 or planes.shape[1] != frame.CHANNELS or not len(planes) == len(source_pose) == len(target_pose):
        shapes = ", ".join(str(tuple(t.shape)) for t in (planes, source_pose, target_pose))
        raise ValueError(f"expected planes [B, {frame.CHANNELS}, h, w] and two poses [B, 5], got {shapes}")
    compiling = torch.compiler.is_compiling()
    if not compiling:
        check_pose("source pose", source_pose)
        check_pose("target pose", target_pose)
    forth, back = motion(source_pose, target_pose), motion(target_pose, source_pose)
    if planes.device.type != "cpu":
        return warp(planes.float(), forth, back)
    there, again = (torch.cat([turn.flatten(1), shift], 1) for turn, shift in (forth, back))
    source = planes.float().contiguous()
    return warp_as_node(source, there, again) if compiling else warp_on_cpu(source, there, again, over)


def compose(views: list[View]) -> tuple[Tensor, Tensor]:
    """N reprojected views, oldest keyframe first and last frame last -> (planes, [B, N, h, w]: 1 where a view gave the
    pixel).

    The last frame says which surface is visible, and where it saw nothing the nearest surface of any view does. Of the
    views that agree with that surface the first in the list gives the pixels, since each round of decoding,
    reprojecting and encoding costs sharpness. Where no view reaches, both are 0.
    """
    if not views:
        raise ValueError("expected at least one view, got none")
    distances = [frame.distance((planes[:, 6:7].float() + 1) / 2) for planes, _ in views]
    nearest = torch.stack(
        [torch.where(mask > 0, metres, torch.inf) for metres, (_, mask) in zip(distances, views, strict=True)]
    ).amin(0)
    surface_m = torch.where(views[-1][1] > 0, distances[-1], nearest)
    planes, covered, taken = torch.zeros_like(views[-1][0]), torch.zeros_like(views[-1][1]), []
    for metres, (view, mask) in zip(distances, views, strict=True):
        take = (mask > 0) & (covered == 0) & ((metres - surface_m).abs() <= AGREEMENT * surface_m)
        planes = torch.where(take, view, planes)
        covered = torch.where(take, 1.0, covered)
        taken.append(take.to(planes.dtype))
    return planes, torch.cat(taken, 1)
