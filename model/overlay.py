"""What is known of a view: keyframes, the last frame and what was dreamed, seen from there and laid over each other. In
torch, or in C++ that draws only what is then visible. Knows packed planes and poses; nothing of networks and memory."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from model import native
from model.borders import DEPTH, within
from model.camera import check_pose, grid
from model.geometry import View, compose, reproject
from model.view import CELL, cells

PLANES = 9
GUESS = 1.0  # of the eighth plane: nobody saw what is there
OWN = -0.95  # of the eighth plane: what lies below is another keyframe's
SAME_LIGHT = 0.1  # a difference of light up to which two views can lie side by side
SAME = 0.06  # relative difference of two depth codes that still are one surface
FEATHER = 6.0  # half-resolution pixels from its border within which a picture that leads goes over into others
NEARER = 0.04  # of the depth code: what was drawn from so much farther than something else is not looked at


@dataclass(frozen=True)
class Known:
    """A decoded frame of the past: planes [1, 9, 144, 256] (the eighth says from how far each pixel was drawn, the
    ninth whether no keyframe has it), the pose [1, 5] they were seen from, and the light [7] they showed."""

    planes: Tensor
    pose: Tensor
    light: Tensor

    @cached_property
    def room(self) -> Tensor:
        """What the kernel reads of it wherever it is seen from."""
        library = native.require_compiled("overlay")
        height, width = self.planes.shape[2:]
        room = torch.empty(library.overlay_room(height, width))
        library.overlay_prepare(*_pointers(self.planes, room), ctypes.c_int(height), ctypes.c_int(width))
        return room


class Overlaid(NamedTuple):
    """Views laid over each other: planes [1, 8, h, w] without holes, which pixels are known and which something near
    hid from keyframes [1, 1, h, w], and the share of each latent cell that each view gave [1, N, h / 8, w / 8]."""

    planes: Tensor
    known: Tensor
    hidden: Tensor
    shares: Tensor


def overlaid(keys: Sequence[Known], last: Known, dreams: Sequence[Known], pose: Tensor) -> Overlaid:
    """What keyframes show of the view from `pose` [1, 5], unless it is enlarged there and the last frame drew the same
    surface anew in the same light; where they show nothing what was drawn since, unless a dream shows it in other light
    (what is handed on from frame to frame while light changes smears), then what was dreamed, and of the rest the last
    frame. A keyframe counts for more than what was invented since, even in front of it: more often than not
    the keyframe was not asked then. One that is alone goes over, at its border, into the dreams that show what lies
    there in the same light. Raises ValueError on poses that are not finite."""
    views = [*keys, last, *dreams]
    poses = torch.cat([view.pose for view in views])
    check_pose("source pose", poses)
    check_pose("target pose", pose)
    planes = [view.planes for view in views]
    if any(each.shape != planes[-1].shape or each.shape[:2] != (1, PLANES) for each in planes):
        raise ValueError(f"expected planes [1, {PLANES}, h, w] of one size, got {[tuple(p.shape) for p in planes]}")
    if native.load("overlay") is None or any(each.device.type != "cpu" for each in planes):
        return _overlaid(keys, last, dreams, pose)
    return _in_cpp(views, len(keys), poses, pose)


def _in_cpp(views: list[Known], keys: int, poses: Tensor, pose: Tensor) -> Overlaid:
    library = native.require_compiled("overlay")
    height, width = views[0].planes.shape[2:]
    if height % CELL or width % CELL:
        raise ValueError(f"expected planes of n * {CELL} rows and m * {CELL} columns, got {height} and {width}")
    pose = pose.contiguous()
    same_light = (torch.stack([view.light for view in views]) - views[keys].light).norm(dim=1) < SAME_LIGHT
    out = torch.empty(1, PLANES - 1, height, width)
    known, hidden = torch.empty(1, 1, height, width), torch.empty(1, 1, height, width)
    shares = torch.empty(1, len(views), height // CELL, width // CELL)
    counts = (ctypes.c_int * 3)(len(views), keys, native.threads())
    lists = [(ctypes.c_void_p * len(views))(*(part.data_ptr() for part in parts)) for parts in _sources(views)]
    told = _pointers(poses, same_light, pose, out, known, hidden, shares)
    library.overlay(counts, *lists, *told, ctypes.c_int(height), ctypes.c_int(width))
    return Overlaid(out, known, hidden, shares)


def _sources(views: list[Known]) -> tuple[list[Tensor], list[Tensor]]:
    planes = [view.planes for view in views]
    assert all(each.is_contiguous() and each.dtype == torch.float32 for each in planes)
    return planes, [view.room for view in views]


def _pointers(*tensors: Tensor) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors]


def _overlaid(keys: Sequence[Known], last: Known, dreams: Sequence[Known], pose: Tensor) -> Overlaid:
    """The same in torch."""
    seen = [reproject(view.planes, view.pose, pose) for view in (*keys, last, *dreams)]
    (newest, known_last), old, dreamed = seen[len(keys)], seen[: len(keys)], seen[len(keys) + 1 :]
    hidden = torch.stack([within(mask) * (1 - mask * _seen(planes)) for planes, mask in old or seen]).amax(0)
    known_last *= _seen(newest) * (hidden == 0)
    redrawn = known_last * (newest[:, 8:] > 0.5)
    covered = torch.zeros_like(known_last)
    for (planes, mask), key in zip(old, keys, strict=True):
        here, there = (planes[:, 6:7] + 1) / 2, (newest[:, 6:7] + 1) / 2
        finer = (here - there).abs() <= SAME * here
        finer &= (planes[:, 7:8] <= newest[:, 7:8] - NEARER) & (redrawn > 0)
        if _lit_alike(key, last):
            mask *= ~finer
        mask *= (planes[:, 7:8] > OWN) * _seen(planes)
        covered = torch.maximum(covered, mask)
    known_last *= covered == 0
    inner = _inner(keys[0], pose) if len(keys) == 1 and _lit_alike(keys[0], last) else torch.ones_like(covered)
    beside = list[View]()
    for (planes, mask), dream in zip(dreamed, dreams, strict=True):
        mask *= (planes[:, 7:8] > OWN) * _seen(planes)
        if _lit_alike(dream, last):
            beside.append((planes, mask * covered * (inner < 1)))
        mask *= (torch.maximum(covered, redrawn) if _lit_alike(dream, last) else covered) == 0
        known_last *= mask == 0
    together, taken = compose(seen)
    together = _mixed(together, beside, inner) if beside else together
    filled, shares = cells(together[:, : PLANES - 1], taken)
    return Overlaid(filled, taken.sum(1, keepdim=True), hidden, shares)


def _inner(view: Known, pose: Tensor) -> Tensor:
    """How far inside the border of a view that which it shows from `pose` lies, from 0 to 1, [1, 1, h, w]."""
    height, width = view.planes.shape[2:]
    places = [part.expand(1, height, width) for part in grid(height, width, view.planes.device)]
    planes, _ = reproject(torch.cat([view.planes, torch.stack(places, 1)], 1), view.pose, pose)
    column, row = planes[:, PLANES:].split(1, 1)
    inside = torch.minimum(torch.minimum(column, width - 1 - column), torch.minimum(row, height - 1 - row))
    return ((inside + 0.5) / FEATHER).clamp(max=1)


def _lit_alike(view: Known, other: Known) -> bool:
    return bool((view.light - other.light).norm() < SAME_LIGHT)


def _mixed(planes: Tensor, beside: list[View], inner: Tensor) -> Tensor:
    """Planes [1, 9, h, w] with as much of the colours of views beside them, where these show any, as `inner` lacks."""
    others, given = compose(beside)
    colours = torch.lerp(others[:, :DEPTH], planes[:, :DEPTH], torch.where(given.sum(1, keepdim=True) > 0, inner, 1.0))
    return torch.cat([colours, planes[:, DEPTH:]], 1)


def _seen(planes: Tensor) -> Tensor:
    """Which pixels of planes [1, 8 or more, h, w] are no guess, 0 or 1."""
    return (planes[:, 7:8] < (1 + GUESS) / 2).to(planes.dtype)
