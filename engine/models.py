"""The networks that a worker runs, loaded once and shared by its worlds.
Knows files and which arithmetic is fast on this machine; nothing of worlds."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from configs.paths import WEIGHTS
from model import checkpoint
from model.conditioning.text import TextEncoder
from model.geometry import View, reproject
from model.native import Unsupported
from model.omni import Omni, OmniConfig
from model.omni_int8 import Int8Omni
from model.planes import GRID_HEIGHT, GRID_WIDTH, unpack
from model.tokenizer.frame import KIND as TOKENIZER_KIND
from model.tokenizer.frame import FrameTokenizer, FrameTokenizerConfig
from model.tokenizer.int8 import Int8Tokenizer, Ranges, activation_ranges
from model.tokenizer.native import NativeTokenizer
from model.view import as_tokens, gathered

OMNI_KIND = "omni"
OMNI_FILE = "nano.safetensors"
TOKENIZER_FILE = "tokenizer.safetensors"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Known:
    """One decoded frame of the past: planes [1, 7, 144, 256] and the pose [1, 5] they were seen from."""

    planes: Tensor
    pose: Tensor


class Models:
    """The frozen networks, in 8-bit integers where that is possible. For one thread at a time."""

    def __init__(
        self, tokenizer: FrameTokenizer, omni: Omni, text: TextEncoder, name: str, ranges: Ranges | None = None
    ):
        self.text, self.name, self.config = text, name, omni.config
        self.tokenizer = quick_tokenizer(tokenizer, ranges)
        self.omni = quick_omni(omni)

    def see(self, key: Known, key_age: float, last: Known, pose: Tensor) -> Tensor:
        """What is known of the view from `pose`: the keyframe where visible, else the last frame -> [1, 144, 72]."""
        views: list[View] = [
            (*reproject(key.planes, key.pose, pose), torch.tensor([key_age])),
            (*reproject(last.planes, last.pose, pose), torch.ones(1)),
        ]
        filled, known, old = gathered(views)
        return as_tokens(self.tokenizer.encode(filled), known, old)

    def draw(self, latents: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Latents [1, 16, 18, 32] -> planes [1, 7, 144, 256] in [-1, 1], and y, u, v as bytes."""
        if isinstance(self.tokenizer, NativeTokenizer):
            return self.tokenizer.draw(latents)
        planes = self.tokenizer.decode(latents).clamp(-1, 1)
        return (planes, *unpack(planes))

    @classmethod
    def random(cls, config: OmniConfig | None = None, seed: int = 0) -> Models:
        """Networks with random weights, for measuring speed."""
        torch.manual_seed(seed)
        tokenizer = FrameTokenizer(FrameTokenizerConfig()).eval()
        ranges = activation_ranges(tokenizer, torch.rand(1, 7, GRID_HEIGHT, GRID_WIDTH) * 2 - 1)
        return cls(tokenizer, Omni(config or OmniConfig()), TextEncoder.load(), "random", ranges)


def quick_tokenizer(
    tokenizer: FrameTokenizer, ranges: Ranges | None
) -> NativeTokenizer | Int8Tokenizer | FrameTokenizer:
    """In integers where this machine can, else as it is."""
    try:
        return NativeTokenizer(tokenizer)
    except Unsupported as why:
        if ranges is not None and torch.cpu._is_vnni_supported():
            log.warning("the tokenizer runs in torch's integers, about half as fast: %s", why)
            return Int8Tokenizer(tokenizer, ranges)
        log.warning("the tokenizer runs in floats, about five times slower: %s", why)
        return tokenizer.eval().requires_grad_(False)


def quick_omni(omni: Omni) -> Omni | Int8Omni:
    """In integers where this machine can, else as it is."""
    omni = omni.eval().requires_grad_(False)
    try:
        return Int8Omni(omni)
    except Unsupported as why:
        log.warning("the Omni runs in floats, about three times slower: %s", why)
        return omni


def load_models(weights: Path = WEIGHTS) -> Models:
    """The bundled networks. Raises CheckpointError naming what is missing or does not fit."""
    path = weights / TOKENIZER_FILE
    tokenizer, ranges = FrameTokenizer.load(path), checkpoint.load_extra(path, TOKENIZER_KIND).get("ranges")
    values, tensors = checkpoint.load(weights / OMNI_FILE, OMNI_KIND)
    omni = Omni(checkpoint.as_config(OmniConfig, values))
    checkpoint.load_into(omni, tensors, OMNI_KIND)
    name = f"nano-{checkpoint.sha256(weights / OMNI_FILE)[:8]}"
    return Models(tokenizer, omni, TextEncoder.load(), name, ranges)
