"""The networks that a worker runs, loaded once and shared by its worlds.
Knows files and which arithmetic is fast on this machine; nothing of worlds."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

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
from model.tokenizer.int8 import Ranges, activation_ranges
from model.tokenizer.native import NativeTokenizer
from model.tokenizer.quick import quick_tokenizer
from model.view import as_tokens, gathered, keep_known, without_slivers

OMNI_KIND = "omni"
OMNI_FILE = "nano.safetensors"
TOKENIZER_FILE = "tokenizer.safetensors"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Known:
    """A decoded frame of the past: planes [1, 7, 144, 256], the pose [1, 5] they were seen from, the light [7] they
    showed, and which frame it was."""

    planes: Tensor
    pose: Tensor
    light: Tensor
    index: int


class Glimpse(NamedTuple):
    """What is known of a frame before it is sampled: view tokens [1, 144, 79], planes [1, 7, 144, 256] without holes,
    and which pixels of them are known [1, 1, 144, 256]."""

    tokens: Tensor
    planes: Tensor
    known: Tensor


class Models:
    """The frozen networks, in 8-bit integers where that is possible. For one thread at a time."""

    def __init__(
        self, tokenizer: FrameTokenizer, omni: Omni, text: TextEncoder, name: str, ranges: Ranges | None = None
    ):
        self.text, self.name, self.config = text, name, omni.config
        self.tokenizer = quick_tokenizer(tokenizer, ranges)
        self.omni = quick_omni(omni)

    def see(self, views: list[Known], pose: Tensor, light: Tensor, index: int) -> Glimpse:
        """What is known of the view of frame `index` from `pose` in that light: of each place, the first of `views`
        that shows it."""
        seen: list[View] = []
        for view in views:
            seen.append(reproject(view.planes, view.pose, pose, seen[0] if seen else None))
        filled, shares, known = gathered(seen)
        shares, known = without_slivers(shares, known)
        ages = torch.tensor([[float(index - view.index) for view in views]])
        changes = torch.stack([light - view.light for view in views])[None]
        return Glimpse(as_tokens(self.tokenizer.encode(filled), shares, ages, changes), filled, known)

    def draw(
        self, latents: Tensor, stays: tuple[Glimpse, Tensor] | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Latents [1, 16, 18, 32] -> planes [1, 7, 144, 256] in [-1, 1], and y, u, v as bytes. Of a glimpse as much
        stays as is said beside it, see `keep_known`."""
        if isinstance(self.tokenizer, NativeTokenizer) and stays is None:
            return self.tokenizer.draw(latents)
        planes = self.tokenizer.decode(latents).clamp(-1, 1)
        if stays is not None:
            glimpse, firm = stays
            planes = keep_known(planes, glimpse.planes, glimpse.known, firm)
        return (planes, *(self.tokenizer.unpack if isinstance(self.tokenizer, NativeTokenizer) else unpack)(planes))

    @classmethod
    def random(cls, config: OmniConfig | None = None, seed: int = 0) -> Models:
        """Networks with random weights, for measuring speed."""
        torch.manual_seed(seed)
        tokenizer = FrameTokenizer(FrameTokenizerConfig()).eval()
        ranges = activation_ranges(tokenizer, torch.rand(1, 7, GRID_HEIGHT, GRID_WIDTH) * 2 - 1)
        return cls(tokenizer, Omni(config or OmniConfig()), TextEncoder.load(), "random", ranges)


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
