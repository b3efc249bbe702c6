"""The latents and labels of clips as tensors on one device, with the network's own versions of them.
Knows the cache of clips and the tokenizer; nothing of losses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from configs.paths import cache_dir
from model import checkpoint
from model.conditioning import control
from model.planes import pack
from model.tokenizer.quick import Eyes
from model.worlds.clips import FRAMES, SKIES, list_clips, read
from model.worlds.weather import FRAME_S

LABELS = ("walk", "controls", "sky", "prompt", "place", "stride")
LATENT = (16, 18, 32)
CHUNK = 8  # frames that are encoded at once
# what is kept of each clip: walk as in clips.draw; velocity in the body's frame, and in that of the next frame
SHAPES: dict[str, tuple[tuple[int, ...], torch.dtype]] = {
    "latents": ((SKIES, FRAMES, *LATENT), torch.bfloat16),
    "worn": ((SKIES, FRAMES, *LATENT), torch.bfloat16),
    "has_worn": ((SKIES, FRAMES), torch.bool),
    "walk": ((FRAMES + 1, 9), torch.float32),
    "control": ((FRAMES, control.WIDTH), torch.float32),
    "sky": ((SKIES, FRAMES + 1, 6), torch.float32),
    "prompt": ((SKIES, 5), torch.int64),
    "place": ((), torch.int64),
    "stride": ((), torch.int64),
    "velocity": ((FRAMES, 3), torch.float32),
    "turned_velocity": ((FRAMES, 3), torch.float32),
}


def kept_in(tokenizer: Path) -> Path:
    """The folder of clips that a tokenizer's file encoded."""
    return cache_dir() / f"latents-{checkpoint.sha256(tokenizer)[:12]}"


@torch.inference_mode()
def encode_clip(eyes: Eyes, raw: Mapping[str, Tensor], device: torch.device) -> Tensor:
    """The frames of a clip, as `clips.read` gives it, as latents bf16 [2, T, 16, 18, 32], on the CPU."""
    parts = []
    for sky in range(raw["y"].shape[0]):
        planes = pack(raw["y"][sky], raw["u"][sky], raw["v"][sky], raw["depth"])
        for some in planes.split(CHUNK):
            some = some.to(device, torch.float32).contiguous(memory_format=torch.channels_last)
            parts.append(eyes.encode(some).bfloat16().cpu())
    frames = torch.cat(parts)
    return frames.unflatten(0, (raw["y"].shape[0], -1)).contiguous()


def keep_clip(path: Path, eyes: Eyes, raw: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """Writes what training needs of a clip, whole or not at all; and gives it."""
    tensors = {name: raw[name] for name in LABELS} | {"latents": encode_clip(eyes, raw, device)}
    partial = path.with_suffix(f".{os.getpid()}.partial")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial)
    partial.rename(path)
    return tensors


def body_velocity(walk: Tensor, yaw: Tensor, stride: int) -> Tensor:
    """How each frame of a walk [T + 1, 9] moved from the one before, along `yaw` [T]: right, up, forward in m/s; where
    the frames lie `stride` steps apart, how it moved at each."""
    moved = (walk[1:, :3] - walk[:-1, :3]) / FRAME_S if stride == 1 else walk[1:, 5:8]
    c, s = yaw.cos(), yaw.sin()
    return torch.stack([moved[:, 0] * c - moved[:, 2] * s, moved[:, 1], moved[:, 0] * s + moved[:, 2] * c], -1)


class Clips:
    """The training or held-out clips of a folder; `rescan` takes up what was drawn since. Encoded once, kept on disk
    in `kept`, a folder named after the tokenizer's hash. Tensors by the names of SHAPES are [room, ...], of which the
    first `count` are real; `worn` are latents as the network made them, where `has_worn`."""

    def __init__(
        self,
        folder: Path,
        kept: Path,
        eyes: Eyes,
        validation: bool = False,
        device: torch.device | str = "cpu",
    ):
        self.folder, self.kept, self.eyes, self.validation = folder, kept, eyes, validation
        self.device = torch.device(device)
        self.kept.mkdir(parents=True, exist_ok=True)
        self.count = 0
        self._seeds: set[int] = set()
        self._tensors = {name: self._room(name, 0) for name in SHAPES}

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def of_stride(self, consecutive: bool) -> Tensor:
        """Indices of the clips whose frames follow each other, or of those that show seconds of a walk."""
        return ((self["stride"][: self.count] == 1) == consecutive).nonzero()[:, 0]

    def rescan(self, most: int = 10**9) -> int:
        """Takes up new clips: all that were encoded before (those that lie in `kept` alone were encoded as they were
        drawn), and at most `most` others. Returns how many."""
        taken = 0
        known = {path.name: path for folder in (self.folder, self.kept) for path in list_clips(folder, self.validation)}
        for _, path in sorted(known.items()):
            if int(path.stem) in self._seeds:
                continue
            if not (self.kept / path.name).exists():
                if most <= 0:
                    continue
                most -= 1
            self._take(path)
            taken += 1
        return taken

    def _room(self, name: str, size: int) -> Tensor:
        shape, dtype = SHAPES[name]
        return torch.zeros(size, *shape, dtype=dtype, device=self.device)

    def _take(self, path: Path) -> None:
        if self.count == len(self["place"]):
            more = max(64, self.count // 2)
            self._tensors = {name: torch.cat([part, self._room(name, more)]) for name, part in self._tensors.items()}
        for name, value in self._read(path).items():
            self[name][self.count] = value.to(self.device, non_blocking=True)
        self._seeds.add(int(path.stem))
        self.count += 1

    def _read(self, path: Path) -> dict[str, Tensor]:
        file = self.kept / path.name
        tensors = load_file(file) if file.exists() else keep_clip(file, self.eyes, read(path), self.device)
        walk, stride = tensors["walk"], int(tensors["stride"][0])
        next_yaw = torch.cat([walk[2:, 3], walk[-1:, 3]])
        return {
            "latents": tensors["latents"],
            "walk": walk,
            "control": control.features(tensors["controls"]),
            "sky": tensors["sky"],
            "prompt": tensors["prompt"].long(),
            "place": tensors["place"][0].long(),
            "stride": tensors["stride"][0].long(),
            "velocity": body_velocity(walk, walk[1:, 3], stride),
            "turned_velocity": body_velocity(walk, next_yaw, stride),
        }
