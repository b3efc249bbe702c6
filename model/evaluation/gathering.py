"""What is drawn of worlds, each in a file of its own, so that nothing is drawn twice.
Knows files and world numbers; refuses to know what is drawn, and what for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.worlds.renderer import Renderer


def files(folder: Path, chosen: list[int], draw: Callable[[int, Renderer], dict[str, Tensor]]) -> list[Path]:
    """The files of these worlds, in order; drawn where the folder lacks them."""
    folder.mkdir(parents=True, exist_ok=True)
    renderer: Renderer | None = None
    paths = []
    for world in chosen:
        path = folder / f"{world:06d}.safetensors"
        if not path.is_file():
            renderer = renderer or Renderer()
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            save_file(draw(world, renderer), temporary)
            temporary.rename(path)
        paths.append(path)
    return paths


def gather(folder: Path, chosen: list[int], draw: Callable[[int, Renderer], dict[str, Tensor]]) -> dict[str, Tensor]:
    """What `draw` makes of these worlds, one after the other along the first axis; drawn where the folder lacks it."""
    parts = [load_file(path) for path in files(folder, chosen, draw)]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
