"""The known view of a frame as the network's input: reprojected planes with a mask, holes filled softly, encoded.
Knows geometry's output and the tokenizer; not where the views come from."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from model import native
from model.beside import grown
from model.geometry import grain
from model.omni import GRID, LIGHT, VIEW, view_tokens
from model.planes import AFAR_CODE, CHANNELS
from model.tokenizer.quick import Eyes

AROUND = 13  # cells beside a filled gap whose views tell the light of what fills it
CELL = 8  # half-resolution pixels a latent cell
STEADY = 0.1  # a change of light that makes it stay a third
CLOUDS, OTHER_CLOUDS = slice(2, 4), 0.25  # where a change of light tells clouds and fog; one that makes another sky
WHOLE = 0.95  # share from which on a cell counts as wholly known
REACH = 6  # cells that a quick turn uncovers in a frame at most
PARTLY = 0.1  # share from which on a cell's known pixels tell what is beside them
SOON, USUAL = 4.0, 8  # cells within which what is beside goes over into what is usual in a row, of so many known ones
SOFT = 2  # half-resolution pixels within which the border of what is known is soft


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


def per_pixel(cells: Tensor) -> Tensor:
    """Values of cells [B, C, 18, 32] -> of their half-resolution pixels [B, C, 144, 256]."""
    return cells.repeat_interleave(CELL, 2).repeat_interleave(CELL, 3)


def cells(planes: Tensor, taken: Tensor) -> tuple[Tensor, Tensor]:
    """planes [B, 7, 144, 256] and which of N views gave each pixel [B, N, 144, 256] -> what the encoder reads, without
    holes; and the share of each latent cell that each view gave [B, N, 18, 32]."""
    return fill(planes, taken.sum(1, keepdim=True)), F.avg_pool2d(taken, CELL)


def without_slivers(shares: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Shares [B, N, 18, 32] and known pixels [B, 1, 144, 256] -> the same, nothing known of the cells at the picture's
    border that are not wholly known. A slow turn uncovers less than a cell a frame; what is invented there is then
    invented a cell at a time and not smeared out of what stands beside it."""
    partial = shares.sum(1, keepdim=True) < WHOLE
    open_ = F.pad(torch.zeros_like(partial[:, :, 1:-1, 1:-1]), (1, 1, 1, 1), value=True) & partial
    for _ in range(REACH):
        open_ = (F.max_pool2d(open_.float(), 3, 1, 1) > 0) & partial
    keep = (~open_).to(shares.dtype)
    return shares * keep, known * per_pixel(keep)


def grains(planes: Tensor, known: Tensor) -> Tensor:
    """Planes [B, 8 or more, 144, 256] and which of their pixels are known [B, 1, 144, 256] -> each cell's mean grain
    [B, 1, 18, 32]."""
    return F.avg_pool2d(grain(planes) * known, CELL) / F.avg_pool2d(known, CELL).clamp_min(1e-4)


def extended(planes: Tensor, known: Tensor, shares: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Planes [1, 8, 144, 256] without holes, which pixels are known [1, 1, 144, 256], and each view's shares [1, N, 18,
    32] -> the same, what is known carried on to the left and right by a cell: who goes on from it sees all that is
    known up to its border, and not only the cells that it leaves whole."""
    planes, reached = planes.clone(), known.clone()
    right, left = slice(1, None), slice(None, -1)
    for _ in range(CELL):
        for to, of in ((right, left), (left, right)):
            new = (1 - reached[..., to]) * reached[..., of]
            planes[..., to] = torch.lerp(planes[..., to], planes[..., of], new)
            reached[..., to] += new
    more = F.avg_pool2d(reached, CELL) / F.avg_pool2d(known, CELL).clamp_min(1e-4)
    return planes, reached, shares * more


def softened(planes: Tensor, known: Tensor) -> Tensor:
    """Planes [1, C, 144, 256], of which some pixels are known [1, 1, 144, 256] -> the others are what is known beside
    them, and farther away what is usual in their row, in cells that go over into each other."""
    some = F.avg_pool2d(known, CELL)
    there = some > PARTLY
    means = F.avg_pool2d(planes * known, CELL) / some.clamp_min(1e-4)
    near, rings = grown(means, there)
    usual = means.masked_fill(~there, torch.nan).nanmedian(3, keepdim=True).values
    far = (rings / SOON).clamp(0, 1) * (there.sum(3, keepdim=True) >= USUAL)
    soft = F.interpolate(torch.where(far > 0, torch.lerp(near, usual, far), near), scale_factor=CELL, mode="bilinear")
    return torch.where(known > 0, planes, soft)


class Settled(NamedTuple):
    """What counts as known: each view's shares [1, N, 18, 32], which pixels [1, 1, 144, 256] and which of these fill
    gaps, and each cell's grain [1, 1, 18, 32]."""

    shares: Tensor
    known: Tensor
    uncovered: Tensor
    grain: Tensor


def settled(planes: Tensor, known: Tensor, gap: Tensor, shares: Tensor) -> Settled:
    """Planes [1, 8, 144, 256] without holes, which pixels are known and which gaps between them were filled, and each
    view's shares: what fills a gap counts as given by the views around it, and slivers as not known at all. In C++
    where there is a compiler."""
    library = native.load("view")
    if library is None or any(p.device.type != "cpu" or p.dtype != torch.float32 for p in (planes, known, gap, shares)):
        return _settled(planes, known, gap, shares)
    known, gap, shares = (part.clone(memory_format=torch.contiguous_format) for part in (known, gap, shares))
    grain = torch.empty_like(shares[:, :1])
    parts = (planes.contiguous(), known, gap, shares, grain)
    sizes = (shares.shape[1], *planes.shape[2:])
    library.view_settle(*_pointers(*parts), *(ctypes.c_int(size) for size in sizes))
    return Settled(shares, known, gap, grain)


def _settled(planes: Tensor, known: Tensor, gap: Tensor, shares: Tensor) -> Settled:
    """The same in torch."""
    around = F.avg_pool2d(shares, AROUND, 1, AROUND // 2)
    shares = shares + F.avg_pool2d(gap, CELL) * around / around.sum(1, keepdim=True).clamp_min(1e-6)
    shares, known = without_slivers(shares, known + gap)
    return Settled(shares, known, gap * known, grains(planes, known))


def told(latents: Tensor, view: Settled, changes: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
    """The encoded view [1, 16, 18, 32], what of it is known, how much the light changed since each view [1, N, 7], and
    the known depth code [1, 1, 144, 256] -> `as_tokens` and `relit` of it, in C++ where there is a compiler."""
    library = native.load("view")
    parts = (latents, view.shares, view.grain, changes, depth)
    if library is None or any(part.device.type != "cpu" or part.dtype != torch.float32 for part in parts):
        tokens = as_tokens(latents, view.shares, view.grain, changes)
        return tokens, relit(tokens, depth)
    tokens, other = latents.new_empty(1, GRID[0] * GRID[1], VIEW), torch.empty_like(view.grain)
    given, sizes = [part.contiguous() for part in parts], (view.shares.shape[1], *depth.shape[2:])
    far = ctypes.c_float(2 * AFAR_CODE - 1)
    library.view_tell(*_pointers(*given), far, *_pointers(tokens, other), *(ctypes.c_int(size) for size in sizes))
    return tokens, other


def _pointers(*tensors: Tensor) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors]


def as_tokens(latents: Tensor, shares: Tensor, grain: Tensor, changes: Tensor) -> Tensor:
    """The encoded view [B, 16, 18, 32], each view's shares [B, N, 18, 32], cells' grain [B, 1, 18, 32] and how much the
    light changed since each view [B, N, 7] -> view tokens [B, 144, 103]: nothing where nothing is known."""
    known = shares.sum(1, keepdim=True)
    part = shares / known.clamp_min(1e-4)
    change = torch.einsum("bnhw,bnc->bchw", part, changes)
    return view_tokens(latents * (known > 0), known, grain * (known > 0), change)


def known_view(eyes: Eyes, planes: Tensor, taken: Tensor, changes: Tensor) -> Tensor:
    """planes [B, 8, 144, 256], which of N views gave each pixel [B, N, 144, 256], and how much the light changed since
    each view [B, N, 7] -> view tokens [B, 144, 103]."""
    filled, shares = cells(planes[:, :CHANNELS], taken)
    latents = eyes.encode(filled.contiguous(memory_format=torch.channels_last))
    return as_tokens(latents, shares, grains(planes, taken.sum(1, keepdim=True)), changes)


def lasting(tokens: Tensor) -> Tensor:
    """How much of what is known is in the light that there is now, by its tokens [B, 144, 103]: [B, 1, 18, 32] in
    [0, 1]."""
    return 1 - changed(tokens).light


class Change(NamedTuple):
    """How much of each cell shows another light than it has now, and another sky, [B, 1, 18, 32] in [0, 1] both."""

    light: Tensor
    sky: Tensor


def changed(tokens: Tensor) -> Change:
    """What view tokens [B, 144, 103] tell of it: of the sky, where clouds or fog change."""
    change = tokens[..., -LIGHT:]
    parts = change / STEADY, change[..., CLOUDS] / OTHER_CLOUDS
    shares = (1 - torch.exp(-part.square().sum(-1)).unflatten(1, GRID)[:, None] for part in parts)
    return Change(*(share.repeat_interleave(2, 2).repeat_interleave(2, 3) for share in shares))


def relit(tokens: Tensor, depth: Tensor) -> Tensor:
    """How much of each cell shows another light than it has now, [B, 1, 18, 32] in [0, 1], by its tokens [B, 144, 103]
    and its known depth code [B, 1, 144, 256]: there the known picture is drawn in the light of the new one. None of a
    sky whose clouds or fog change."""
    light, sky = changed(tokens)
    return light * (1 - sky * F.avg_pool2d((depth < 2 * AFAR_CODE - 1).to(light.dtype), CELL))


def keep_known(drawn: Tensor, known: Tensor, mask: Tensor, firm: Tensor) -> Tensor:
    """Planes as drawn [B, 7, 144, 256], as known, which pixels are known [B, 1, 144, 256], and how much of them stays
    [B, 1, 18, 32] -> planes. What stays is not encoded and decoded once more, which would cost its sharpness; the
    borders of what is known are soft."""
    width = 2 * SOFT + 1
    eroded = -F.max_pool2d(-mask, width, 1, SOFT)
    inside = F.avg_pool2d(F.pad(eroded, (SOFT,) * 4, value=1.0), width, 1)
    share = F.interpolate(firm, scale_factor=CELL, mode="bilinear") * inside
    return torch.lerp(drawn, known, share)
