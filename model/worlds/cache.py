"""Writes the clips of a seed range to an untracked folder, resumably: `python -m model.worlds.cache --seeds A:B`.
Knows nothing of networks."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from pathlib import Path

from configs.paths import cache_dir
from model.worlds.clips import FRAMES, SKIES, path_of, write
from model.worlds.renderer import Renderer


def _work(folder: Path, seeds: list[int]) -> None:
    renderer = Renderer()
    start, drawn = time.monotonic(), 0
    for seed in seeds:
        if path_of(folder, seed).exists():
            continue
        write(folder, seed, renderer)
        drawn += FRAMES * SKIES
        if drawn % (FRAMES * SKIES * 10) == 0:
            print(f"seed {seed}: {drawn / (time.monotonic() - start):.1f} frames/s", flush=True)


def main() -> None:
    """Parse and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", required=True, help="A:B, the seeds A to B-1")
    parser.add_argument("--out", type=Path, default=cache_dir() / "clips-nano")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    first, last = (int(part) for part in arguments.seeds.split(":"))
    if not 0 <= first < last:
        parser.error(f"seeds are A:B with 0 <= A < B; got {arguments.seeds}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("LP_NUM_THREADS", "1")
    seeds = list(range(first, last))
    parts = [seeds[i :: arguments.processes] for i in range(arguments.processes)]
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_work, args=(arguments.out, part)) for part in parts]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit(f"a drawing process ended with {[p.exitcode for p in processes]}")


if __name__ == "__main__":
    main()
