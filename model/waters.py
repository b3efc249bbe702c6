"""Where a picture shows water, read from its latents, so that nobody walks out to sea. Knows latents and cells; nothing
of worlds, of bodies and of how deep it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import checkpoint

KIND = "waters"
LATENTS = 16
FINER = 2  # cells of an answer to one of the latents' grid, each way


@dataclass(frozen=True)
class WatersConfig:
    """Width of the network, and how far apart the cells are that each of its layers looks at."""

    width: int = 40
    dilations: tuple[int, ...] = (1, 1, 2, 4)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dilations", tuple(self.dilations))
        if self.width < 1 or not self.dilations or min(self.dilations) < 1:
            raise ValueError(f"expected a width and layers of positive reach, got {self.width} and {self.dilations}")


class Waters(nn.Module):
    """Latents [B, 16, 18, 32] -> logits of water [B, 36, 64], of cells of 8 pixels of a 512x288 picture."""

    def __init__(self, config: WatersConfig | None = None):
        super().__init__()
        self.config = config = config or WatersConfig()
        self.stem = nn.Conv2d(LATENTS + 1, config.width, 3, padding=1)
        self.layers = nn.ModuleList(
            nn.Conv2d(config.width, config.width, 3, padding=d, dilation=d) for d in config.dilations
        )
        self.out = nn.Conv2d(config.width, FINER**2, 1)

    def forward(self, latents: Tensor) -> Tensor:
        height = torch.linspace(1, -1, latents.shape[2], device=latents.device)
        rows = height[:, None].expand(len(latents), 1, -1, latents.shape[3])
        x = self.stem(torch.cat([latents, rows], 1))
        for layer in self.layers:
            x = x + F.silu(layer(F.silu(x)))
        return F.pixel_shuffle(self.out(F.silu(x)), FINER)[:, 0]

    @torch.inference_mode()
    def share(self, latents: Tensor) -> Tensor:
        """How likely each cell of latents [B, 16, 18, 32] shows water, [B, 36, 64] in 0..1."""
        return torch.sigmoid(self(latents))

    @classmethod
    def load(cls, path: Path) -> Waters:
        """The trained network. Raises CheckpointError."""
        return checkpoint.restored(path, KIND, WatersConfig, cls)

    def save(self, path: Path, **facts: object) -> str:
        """Writes it in half precision with the facts of its training. Returns the file's sha256."""
        halves = {name: tensor.half() for name, tensor in self.state_dict().items()}
        return checkpoint.save(path, halves, self.config, KIND, facts)
