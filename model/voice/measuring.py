"""How well synthetic voices that no training heard are understood: python -m model.voice.measuring [--json FILE].
Knows files and figures; says nothing of human voices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from configs.paths import cache_dir
from model.conditioning.text import TextEncoder
from model.measuring import command, measured
from model.voice.batches import Background, Utterances
from model.voice.encoder import FILE, VoiceEncoder
from model.voice.evaluation import attributes, false_utterances
from model.voice.sentences import meanings
from model.voice.utterances import kept_apart


def figures_of(weights: Path, files: int, minutes: float) -> dict[str, float]:
    """At 15 and 5 dB over noise, see `attributes`; and false utterances in so many minutes of music, noise and foreign
    talk each. Raises CheckpointError."""
    encoder = VoiceEncoder.load(weights / FILE)
    sentences = kept_apart()
    bank = (sentences, meanings(sentences, TextEncoder.load()))
    spoken = Utterances(cache_dir() / "utterances", Background([]), unseen=True)
    spoken.grow(files)
    figures: dict[str, float] = {}
    for snr_db in (15, 5):
        figures |= {f"{name}_{snr_db}_db": v for name, v in attributes(encoder, spoken, bank, float(snr_db)).items()}
    return figures | {name: float(count) for name, count in false_utterances(encoder, minutes, 1).items()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = command("voice", __doc__)
    parser.add_argument("--files", type=int, default=1, help="of 250 utterances each")
    parser.add_argument("--minutes", type=float, default=10.0, help="of music, of noise and of foreign talk")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    measured(lambda: figures_of(options.weights, options.files, options.minutes), options.json)


if __name__ == "__main__":
    main()
