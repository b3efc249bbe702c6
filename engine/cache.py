"""The bounded window of keys and values that a world's time layers attend to, allocated once.
Knows shapes and order; nothing of what the frames show."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.device import Place
from model.attention import Past


class Window:
    """The last `frames` committed frames of one world, oldest first, for each time layer. `filled` of them are real.

    A window slides over twice its room, so that it is contiguous and a commit copies one frame, not all of them.
    """

    def __init__(self, layers: int, frames: int, each: tuple[int, int, int], place: Place):
        shape = (1, 2 * frames, *each)  # slots, heads and their width
        self.frames = frames
        self.filled = 0
        self._first = 0
        self._mask, self._mask_of = torch.empty(0), (0, 0)
        self._rooms: list[Past] = [(_void(shape, place), _void(shape, place)) for _ in range(layers)]

    def pairs(self) -> list[Past]:
        """Keys and values [1, W, N, H, D/H] a layer. The first W - filled frames are void: see `mask`."""
        part = slice(self._first, self._first + self.frames)
        return [(keys[:, part], values[:, part]) for keys, values in self._rooms]

    def commit(self, kept: list[Past], index: int) -> None:
        """Takes frame `index` of the pairs [1, T, N, H, D/H] that a call returned; the oldest frame falls out."""
        if len(kept) != len(self._rooms):
            raise ValueError(f"expected {len(self._rooms)} pairs of keys and values, got {len(kept)}")
        if self._first == self.frames:
            for buffer in (part for pair in self._rooms for part in pair):
                buffer[:, : self.frames] = buffer[:, self.frames :]
            self._first = 0
        for ours, new in zip(self._rooms, kept, strict=True):
            for buffer, value in zip(ours, new, strict=True):
                buffer[:, self._first + self.frames] = value[:, index]
        self._first += 1
        self.filled = min(self.filled + 1, self.frames)

    def mask(self, new: int) -> Tensor:
        """[1, new, W + new]: each new frame sees itself and up to W frames before it, none of them void."""
        if self._mask_of != (new, self.filled):
            length = self.frames + new
            at = torch.arange(length)
            own = at[self.frames :, None]
            seen = (at[None] <= own) & (own - at[None] <= self.frames) & (at[None] >= self.frames - self.filled)
            self._mask, self._mask_of = seen[None], (new, self.filled)
        return self._mask


def _void(shape: tuple[int, ...], place: Place) -> Tensor:
    return torch.zeros(shape, dtype=place.dtype, device=place.device)
