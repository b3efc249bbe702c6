"""Clips drawn and encoded at once, for a training that takes them up: python -m model.training.drawing --seeds A:B.
Knows the simulator and the tokenizer; nothing of what trains. A GPU draws faster than a disk would keep pictures."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from configs.paths import WEIGHTS
from model.tokenizer.frame import FrameTokenizer
from model.training.latents import keep_clip, kept_in
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
    parser.add_argument("--seeds", required=True, help="A:B, the seeds A to B-1")
    parser.add_argument("--tokenizer", type=Path, default=WEIGHTS / "tokenizer.safetensors")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    first, last = (int(part) for part in options.seeds.split(":"))
    if not 0 <= first < last:
        parser.error(f"seeds are A:B with 0 <= A < B; got {options.seeds}")
    folder = kept_in(options.tokenizer)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("LP_NUM_THREADS", "1")
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(
            target=_work,
            args=(options.tokenizer, options.device, folder, range(first + i, last, options.processes)),
        )
        for i in range(options.processes)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit(f"a drawing process ended with {[p.exitcode for p in processes]}")


if __name__ == "__main__":
    main()
