"""Cameras, and what a frame seen from one pose looks like from another: unproject, project, reproject, compose.
Knows poses, distances and packed planes; refuses to know networks, light, or which frame is worth reprojecting."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model import planes as frame
from model.camera import check_pose, motion, project, rays, unproject
from model.reprojection import AGREEMENT, warp, warp_as_node, warp_on_cpu

__all__ = ["check_pose", "compose", "project", "rays", "reproject", "unproject"]

View = tuple[Tensor, Tensor]  # planes [B, 7 or 8, h, w], mask [B, 1, h, w]
BLURRED = 4.0  # an enlargement beyond which nothing is left to see


@torch.no_grad()
def reproject(planes: Tensor, source_pose: Tensor, target_pose: Tensor) -> View:
    """A frame's planes [B, 7, h, w] as seen from elsewhere -> (planes [B, 7, h, w], mask [B, 1, h, w] of 0 and 1).
    Further planes are seen as chroma is; the eighth says from how far each pixel was drawn, see `grain`.

    The source's distances are splatted into the target with a z-buffer, as points and as the triangles between those of
    one surface; then the source is sampled backwards: luma on its full grid, chroma and depth on the half grid. The
    depth that comes out is the distance from the target. What the source did not see is 0 with mask 0. Computes in
    float32 whatever comes in. Poses are [B, 5]; one that is not finite raises ValueError, but under torch.compile,
    where a check would break the graph, it gives mask 0 instead.
    """
    if planes.ndim != 4 or planes.shape[1] < frame.CHANNELS or not len(planes) == len(source_pose) == len(target_pose):
        shapes = ", ".join(str(tuple(t.shape)) for t in (planes, source_pose, target_pose))
        raise ValueError(f"expected planes [B, {frame.CHANNELS} or more, h, w] and two poses [B, 5], got {shapes}")
    compiling = torch.compiler.is_compiling()
    if not compiling:
        check_pose("source pose", source_pose)
        check_pose("target pose", target_pose)
    forth, back = motion(source_pose, target_pose), motion(target_pose, source_pose)
    if planes.device.type != "cpu":
        return warp(planes.float(), forth, back)
    there, again = (torch.cat([turn.flatten(1), shift], 1) for turn, shift in (forth, back))
    source = planes.float().contiguous()
    return warp_as_node(source, there, again) if compiling else warp_on_cpu(source, there, again)


def compose(views: list[View]) -> tuple[Tensor, Tensor]:
    """N reprojected views -> (planes, [B, N, h, w]: 1 where a view gave the pixel).

    The nearest surface that any view saw is visible. Of the views that agree with it the first in the list gives the
    pixels. Where no view reaches, both are 0.
    """
    if not views:
        raise ValueError("expected at least one view, got none")
    distances = [frame.distance((planes[:, 6:7].float() + 1) / 2) for planes, _ in views]
    surface_m = torch.stack(
        [torch.where(mask > 0, metres, torch.inf) for metres, (_, mask) in zip(distances, views, strict=True)]
    ).amin(0)
    planes, covered, taken = torch.zeros_like(views[-1][0]), torch.zeros_like(views[-1][1]), []
    for metres, (view, mask) in zip(distances, views, strict=True):
        take = (mask > 0) & (covered == 0) & ((metres - surface_m).abs() <= AGREEMENT * surface_m)
        planes = torch.where(take, view, planes)
        covered = torch.where(take, 1.0, covered)
        taken.append(take.to(planes.dtype))
    return planes, torch.cat(taken, 1)


def drawn_here(planes: Tensor) -> Tensor:
    """Planes [B, 7, h, w] that were drawn as they are -> [B, 8, h, w], with a plane that says so: the eighth is the
    depth code of the distance from which each pixel was drawn, here its own."""
    return torch.cat([planes, planes[:, 6:7]], 1)


def grain(planes: Tensor) -> Tensor:
    """Planes [B, 8, h, w] -> [B, 1, h, w] in [0, 1]: by how much each pixel is enlarged against what was drawn, as a
    logarithm: 0 where it was drawn from here or nearer, 1 where from BLURRED times as far."""
    here_m, drawn_m = (frame.distance((planes[:, at : at + 1] + 1) / 2) for at in (6, 7))
    return (torch.log2((drawn_m + 0.5) / (here_m + 0.5)) / math.log2(BLURRED)).clamp(0, 1)
