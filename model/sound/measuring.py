"""How good the sound weights are, on worlds that no training heard: python -m model.sound.measuring [--json FILE].
Knows files and figures; `mundo eval` may call `figures_of` as well."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from configs.paths import WEIGHTS, cache_dir
from model.checkpoint import CheckpointError
from model.sound.evaluation import measure
from model.sound.networks import FILE, SoundNetworks
from model.sound.recordings import held_out


def figures_of(weights: Path, recordings: int) -> dict[str, float]:
    """See `measure`, over so many recordings of 20 s. Raises CheckpointError."""
    return measure(SoundNetworks.load(weights / FILE), held_out(cache_dir() / "recordings", recordings))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model.sound.measuring", description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="the folder of sound.safetensors")
    parser.add_argument("--recordings", type=int, default=24, help="of 20 s each")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        figures = figures_of(options.weights, options.recordings)
    except CheckpointError as error:
        sys.exit(str(error))
    for name, value in figures.items():
        print(f"{name} {value:.3f}")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
