"""Sound's networks together: the tokenizer, and the head that draws what comes next. One checkpoint file.
Knows files; refuses to know training, worlds and codecs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from model import checkpoint
from model.sound.head import Draw, SoundHead, SoundHeadConfig
from model.sound.tokenizer import LATENT, Carry, SoundTokenizer, SoundTokenizerConfig

KIND = "sound"
FILE = "sound.safetensors"
STEPS = 4


@dataclass(frozen=True)
class SoundConfig:
    """`tokenizer` and `head` as plain values, so that one file says both."""

    tokenizer: dict[str, Any]
    head: dict[str, Any]


class SoundNetworks(nn.Module):
    """The tokenizer and the head that was trained on its latents."""

    def __init__(self, tokenizer: SoundTokenizerConfig, head: SoundHeadConfig) -> None:
        super().__init__()
        self.tokenizer, self.head = SoundTokenizer(tokenizer), SoundHead(head)

    def save(self, path: Path, extra: dict[str, Any]) -> str:
        """Writes both in half precision; returns the file's sha256."""
        halves = {name: tensor.half() for name, tensor in self.state_dict().items()}
        config = SoundConfig(vars(self.tokenizer.config), vars(self.head.config))
        return checkpoint.save(path, halves, config, KIND, extra)

    @classmethod
    def load(cls, path: Path) -> SoundNetworks:
        """In single precision, ready to run. Raises CheckpointError."""

        def build(said: SoundConfig) -> SoundNetworks:
            tokenizer = checkpoint.as_config(SoundTokenizerConfig, said.tokenizer)
            return cls(tokenizer, checkpoint.as_config(SoundHeadConfig, said.head))

        return checkpoint.restored(path, KIND, SoundConfig, build)


class Sounding:
    """One world's sound, frame by frame: what it has sounded like so far. A function of the seed and what is given."""

    def __init__(self, networks: SoundNetworks, seed: int) -> None:
        self._networks = networks
        self._generator = torch.Generator().manual_seed(seed % 2**63)
        self._carry: Carry = networks.tokenizer.silence(place=seed)
        self._hidden: Tensor | None = None
        self._past = torch.zeros(1, 1, LATENT)

    @property
    def sources(self) -> tuple[str, ...]:
        """What `step` says how audible it is, by name."""
        return self._networks.tokenizer.config.sources

    @torch.inference_mode()
    def step(self, state: Tensor, controls: Tensor) -> tuple[Tensor, Tensor]:
        """State tokens [4, 8] and control features [12] of a frame -> its pcm [1000] in [-1, 1] at 24 kHz, and how
        likely each source is heard in it [sources]."""
        head = self._networks.head
        given = torch.cat([state.flatten(), controls])[None, None]
        known, self._hidden = head.follow(given, self._past, self._hidden)
        drawn = head.draw(known[:, 0], Draw(STEPS, self._generator)).clamp(-3, 3)[:, None]
        decoded = self._networks.tokenizer.decode(drawn, self._carry)
        self._past, self._carry = drawn, decoded.carry
        return decoded.pcm[0].clamp(-1, 1), decoded.heard[0, 0].sigmoid()
