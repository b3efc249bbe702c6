"""Writes the clips of a seed range to an untracked folder, resumably: `python -m model.worlds.cache --seeds A:B`.
Knows nothing of networks."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from configs.paths import cache_dir
from model.worlds.clips import FRAMES, SKIES, path_of, write
from model.worlds.renderer import Renderer


def _work(folder: Path, seeds: Sequence[int]) -> None:
    renderer = Renderer()
    start, drawn = time.monotonic(), 0
    for seed in seeds:
        if path_of(folder, seed).exists():
            continue
        write(folder, seed, renderer)
        drawn += FRAMES * SKIES
        if drawn % (FRAMES * SKIES * 10) == 0:
            print(f"seed {seed}: {drawn / (time.monotonic() - start):.1f} frames/s", flush=True)


def asked(parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> tuple[argparse.Namespace, range]:
    """The options of a command that draws clips, and the seeds it was asked for."""
    parser.add_argument("--seeds", required=True, help="A:B, the seeds A to B-1")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    first, last = (int(part) for part in options.seeds.split(":"))
    if not 0 <= first < last:
        parser.error(f"seeds are A:B with 0 <= A < B; got {options.seeds}")
    return options, range(first, last)


def share(work: Callable[[Sequence[int]], None], seeds: range, processes: int) -> None:
    """Has as many processes work on their shares of the seeds. Raises SystemExit where one fails."""
    os.environ.setdefault("LP_NUM_THREADS", "1")
    context = multiprocessing.get_context("spawn")
    started = [context.Process(target=work, args=(seeds[i::processes],)) for i in range(processes)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    if any(process.exitcode for process in started):
        raise SystemExit(f"a drawing process ended with {[p.exitcode for p in started]}")


def main() -> None:
    """Parse and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=cache_dir() / "clips-nano")
    options, seeds = asked(parser)
    options.out.mkdir(parents=True, exist_ok=True)
    share(partial(_work, options.out), seeds, options.processes)


if __name__ == "__main__":
    main()
