"""Clips as latents in memory, with their labels, and beside them what the model itself made of the same frames.
Knows clips and the frozen tokenizer; nothing of losses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.planes import pack
from model.tokenizer.frame import FrameTokenizer
from model.worlds.clips import list_clips, read

LABELS = ("walk", "controls", "sky", "prompt", "place")


@dataclass
class Clip:
    """latents bf16 [2, T, 16, 18, 32]; worn: the model's own version of some of them, `has_worn` [2, T] of which."""

    seed: int
    latents: Tensor
    walk: Tensor
    controls: Tensor
    sky: Tensor
    prompt: Tensor
    place: int
    worn: Tensor
    has_worn: Tensor


@torch.inference_mode()
def encode_clip(tokenizer: FrameTokenizer, path: Path) -> Tensor:
    """A clip's frames as latents bf16 [2, T, 16, 18, 32]."""
    raw = read(path)
    dtype = tokenizer.encoder.stem.weight.dtype
    parts = []
    for sky in range(raw["y"].shape[0]):
        planes = pack(raw["y"][sky], raw["u"][sky], raw["v"][sky], raw["depth"])
        for some in planes.split(8):
            parts.append(tokenizer.encode(some.to(dtype).contiguous(memory_format=torch.channels_last)).bfloat16())
    frames = torch.cat(parts)
    return frames.unflatten(0, (raw["y"].shape[0], -1)).contiguous()


class Latents:
    """The training or held-out clips of a folder; `rescan` takes up what was drawn since. Encoded once, kept on disk
    in `kept`, a folder named after the tokenizer's hash."""

    def __init__(self, clips: Path, kept: Path, tokenizer: FrameTokenizer, validation: bool = False):
        self.folder, self.kept, self.tokenizer, self.validation = clips, kept, tokenizer, validation
        self.kept.mkdir(parents=True, exist_ok=True)
        self.clips: list[Clip] = []
        self._seeds: set[int] = set()

    def rescan(self, most: int = 10**9) -> int:
        """Takes up new clips: all that were encoded before, and at most `most` others. Returns how many."""
        taken = 0
        for path in list_clips(self.folder, self.validation):
            if int(path.stem) in self._seeds:
                continue
            if not (self.kept / path.name).exists():
                if most <= 0:
                    continue
                most -= 1
            self._take(path)
            taken += 1
        return taken

    def _take(self, path: Path) -> None:
        seed, file = int(path.stem), self.kept / path.name
        if file.exists():
            tensors = load_file(file)
        else:
            tensors = read(path, LABELS) | {"latents": encode_clip(self.tokenizer, path)}
            partial = file.with_suffix(".partial")
            save_file({k: v.contiguous() for k, v in tensors.items()}, partial)
            partial.rename(file)
        z = tensors["latents"].clone()
        labels = {k: tensors[k].clone() for k in LABELS if k != "place"}
        worn, has = torch.zeros_like(z), torch.zeros(z.shape[:2], dtype=torch.bool)
        self.clips.append(Clip(seed, z, **labels, place=int(tensors["place"]), worn=worn, has_worn=has))
        self._seeds.add(seed)
