"""What a picture shows by name: place, time and weather, read from its latents, so that of several drafts the one can
be finished that shows what was asked for. Knows latents and classes; nothing of prompts, pixels and worlds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from model import checkpoint
from model.conditioning.state import PLACES, TIMES, WEATHERS, Named

KIND = "showing"
LATENTS = 16
SIZES = (len(PLACES), len(TIMES), len(WEATHERS))


@dataclass(frozen=True)
class ShowingConfig:
    """Widths of the four stages, of which all but the first halve the grid, and of the layer between them and the
    classes."""

    widths: tuple[int, ...] = (48, 48, 80, 96)
    inner: int = 80

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if len(self.widths) != 4 or min(*self.widths, self.inner) < 1:
            raise ValueError(f"expected four positive widths and one, got {self.widths} and {self.inner}")


class Showing(nn.Module):
    """Latents [B, 16, 18, 32] -> logits of places, times and weathers, [B, 4], [B, 4] and [B, 5]."""

    def __init__(self, config: ShowingConfig | None = None):
        super().__init__()
        self.config = config = config or ShowingConfig()
        steps = zip(pairwise((LATENTS, *config.widths)), (1, 2, 2, 2), strict=True)
        self.stages = nn.Sequential(*(_stage(a, b, stride) for (a, b), stride in steps))
        self.head = nn.Sequential(
            nn.Linear(4 * config.widths[-1], config.inner), nn.ReLU(), nn.Linear(config.inner, sum(SIZES))
        )

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        halves = self.stages(latents).tensor_split(2, 2)  # sky and ground say different things
        seen = torch.cat([part for half in halves for part in (half.mean((2, 3)), half.amax((2, 3)))], 1)
        place, time, weather = self.head(seen).split(SIZES, 1)
        return place, time, weather

    @torch.inference_mode()
    def shows(self, latents: Tensor, named: Named) -> Tensor:
        """How likely latents [B, 16, 18, 32] show that place, time and weather: the logarithm of the chance, [B]."""
        parts = zip(self(latents), named, strict=True)
        return torch.stack([logits.log_softmax(1)[:, of] for logits, of in parts]).sum(0)

    @classmethod
    def load(cls, path: Path) -> Showing:
        """The trained network. Raises CheckpointError."""
        return checkpoint.restored(path, KIND, ShowingConfig, cls)

    def save(self, path: Path, **facts: object) -> str:
        """Writes it in bf16 with the facts of its training. Returns the file's sha256."""
        tensors = {n: t.bfloat16() if t.is_floating_point() else t for n, t in self.state_dict().items()}
        return checkpoint.save(path, tensors, self.config, KIND, facts)


def _stage(inputs: int, outputs: int, stride: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )
