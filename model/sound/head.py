"""The sound head: which two sound latents come next, from the world's state, the controls and its own past.
Knows latents and tokens; refuses to know waves. A frame's latents are drawn by a few steps of flow matching with
clean prediction (arXiv 2210.02747), conditioned on a recurrent state, as arXiv 2406.11838 does for images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from model.conditioning import control, state
from model.sound.tokenizer import LATENT

GIVEN = state.TOKENS * state.WIDTH + control.WIDTH
LEVELS = 8  # sines and cosines of the signal level


@dataclass(frozen=True)
class SoundHeadConfig:
    """Widths of the recurrent state and of the denoiser."""

    hidden: int = 192
    inner: int = 256

    def __post_init__(self) -> None:
        if self.hidden < 8 or self.inner < 8:
            raise ValueError(f"hidden and inner are 8 at least; got {self.hidden}, {self.inner}")


class Draw(NamedTuple):
    """How to draw: so many steps, from this noise."""

    steps: int
    generator: torch.Generator


class SoundHead(nn.Module):
    """Latents of the next frame."""

    def __init__(self, config: SoundHeadConfig) -> None:
        super().__init__()
        self.config = config
        self.enter = nn.Sequential(nn.Linear(GIVEN + LATENT, 128), nn.SiLU())
        self.memory = nn.GRU(128, config.hidden, batch_first=True)
        self.given = nn.Linear(GIVEN, config.hidden)
        self.denoiser = nn.Sequential(
            nn.Linear(LATENT + LEVELS + config.hidden, config.inner),
            nn.SiLU(),
            nn.Linear(config.inner, config.inner),
            nn.SiLU(),
            nn.Linear(config.inner, LATENT),
        )

    def follow(self, given: Tensor, past: Tensor, hidden: Tensor | None) -> tuple[Tensor, Tensor]:
        """given [B, T, 44] of frames t, past [B, T, 64]: the latents of frames t - 1 -> what is known [B, T, H], and
        the recurrent state [1, B, H]."""
        states, last = self.memory(self.enter(torch.cat([given, past], -1)), hidden)
        return states + self.given(given), last

    def clean(self, noisy: Tensor, signal: Tensor, known: Tensor) -> Tensor:
        """The clean latents [..., 64] behind noisy ones at a signal level [..., 1] (0: noise, 1: clean)."""
        turns = signal * torch.pi * 2.0 ** torch.arange(LEVELS // 2, device=signal.device)
        return self.denoiser(torch.cat([noisy, turns.sin(), turns.cos(), known], -1))

    def draw(self, known: Tensor, how: Draw) -> Tensor:
        """known [B, H] -> latents [B, 64]."""
        noisy = torch.randn(len(known), LATENT, generator=how.generator)
        for step in range(how.steps):
            signal = step / how.steps
            clean = self.clean(noisy, torch.full((len(known), 1), signal), known)
            noisy = noisy + (clean - noisy) / (how.steps - step)
        return noisy
