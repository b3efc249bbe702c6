"""What was said, by name: the voice encoder's states -> place, time and weather, each of which may be unsaid.
Knows states; refuses to know sounds, words and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import checkpoint
from model.conditioning.meaning import NAMES

KIND, FILE = "names", "names.safetensors"


@dataclass(frozen=True)
class NamingConfig:
    """`states`: how wide the encoder's are; `stride`: how many of them are read as one."""

    states: int
    width: int = 80
    layers: int = 2
    heads: int = 4
    hidden: int = 160
    stride: int = 2
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads; got {self.width} and {self.heads}")


class SpokenNames(nn.Module):
    """A small transformer over the states of an utterance, with a token that asks for each attribute."""

    def __init__(self, config: NamingConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.enter = nn.Linear(config.states * config.stride, width)
        self.ask = nn.Parameter(torch.randn(len(NAMES), width) * 0.3)
        layer = nn.TransformerEncoderLayer(
            width, config.heads, config.hidden, config.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, config.layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.names = nn.ModuleList(nn.Linear(width, count) for count in NAMES)

    def forward(self, states: Tensor, steps: Tensor) -> tuple[Tensor, ...]:
        """states [B, T, states] of the encoder, and how many of each row are its utterance [B] -> logits of place, time
        and weather, [B, names + 1] each, of which the last is not said."""
        stride = self.config.stride
        inside = torch.arange(states.shape[1], device=states.device) < steps[:, None]
        known = F.pad(states * inside[..., None], (0, 0, 0, -states.shape[1] % stride))
        entered = self.enter(known.unflatten(1, (-1, stride)).flatten(2))
        mask = inside[:, ::stride]
        asked = torch.cat([self.ask.expand(len(states), -1, -1), entered], 1)
        hidden = self.layers(asked, src_key_padding_mask=~F.pad(mask, (len(self.ask), 0), value=True))
        return tuple(head(hidden[:, i]) for i, head in enumerate(self.names))

    def save(self, path: Path, extra: dict[str, Any]) -> str:
        """Writes it in half precision; returns the file's sha256."""
        halves = {name: tensor.half() for name, tensor in self.state_dict().items()}
        return checkpoint.save(path, halves, self.config, KIND, extra)

    @classmethod
    def load(cls, path: Path, encoder: Path) -> SpokenNames:
        """In single precision, ready to run, where it was trained on the states of this file's encoder. Raises
        CheckpointError."""
        expected, found = checkpoint.load_extra(path, KIND).get("encoder"), checkpoint.sha256(encoder)
        if expected != found:
            raise checkpoint.CheckpointError(
                f"expected at {path} names that were trained on {encoder} ({found[:12]}), found those of "
                f"{str(expected)[:12]}: run mundo train names"
            )
        return checkpoint.restored(path, KIND, NamingConfig, cls)
