"""What a typed prompt means, in either language and in whatever words: the sentence encoder's hidden states -> features
of a plain English sentence that the networks know. Knows features; refuses to know pictures and the grammar."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model import checkpoint
from model.conditioning.letters import BUCKETS
from model.conditioning.state import PLACES, TIMES, WEATHERS
from model.conditioning.text import DEPTHS, TOKENS, WIDTH, TextEncoder, as_features

if TYPE_CHECKING:
    from collections.abc import Sequence

KIND, FILE = "text", "text.safetensors"
SCALE = ".scale"
SURE = 0.25  # below this a prompt passes as the sentence encoder made it
NAMES = (len(PLACES) + 1, len(TIMES) + 1, len(WEATHERS) + 1)  # the last of each: not said


@dataclass(frozen=True)
class AdapterConfig:
    """`layers`: of each reader; `parts`: of a plain sentence, each the mean of its share of the word pieces;
    `spelling`: what a bucket of letters is told by."""

    width: int = 128
    layers: tuple[int, ...] = (2,)
    heads: int = 4
    hidden: int = 256
    inner: int = 128
    parts: int = 12
    spelling: int = 32
    dropout: float = 0.15

    def __post_init__(self) -> None:
        if not 1 <= self.parts < TOKENS:
            raise ValueError(f"a sentence has 1 to {TOKENS - 1} parts, not {self.parts}")
        if not self.layers or min(self.layers) < 1:
            raise ValueError(f"a text needs one reader of one layer at least, got {list(self.layers)}")
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads; got {self.width} and {self.heads}")


class Meant(NamedTuple):
    """meaning [B, 1 + parts, 384]; logits of place, time and weather; and whether the text was understood at all,
    [B] as a logit."""

    meaning: Tensor
    names: tuple[Tensor, ...]
    understood: Tensor

    def float(self) -> Meant:
        """In single precision."""
        return Meant(self.meaning.float(), tuple(part.float() for part in self.names), self.understood.float())

    def sureness(self) -> Tensor:
        """[B] in 0..1: that it was understood, times how clear the least clear of place, time and weather is."""
        clear = torch.stack([part.softmax(-1).amax(-1) for part in self.names], -1).amin(-1)
        return torch.sigmoid(self.understood) * clear


class _Reader(nn.Module):
    """A small transformer over the frozen hidden states and over how the words are spelt, since the encoder has bits of
    Portuguese words only; with a token that asks for each attribute and one that asks whether this is to be
    understood."""

    def __init__(self, config: AdapterConfig, layers: int) -> None:
        super().__init__()
        width = config.width
        self.enter = nn.Linear(len(DEPTHS) * WIDTH, width)
        self.letters = nn.EmbeddingBag.from_pretrained(
            torch.zeros(BUCKETS, config.spelling), freeze=False, mode="mean", padding_idx=0
        )  # zeros: a run that no lesson has says nothing
        self.spell = nn.Linear(config.spelling, width, bias=False)
        self.ask = nn.Parameter(torch.randn(len(NAMES) + 1, width) * 0.3)
        layer = nn.TransformerEncoderLayer(
            width, config.heads, config.hidden, config.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.names = nn.ModuleList(nn.Linear(width, count) for count in NAMES)
        self.understood = nn.Linear(width, 1)

    def forward(self, states: Tensor, mask: Tensor, runs: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Of `Hidden` the logits of place, time and weather [B, names + 1] each, and of being understood [B]."""
        spelt = self.letters(runs.flatten(0, 1)).unflatten(0, mask.shape)
        entered = self.enter(states.flatten(2)) + self.spell(spelt)
        asked = torch.cat([self.ask.expand(len(states), -1, -1), entered], 1)
        hidden = self.layers(asked, src_key_padding_mask=~F.pad(mask, (len(self.ask), 0), value=True))
        names = tuple(head(hidden[:, i]) for i, head in enumerate(self.names))
        return names, self.understood(hidden[:, len(NAMES)])[:, 0]


class TextAdapter(nn.Module):
    """Readers that were begun apart and so err apart, of whose probabilities the mean counts; what they find is said
    again as a plain sentence's features."""

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.config = config
        self.readers = nn.ModuleList(_Reader(config, layers) for layers in config.layers)
        self.part = nn.Linear(sum(NAMES), config.inner)
        self.order = nn.Parameter(torch.randn(1 + config.parts, config.inner) * 0.3)
        self.say = nn.Sequential(
            nn.SiLU(), nn.Linear(config.inner, config.inner), nn.SiLU(), nn.Linear(config.inner, WIDTH)
        )

    def forward(self, states: Tensor, mask: Tensor, runs: Tensor, reader: int | None = None) -> Meant:
        """states [B, N, 3, 384], mask [B, N] and runs [B, N, RUNS] of `Hidden`; as all readers read it, or that one."""
        asked = self.readers if reader is None else [self.readers[reader]]
        read = [each(states, mask, runs) for each in asked]
        alike = zip(*(names for names, _ in read), strict=True)
        names = tuple(torch.stack([part.log_softmax(-1) for part in parts]).logsumexp(0) for parts in alike)
        understood = torch.stack([one for _, one in read]).mean(0)
        return Meant(self._said([part.softmax(-1) for part in names]), names, understood)

    def plainly(self, names: Sequence[Tensor]) -> Tensor:
        """The features [B, 1 + parts, 384] of the plain sentence of the likeliest names, by their logits: one that the
        networks know, where `Meant.meaning` may lie between several."""
        return self._said([F.one_hot(part.argmax(-1), part.shape[-1]).to(part.dtype) for part in names])

    def _said(self, names: Sequence[Tensor]) -> Tensor:
        meaning: Tensor = self.say(self.part(torch.cat(list(names), -1))[:, None] + self.order)
        return meaning

    def save(self, path: Path, extra: dict[str, Any]) -> str:
        """Writes it in half precision, the readers' matrices in a byte a number with a scale for each row; returns the
        file's sha256."""
        written = {}
        for name, tensor in self.state_dict().items():
            written[name] = tensor.half()
            if name.startswith("readers.") and tensor.ndim == 2:
                scale = tensor.abs().amax(1, keepdim=True).clamp_min(1e-9) / 127
                written |= {name: (tensor / scale).round().to(torch.int8), name + SCALE: scale}
        return checkpoint.save(path, written, self.config, KIND, extra)

    @classmethod
    def load(cls, path: Path) -> TextAdapter:
        """In single precision, ready to run. Raises CheckpointError."""
        values, written = checkpoint.load(path, KIND)
        scales = {name: written.pop(name) for name in list(written) if name.endswith(SCALE)}
        adapter = cls(checkpoint.as_config(AdapterConfig, values))
        whole = {name: tensor * scales.get(name + SCALE, 1.0) for name, tensor in written.items()}
        checkpoint.load_into(adapter, whole, KIND)
        return adapter.eval().requires_grad_(False)


class PromptReader:
    """Typed prompts as the networks read them best: those that the adapter is sure of as it says them again, the others
    as the sentence encoder made them; without an adapter, all."""

    def __init__(self, encoder: TextEncoder, adapter: TextAdapter | None) -> None:
        self._encoder, self._adapter = encoder, adapter

    @classmethod
    def load(cls, weights: Path) -> PromptReader:
        """The encoder, and the adapter where the folder has one. Raises CheckpointError."""
        path = weights / FILE
        return cls(TextEncoder.load(), TextAdapter.load(path) if path.is_file() else None)

    @torch.no_grad()
    def features(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Texts -> features [B, 32, 384] and their mask bool [B, 32]. Raises TextTooLong."""
        hidden = self._encoder.hidden(texts)
        features, mask = as_features(hidden)
        if self._adapter is None:
            return features, mask
        meant = self._adapter(*hidden)
        plainly = self._adapter.plainly(meant.names)
        count = plainly.shape[1]
        said = torch.zeros_like(features)
        said[:, :count] = plainly
        sure = meant.sureness() >= SURE
        whole = (torch.arange(TOKENS) < count).expand_as(mask)
        return torch.where(sure[:, None, None], said, features), torch.where(sure[:, None], whole, mask)
