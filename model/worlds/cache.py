"""Writes the worlds of a seed range to an untracked folder, as latents with their labels or as pictures, resumably:
`python -m model.worlds.cache --seeds A:B --out DIR`. Knows files; refuses to know how anything is drawn or encoded."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from configs.paths import WEIGHTS, cache_dir
from model import checkpoint
from model.tokenizer.frame import KIND, FrameTokenizer
from model.tokenizer.quick import Eyes, quick_tokenizer
from model.training.film_latents import film_latents
from model.training.latents import keep_clip, kept_in
from model.worlds import clips, film_files
from model.worlds.films import FRAMES
from model.worlds.music import BadTrack, read_track
from model.worlds.profiles import UnknownProfile
from model.worlds.streaming import CLIPS, DrawingFailed, Drawn, Order, stream

REPORT_EVERY = 10  # worlds
Keep = Callable[[Path, Drawn], None]


def seed_range(text: str) -> range:
    """The seeds A to B-1 of 'A:B'."""
    first, _, last = text.partition(":")
    if not (first.isdigit() and last.isdigit() and int(first) < int(last)):
        raise argparse.ArgumentTypeError(f"seeds are A:B with 0 <= A < B; got {text!r}")
    return range(int(first), int(last))


def asked(parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> tuple[argparse.Namespace, range]:
    """The options of a command that draws, and the seeds that it was asked for."""
    parser.add_argument("--seeds", type=seed_range, required=True, help="A:B, the seeds A to B-1")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    return options, options.seeds


def _keep_clip(path: Path, drawn: Drawn) -> None:
    clips.write(path, drawn.arrays)


def _keep_film(path: Path, drawn: Drawn) -> None:
    film_files.write(path, drawn.arrays, drawn.said)


def encoding(tokenizer: Path, device: torch.device) -> tuple[Keep, Keep]:
    """Keeps clips, and films, as latents of this tokenizer. Raises CheckpointError."""
    loaded = FrameTokenizer.load(tokenizer).to(device)
    ranges = checkpoint.load_extra(tokenizer, KIND).get("ranges")
    eyes: Eyes = quick_tokenizer(loaded, ranges) if device.type == "cpu" else loaded

    def clip(path: Path, drawn: Drawn) -> None:
        keep_clip(path, eyes, {name: torch.from_numpy(array) for name, array in drawn.arrays.items()}, device)

    def film(path: Path, drawn: Drawn) -> None:
        film_files.write(path, film_latents(eyes, drawn.arrays, device), drawn.said)

    return clip, film


def fill(folder: Path, order: Order, seeds: range, processes: int, keep: Keep) -> None:
    """Draws what is not there yet, and keeps it. Raises DrawingFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [seed for seed in seeds if not clips.path_of(folder, seed).exists()]
    begun_s = time.monotonic()
    for count, drawn in enumerate(stream(order, missing, processes), 1):
        keep(clips.path_of(folder, drawn.seed), drawn)
        if count % REPORT_EVERY == 0 or count == len(missing):
            each_s = (time.monotonic() - begun_s) / count
            print(f"seed {drawn.seed}: {count} of {len(missing)}, {each_s:.2f} s each", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="the folder; by default one of the cache folder")
    parser.add_argument("--profile", default=CLIPS, help="of configs/worlds-*.toml")
    parser.add_argument("--pictures", action="store_true", help="as they are drawn, not as latents")
    parser.add_argument("--music", type=Path, help="a WAV file that is played to all films, whose lights follow it")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of a film")
    parser.add_argument("--tokenizer", type=Path, default=WEIGHTS / "tokenizer.safetensors")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, draw, encode and write."""
    options, seeds = asked(_parser(), arguments)
    films = options.profile != CLIPS
    try:
        music = read_track(options.music) if options.music else None
        order = Order(options.profile, options.frames, music)
        if options.pictures:
            keep: Keep = _keep_film if films else _keep_clip
            usual = cache_dir() / (f"films-{options.profile}" if films else "clips-nano")
        else:
            keep = encoding(options.tokenizer, torch.device(options.device))[films]
            usual = kept_in(options.tokenizer)
            usual = usual.with_name(f"films-{options.profile}-{usual.name}") if films else usual
        fill(options.out or usual, order, seeds, options.processes, keep)
    except (BadTrack, UnknownProfile, ValueError, checkpoint.CheckpointError, DrawingFailed) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
