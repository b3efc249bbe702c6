"""The known view of a frame as the network's input: reprojected planes with a mask, holes filled softly, encoded.
Knows geometry's output and the tokenizer; not where the views come from."""

from __future__ import annotations

import ctypes

import torch
import torch.nn.functional as F
from torch import Tensor

from model import native
from model.geometry import View, compose
from model.omni import view_tokens
from model.planes import CHANNELS
from model.tokenizer.frame import FrameTokenizer
from model.tokenizer.int8 import Int8Tokenizer
from model.tokenizer.native import NativeTokenizer

Eyes = FrameTokenizer | Int8Tokenizer | NativeTokenizer
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


def cells(planes: Tensor, mask: Tensor, age: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """planes [B, 7, 144, 256], mask and age in frames [B, 1, 144, 256] -> what the encoder reads, without holes;
    and per latent cell [B, 1, 18, 32] how much of it is known and how old that is, both in [0, 1]."""
    known = F.avg_pool2d(mask, CELL)
    old = F.avg_pool2d(age.clamp(0, OLDEST) * mask, CELL) / known.clamp_min(1e-4) / OLDEST
    return fill(planes, mask), known, old


def gathered(views: list[View]) -> tuple[Tensor, Tensor, Tensor]:
    """`cells` of views laid over each other as `compose` does; in C++ where there is a compiler, then of one world."""
    planes, masks = [view[0] for view in views], [view[1] for view in views]
    library = native.load("view")
    if library is None or any(part.device.type != "cpu" or part.dtype != torch.float32 for part in planes + masks):
        return cells(*compose(views))
    count, (batch, channels, height, width) = len(views), planes[0].shape
    if batch != 1 or channels != CHANNELS or height % CELL or width % CELL:
        raise ValueError(f"expected [1, {CHANNELS}, n * {CELL}, m * {CELL}], got {tuple(planes[0].shape)}")
    assert all(part.shape[2:] == (height, width) and part.is_contiguous() for part in planes + masks)
    out = torch.empty_like(planes[0])
    known, old = out.new_empty(2, 1, 1, height // CELL, width // CELL)
    pointers = [(ctypes.c_void_p * count)(*(part.data_ptr() for part in parts)) for parts in (planes, masks)]
    ages = (ctypes.c_float * count)(*(float(age) for _, _, age in views))
    results = (ctypes.c_void_p(part.data_ptr()) for part in (out, known, old))
    sizes = ctypes.c_int(height), ctypes.c_int(width)
    library.view_gather(*pointers, ages, ctypes.c_int(count), *results, *sizes)
    return out, known, old


def known_view(tokenizer: Eyes, planes: Tensor, mask: Tensor, age: Tensor) -> Tensor:
    """planes [B, 7, 144, 256], mask [B, 1, 144, 256], age [B, 1, 144, 256] in frames -> view tokens [B, 144, 72]."""
    filled, known, old = cells(planes, mask, age)
    latents = tokenizer.encode(filled.contiguous(memory_format=torch.channels_last))
    return as_tokens(latents, known, old)


def as_tokens(latents: Tensor, known: Tensor, old: Tensor) -> Tensor:
    """The encoded view, nothing where nothing is known -> view tokens [B, 144, 72]."""
    return view_tokens(latents * (known > 0), known, old)
