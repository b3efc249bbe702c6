"""Attention in space (within a block, all to all) and in time (per token slot, causal), with rotary positions.
Knows nothing of modalities or sampling."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def rotary_angles(positions: Tensor, width: int, longest: float) -> Tensor:
    """positions [...] -> angles [..., width / 2], frequencies from 1 down to 1 / longest (arXiv 2104.09864)."""
    count = width // 2
    frequencies = longest ** (-torch.arange(count, dtype=torch.float32, device=positions.device) / max(count - 1, 1))
    return positions.float()[..., None] * frequencies


def turning(angles: Tensor) -> Tensor:
    """Angles [...] -> their cosines and sines [2, ...], computed once: a compiler would do it for every head."""
    return torch.stack([angles.cos(), angles.sin()])


def rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Rotates pairs (i, i + D/2) of x [..., D] by what `turning` made of angles [..., D/2]."""
    c, s = turn.to(x.dtype).unbind(0)
    a, b = x.chunk(2, -1)
    return torch.cat([a * c - b * s, a * s + b * c], -1)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """Softmax attention of [..., N, D]; `mask`, of bools, says what may be seen. On a CPU as plain products: there the
    backward pass of torch's fused kernel took 2.5 times as long on blocks, and 5 times on short rows over time."""
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return scores.float().softmax(-1).to(v.dtype) @ v


class SelfAttention(nn.Module):
    """Projections shared by both kinds: queries and keys are normalised per head (QK-norm)."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        if width % heads or (width // heads) % 4:
            raise ValueError(f"width must be heads times a multiple of 4; got {width} and {heads} heads")
        self.heads, self.head_width = heads, width // heads
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.query_scale = nn.Parameter(torch.ones(self.head_width))
        self.key_scale = nn.Parameter(torch.ones(self.head_width))

    def split(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[..., D] -> normalised queries, normalised keys, values, each [..., H, D/H]."""
        q, k, v = self.project(x).unflatten(-1, (3, self.heads, self.head_width)).unbind(-3)
        shape = (self.head_width,)
        q = F.rms_norm(q, shape, self.query_scale.to(q.dtype), 1e-6)
        k = F.rms_norm(k, shape, self.key_scale.to(k.dtype), 1e-6)
        return q, k, v


class SpaceAttention(SelfAttention):
    """All tokens of one block see each other; the last ones, which make up a picture of `grid` rows and columns, also
    mix their values with their eight neighbours' (LePE, arXiv 2107.00652). x [M, N, D], turn [2, N, D/H/2]."""

    def __init__(self, width: int, heads: int, grid: tuple[int, int]):
        super().__init__(width, heads)
        self.grid = grid
        self.near = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
        nn.init.zeros_(self.near.weight)

    def forward(self, x: Tensor, turn: Tensor) -> Tensor:
        q, k, v = self.split(x)
        q, k = rotate(q, turn[:, :, None]), rotate(k, turn[:, :, None])
        y = attend(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
        y = y.transpose(1, 2).flatten(2)
        told = x.shape[1] - self.grid[0] * self.grid[1]
        picture = v[:, told:].flatten(2).transpose(1, 2).unflatten(2, self.grid)
        mixed = self.near(picture.contiguous(memory_format=torch.channels_last)).flatten(2).transpose(1, 2)
        return self.out(torch.cat([y[:, :told], y[:, told:] + mixed], 1))


Past = tuple[Tensor, Tensor]  # keys and values [B, W, N, H, D/H], keys not rotated, oldest first


POSITIONS = 64  # frames that time attention reaches over at most, past and new


class TimeAttention(SelfAttention):
    """Each token slot sees its own past. x [B, T, N, D]; `mask` [B or 1, T, W + T] says what frame t may see."""

    turn: Tensor

    def __init__(self, width: int, heads: int):
        super().__init__(width, heads)
        angles = rotary_angles(torch.arange(POSITIONS), self.head_width, 64.0)
        self.register_buffer("turn", turning(angles), persistent=False)

    def forward(self, x: Tensor, mask: Tensor, past: Past | None) -> tuple[Tensor, Past]:
        batch, frames, slots, _ = x.shape
        q, k, v = self.split(x)
        kept = (k, v)
        if past is not None:
            k, v = torch.cat([past[0].to(k.dtype), k], 1), torch.cat([past[1].to(v.dtype), v], 1)
        length = k.shape[1]
        if length > POSITIONS:
            raise ValueError(f"expected at most {POSITIONS} frames, past and new; got {length}")
        turn = self.turn[:, :length, None, None]
        q, k = rotate(q, turn[:, length - frames :]), rotate(k, turn)
        rows = batch * slots
        q, k, v = (part.permute(0, 2, 3, 1, 4).reshape(rows, self.heads, -1, self.head_width) for part in (q, k, v))
        seen = mask[:, None].expand(batch, slots, frames, length).reshape(rows, 1, frames, length)
        y = attend(q, k, v, seen)
        y = y.reshape(batch, slots, self.heads, frames, self.head_width).permute(0, 3, 1, 2, 4).flatten(3)
        return self.out(y), kept


def window_mask(frames: int, window: int, device: torch.device | None = None) -> Tensor:
    """[1, frames, frames]: frame t sees itself and the `window` frames before it."""
    at = torch.arange(frames, device=device)
    behind = at[:, None] - at[None]
    return ((behind >= 0) & (behind <= window))[None]
