"""Torn views of walks and what is truly there, put among the lone frames that the inventing network learns from.
Knows their files and batches; nothing of how views tear (`python -m engine.tearing` makes them)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from model.conditioning import control
from model.omni import patch
from model.training.sentences import Sentences
from model.worlds.clips import HELD_OUT

FOLDER = "torn-views"  # of the cache
NAMES = ("view", "true", "said", "age_s", "state")


class Torn:
    """Pairs of a folder, on one device: view tokens [N, 144, 103] and true latents [N, 16, 18, 32] in bf16, and what is
    told with them: the places, times and weathers that sentences say [N, 3] and their age in seconds [N], and state
    tokens [N, 4, 8]."""

    def __init__(self, folder: Path, device: torch.device | str = "cpu", held_out: bool = False):
        """Of worlds that training may see, or of those held out. Raises FileNotFoundError."""
        paths = [path for path in sorted(folder.glob("*.safetensors")) if (int(path.stem) % HELD_OUT == 0) == held_out]
        if not paths:
            raise FileNotFoundError(f"expected pairs in {folder}, found none: run python -m engine.tearing first")
        parts = [load_file(path) for path in paths]
        self._tensors = {name: torch.cat([part[name] for part in parts]).to(device) for name in NAMES}
        self._said = [(int(place), int(time), int(weather)) for place, time, weather in self["said"].tolist()]

    def __len__(self) -> int:
        return len(self["true"])

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def put(
        self,
        where: Tensor,
        into: tuple[Tensor, Tensor, dict[str, Tensor]],
        sentences: Sentences,
        rng: np.random.Generator,
    ) -> None:
        """Pairs in place of those lone frames of a batch that are `where` [B, T]: its clean latents [B, T, 144, 64],
        views [B, T, 144, 103] and labels are written over."""
        clean, view, told = into
        chosen = rng.integers(len(self), size=int(where.sum())).tolist()
        which = torch.tensor(chosen, dtype=torch.long, device=view.device)
        said = [sentences.states[self._said[pair]] + int(rng.integers(sentences.count)) for pair in chosen]
        clean[where] = patch(self["true"][which].float())
        view[where] = self["view"][which].float()
        told["state"][where] = self["state"][which].to(told["state"].dtype)
        told["age_s"][where] = self["age_s"][which].to(told["age_s"].dtype)
        told["sentence"][where] = torch.tensor(said, dtype=told["sentence"].dtype, device=view.device)
        told["control"][where] = control.features(torch.zeros(len(control.HELD) + 2)).to(told["control"])
        told["next_known"][where] = 0  # nobody knows how they went on
