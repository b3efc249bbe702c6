"""Clean speech and music written ahead by processes of their own: python -m model.voice.stock --files 40 --workers 4.
Knows files by number, each a function of its number; nothing of networks and rooms."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from configs.paths import cache_dir
from model.voice import rooms, utterances

PIECES = 8  # of music a file
PIECE = 112_000  # samples: 7 s, longer than any utterance
LOOK_EVERY_S = 0.2


def music(folder: Path, number: int) -> Tensor:
    """Pieces of music int16 [8, PIECE], each as loud as its peak allows."""
    path = folder / f"music-{number:04d}.safetensors"
    if not path.is_file():
        rng = np.random.default_rng([number, 31])
        pieces = np.stack([rooms.music(PIECE, rng) for _ in range(PIECES)])
        peak = np.abs(pieces).max(1, keepdims=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        save_file({"pcm": torch.from_numpy(np.round(pieces / peak * 32767).astype(np.int16))}, temporary)
        temporary.rename(path)
    return load_file(path)["pcm"]


def written(folder: Path, number: int) -> bool:
    """Whether the speech and the music of a number are there; the music is written last."""
    return all((folder / f"{name}-{number:04d}.safetensors").is_file() for name in ("learned", "music"))


def write(folder: Path, numbers: Sequence[int]) -> None:
    """Writes the files of these numbers that are not there yet."""
    torch.set_num_threads(1)
    for number in numbers:
        if not written(folder, number):
            utterances.batch(folder, number)
            music(folder, number)


@contextmanager
def writers(folder: Path, files: int, workers: int) -> Iterator[None]:
    """Within it so many processes write the first `files` files, in order; it begins when the first is there. Raises
    RuntimeError where they stop before."""
    context = multiprocessing.get_context("spawn")  # a fork would take over the GPU's state
    processes = [
        context.Process(target=write, args=(folder, range(first, files, workers)), daemon=True)
        for first in range(workers)
    ]
    for process in processes:
        process.start()
    try:
        wait(folder, 1, processes)
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def wait(folder: Path, files: int, processes: Sequence[multiprocessing.process.BaseProcess]) -> None:
    """Until so many files are there. Raises RuntimeError where no process is left to write them."""
    while not all(written(folder, number) for number in range(files)):
        if not any(process.is_alive() for process in processes) and not written(folder, files - 1):
            raise RuntimeError(f"expected {files} files in {folder}, but their writers have stopped")
        time.sleep(LOOK_EVERY_S)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model.voice.stock", description=__doc__)
    parser.add_argument("--files", type=int, default=48, help="of 250 utterances and 8 pieces of music each")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    folder, begun_s = cache_dir() / "utterances", time.monotonic()
    context = multiprocessing.get_context("spawn")
    shares = [(folder, range(first, options.files, options.workers)) for first in range(options.workers)]
    with context.Pool(options.workers) as pool:
        pool.starmap(write, shares, chunksize=1)
    print(f"{options.files} files are in {folder}, after {time.monotonic() - begun_s:.0f} s")


if __name__ == "__main__":
    main()
