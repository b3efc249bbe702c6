"""Encoded sentences for every state and change that a clip can show, drawn once and kept.
Knows the grammar and the text encoder; nothing of pictures."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path
from typing import Self

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.conditioning.state import PLACES, TIMES, WEATHERS
from model.conditioning.text import TextEncoder
from model.worlds.captions import change, describe


def _encoded(encoder: TextEncoder | None, texts: list[str]) -> tuple[Tensor, Tensor]:
    encoder = encoder or TextEncoder.load()
    parts = [encoder.features(texts[i : i + 64]) for i in range(0, len(texts), 64)]
    return torch.cat([f.half() for f, _ in parts]), torch.cat([m for _, m in parts])


Said = tuple[int, int, int]  # indices of place, time, weather; the number of names where not said


class Sentences:
    """`count` sentences for every combination of names, as features: `features` [P, 32, 384] and `mask` [P, 32] of
    `texts`, made by `encoder` or, in a byte a number, kept in a file of the folder `kept`."""

    def __init__(
        self,
        encoder: TextEncoder | None,
        count: int,
        seed: int,
        language: str = "en",
        kept: Path | None = None,
    ):
        rng = np.random.default_rng(seed)
        self.count = count
        self.states: dict[Said, int] = {}
        self.changes: dict[Said, int] = {}
        self._said: list[Said] = []
        texts: list[str] = []
        ranges = [range(len(names) + 1) for names in (PLACES, TIMES, WEATHERS)]
        for p, t, w in itertools.product(*ranges):
            place, time, weather = (
                names[i] if i < len(names) else None for names, i in ((PLACES, p), (TIMES, t), (WEATHERS, w))
            )
            if place or time or weather:
                self.states[p, t, w] = len(texts)
                self._said.append((p, t, w))
                texts += [describe(place, time, weather, rng, language) for _ in range(count)]
            if place is None and (time or weather):
                self.changes[p, t, w] = len(texts)
                self._said.append((p, t, w))
                texts += [change(time, weather, rng, language) for _ in range(count)]
        self.texts = texts
        self.features, self.mask = self._kept(kept, encoder) if kept else _encoded(encoder, texts)

    def _kept(self, folder: Path, encoder: TextEncoder | None) -> tuple[Tensor, Tensor]:
        """Features in a file that is named after the texts; written where it is missing."""
        identity = hashlib.sha256("\0".join(self.texts).encode()).hexdigest()
        path = folder / f"sentences-{identity[:12]}.safetensors"
        if not path.is_file():
            features, mask = _encoded(encoder, self.texts)
            said = features[mask].float()
            scale = said.abs().amax(1, keepdim=True) / 127
            folder.mkdir(parents=True, exist_ok=True)
            save_file({"features": (said / scale).round().to(torch.int8), "scale": scale, "mask": mask}, path)
        read = load_file(path)
        features = torch.zeros(*read["mask"].shape, read["features"].shape[-1], dtype=torch.float16)
        features[read["mask"]] = (read["features"] * read["scale"]).half()
        return features, read["mask"]

    def said(self, index: int) -> Said:
        """What the sentence of an index says."""
        return self._said[index // self.count]

    def to(self, device: torch.device | str) -> Self:
        """Moves the features."""
        self.features, self.mask = self.features.to(device), self.mask.to(device)
        return self

    def take(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Features [P, 32, 384] and mask [P, 32] of sentences [P]."""
        at = indices.to(self.features.device)
        return self.features[at].float(), self.mask[at]
