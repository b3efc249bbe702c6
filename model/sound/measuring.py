"""How good the sound weights are, on worlds that no training heard: python -m model.sound.measuring [--json FILE].
Knows files and figures; `mundo eval` may call `figures_of` as well."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from configs.paths import cache_dir
from model.measuring import command, measured
from model.sound.evaluation import measure
from model.sound.networks import FILE, SoundNetworks
from model.sound.recordings import held_out


def figures_of(weights: Path, recordings: int) -> dict[str, float]:
    """See `measure`, over so many recordings of 20 s. Raises CheckpointError."""
    return measure(SoundNetworks.load(weights / FILE), held_out(cache_dir() / "recordings", recordings))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = command("sound", __doc__)
    parser.add_argument("--recordings", type=int, default=24, help="of 20 s each")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    measured(lambda: figures_of(options.weights, options.recordings), options.json)


if __name__ == "__main__":
    main()
