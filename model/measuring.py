"""The commands that measure weights: `python -m model.<modality>.measuring`, figures on standard output and as JSON.
Knows options and files; refuses to know what is measured."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from configs.paths import WEIGHTS
from model.checkpoint import CheckpointError


def command(modality: str, about: str | None) -> argparse.ArgumentParser:
    """The option that comes first: where the weights lie."""
    parser = argparse.ArgumentParser(prog=f"python -m model.{modality}.measuring", description=about)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help=f"the folder of {modality}.safetensors")
    return parser


def tell(figures: dict[str, float]) -> None:
    """One line each."""
    for name, value in figures.items():
        print(f"{name} {value:.3f}")


def measured(measure: Callable[[], dict[str, float]], path: Path | None) -> None:
    """Measures on one thread, tells, and writes where `path` says. Weights that do not load end the command."""
    torch.set_num_threads(1)
    try:
        figures = measure()
    except CheckpointError as error:
        sys.exit(str(error))
    tell(figures)
    if path is not None:
        path.write_text(json.dumps(figures, indent=2) + "\n")
