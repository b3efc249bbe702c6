"""The voice encoder: an utterance's log-mel -> what was meant, as features of the text encoder; its phonemes; and
whether it was speech to the world at all. Causal: what was heard is never changed by what comes.
Knows features; refuses to know sentences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import checkpoint
from model.conditioning.text import TOKENS, WIDTH
from model.voice.spectra import FEATURES, log_mel, normalised

KIND, FILE = "voice", "voice.safetensors"
OBEYED = 0.65  # confidence, below which nothing reaches the world
CLASSES = ("speech", "silence", "music", "foreign")


@dataclass(frozen=True)
class VoiceConfig:
    """`phonemes`: the symbols of the CTC head, in order; blank is 0 and not among them. `parts`: of a sentence."""

    phonemes: tuple[str, ...]
    parts: int = 12
    hidden: int = 224
    width: int = 192
    inner: int = 384

    def __post_init__(self) -> None:
        if not 1 <= self.parts < TOKENS:
            raise ValueError(f"a sentence has 1 to {TOKENS - 1} parts, not {self.parts}")


class Heard(NamedTuple):
    """meaning [B, 1 + parts, 384], sounds [B, T, 1 + phonemes] as log probabilities, kind [B, 4] as logits, how near
    its meaning believes itself to be to the true one, [B] as a logit, and the states [B, T, hidden] that all are read
    from."""

    meaning: Tensor
    sounds: Tensor
    kind: Tensor
    nearness: Tensor
    states: Tensor


class VoiceEncoder(nn.Module):
    """Two recurrent layers over causal convolutions, and heads that read them at the end of an utterance."""

    def __init__(self, config: VoiceConfig) -> None:
        super().__init__()
        self.config = config
        self.enter = nn.Conv1d(FEATURES, config.width, 5)
        self.memory = nn.GRU(config.width, config.hidden, 2, batch_first=True)
        self.sounds = nn.Linear(config.hidden, 1 + len(config.phonemes))
        self.part = nn.Linear(config.hidden * 3, config.inner)
        self.order = nn.Parameter(torch.randn(1 + config.parts, config.inner) * 0.3)
        self.meaning = nn.Sequential(
            nn.SiLU(), nn.Linear(config.inner, config.inner), nn.SiLU(), nn.Linear(config.inner, WIDTH)
        )
        self.kind = nn.Sequential(nn.Linear(config.hidden * 2, 64), nn.SiLU(), nn.Linear(64, len(CLASSES) + 1))

    def forward(self, pcm: Tensor, steps: Tensor) -> Heard:
        """pcm [B, S] at 16 kHz in [-1, 1], and how many steps of 480 samples of each row are its utterance [B]."""
        spectra = normalised(log_mel(pcm))
        entered = F.silu(self.enter(F.pad(spectra.transpose(1, 2), (4, 0)))).transpose(1, 2)
        states, _ = self.memory(entered)
        steps = steps.clamp(1, states.shape[1])
        meaning, kind = self._at_end(states, steps)
        return Heard(meaning, self.sounds(states).log_softmax(-1), kind[:, :-1], kind[:, -1], states)

    def _at_end(self, states: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
        inside = torch.arange(states.shape[1], device=states.device) < steps[:, None]
        last = states[torch.arange(len(states), device=states.device), steps - 1]
        mean = (states * inside[..., None]).sum(1) / steps[:, None]
        whole = torch.cat([mean[:, None], self._shares(states, steps)], 1)
        around = torch.cat([mean, last], -1)[:, None].expand(-1, whole.shape[1], -1)
        meaning = self.meaning(self.part(torch.cat([whole, around], -1)) + self.order)
        return meaning, self.kind(torch.cat([mean, last], -1))

    def _shares(self, states: Tensor, steps: Tensor) -> Tensor:
        """Means [B, parts, H] of equal shares of each row's utterance."""
        share = steps[:, None].float() / self.config.parts
        first = torch.arange(self.config.parts, device=states.device) * share
        at = torch.arange(states.shape[1], device=states.device)
        overlap = torch.minimum(at + 1.0, (first + share)[..., None]) - torch.maximum(at + 0.0, first[..., None])
        weights = overlap.clamp_min(0)
        return (weights / weights.sum(-1, keepdim=True).clamp_min(1e-6)) @ states

    def save(self, path: Path, extra: dict[str, Any]) -> str:
        """Writes it in half precision; returns the file's sha256."""
        halves = {name: tensor.half() for name, tensor in self.state_dict().items()}
        return checkpoint.save(path, halves, self.config, KIND, extra)

    @classmethod
    def load(cls, path: Path) -> VoiceEncoder:
        """In single precision, ready to run. Raises CheckpointError."""
        return checkpoint.restored(path, KIND, VoiceConfig, cls)
