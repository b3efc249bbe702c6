"""Encoded sentences for every state and change that a clip can show, drawn once and kept.
Knows the grammar and the text encoder; nothing of pictures."""

from __future__ import annotations

import itertools
from typing import Self

import numpy as np
import torch
from torch import Tensor

from model.conditioning.state import PLACES, TIMES, WEATHERS
from model.conditioning.text import TextEncoder
from model.worlds.captions import change, describe

Said = tuple[int, int, int]  # indices of place, time, weather; the number of names where not said


class Sentences:
    """`count` sentences for every combination of names, as features."""

    def __init__(self, encoder: TextEncoder, count: int, seed: int, language: str = "en"):
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
        parts = [encoder.features(texts[i : i + 64]) for i in range(0, len(texts), 64)]
        self.features = torch.cat([f.half() for f, _ in parts])
        self.mask = torch.cat([m for _, m in parts])

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
