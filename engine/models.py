"""The networks that a worker runs, loaded once and shared by its worlds.
Knows files and how to run fast on this machine; nothing of worlds."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from configs.paths import WEIGHTS, cache_dir
from model import checkpoint
from model.conditioning.text import TextEncoder
from model.geometry import View, compose, reproject
from model.omni import Omni, OmniConfig
from model.planes import unpack
from model.tokenizer.frame import FrameTokenizer, FrameTokenizerConfig
from model.view import known_view

OMNI_KIND = "omni"
OMNI_FILE = "nano.safetensors"
TOKENIZER_FILE = "tokenizer.safetensors"


@dataclass(frozen=True)
class Known:
    """One decoded frame of the past: planes [1, 7, 144, 256] and the pose [1, 5] they were seen from."""

    planes: Tensor
    pose: Tensor


class Models:
    """The frozen networks. `see` and `draw` are the heavy pure functions around the Omni, compiled where a C++ compiler is."""

    def __init__(
        self,
        tokenizer: FrameTokenizer,
        omni: Omni,
        text: TextEncoder,
        name: str,
        compiled: bool = True,
        int8: bool = True,
    ):
        self.tokenizer, self.text, self.name = tokenizer.eval(), text, name
        self.config = omni.config
        self.omni: nn.Module = quantized(omni.eval()) if int8 else omni.eval()
        compiled = compiled and shutil.which("g++") is not None
        self.compiled = compiled
        wrap: Callable[..., Any] = torch.compile if compiled else _as_it_is
        self.see: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], Tensor] = wrap(self._see, dynamic=False)
        self.draw: Callable[[Tensor], tuple[Tensor, Tensor, Tensor, Tensor]] = wrap(self._draw, dynamic=False)

    def _see(
        self, key: Tensor, key_pose: Tensor, last: Tensor, last_pose: Tensor, pose: Tensor, key_age: Tensor
    ) -> Tensor:
        """What is known of the view from `pose`: the keyframe where it is visible, the last frame elsewhere -> [1, 144, 72]."""
        views: list[View] = [
            (*reproject(key, key_pose, pose), key_age),
            (*reproject(last, last_pose, pose), torch.ones(1)),
        ]
        return known_view(self.tokenizer, *compose(views))

    def _draw(self, latents: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Latents [1, 16, 18, 32] -> planes [1, 7, 144, 256] in [-1, 1], and y, u, v as bytes."""
        planes = self.tokenizer.decode(latents).clamp(-1, 1)
        return (planes, *unpack(planes))

    @classmethod
    def random(cls, config: OmniConfig | None = None, seed: int = 0, compiled: bool = True) -> Models:
        """Networks with random weights, for measuring speed."""
        torch.manual_seed(seed)
        return cls(
            FrameTokenizer(FrameTokenizerConfig()), Omni(config or OmniConfig()), TextEncoder.load(), "random", compiled
        )


def _as_it_is(function: Callable[..., Any], **_: object) -> Callable[..., Any]:
    return function


def quantized(omni: Omni) -> nn.Module:
    """The layers' matrices in int8 per channel, their inputs quantized as they come (VNNI: twice float32's speed here)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao is being moved to torchao, which needs a compiler at install
        torch.backends.quantized.engine = (
            "onednn" if "onednn" in torch.backends.quantized.supported_engines else "fbgemm"
        )
        for layer in omni.layers:
            torch.ao.quantization.quantize_dynamic(layer, {nn.Linear}, dtype=torch.qint8, inplace=True)
    return omni


def load_models(weights: Path = WEIGHTS, compiled: bool = True) -> Models:
    """The bundled networks. Raises CheckpointError naming what is missing or does not fit."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_dir() / "inductor"))
    tokenizer = FrameTokenizer.load(weights / TOKENIZER_FILE)
    values, tensors = checkpoint.load(weights / OMNI_FILE, OMNI_KIND)
    omni = Omni(checkpoint.as_config(OmniConfig, values)).requires_grad_(False)
    checkpoint.load_into(omni, tensors, OMNI_KIND)
    return Models(tokenizer, omni, TextEncoder.load(), f"nano-{checkpoint.sha256(weights / OMNI_FILE)[:8]}", compiled)
