"""Clips drawn and encoded at once, for a training that takes them up: python -m model.training.drawing --seeds A:B.
Knows the simulator and the tokenizer; nothing of what trains. A GPU draws faster than a disk would keep pictures."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from configs.paths import WEIGHTS
from model.tokenizer.frame import FrameTokenizer
from model.training.latents import keep_clip, kept_in
from model.worlds.cache import asked, share
from model.worlds.clips import FRAMES, SKIES, draw, path_of
from model.worlds.renderer import Renderer

REPORT_EVERY = 50  # clips


def _work(tokenizer: Path, device: str, folder: Path, seeds: Sequence[int]) -> None:
    torch.set_num_threads(1)
    renderer, eyes = Renderer(), FrameTokenizer.load(tokenizer).to(device)
    begun_s, drawn = time.monotonic(), 0
    for seed in seeds:
        path = path_of(folder, seed)
        if path.exists():
            continue
        raw = {name: torch.from_numpy(array.copy()) for name, array in draw(seed, renderer).items()}
        keep_clip(path, eyes, raw, torch.device(device))
        drawn += 1
        if drawn % REPORT_EVERY == 0:
            print(f"seed {seed}: {drawn * FRAMES * SKIES / (time.monotonic() - begun_s):.1f} frames/s", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, draw and encode."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", type=Path, default=WEIGHTS / "tokenizer.safetensors")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options, seeds = asked(parser, arguments)
    folder = kept_in(options.tokenizer)
    folder.mkdir(parents=True, exist_ok=True)
    share(partial(_work, options.tokenizer, options.device, folder), seeds, options.processes)


if __name__ == "__main__":
    main()
