"""What the networks read in typed text, with the text adapter and without: python -m engine.reading [--json FILE].
Knows prompts with what they ask for; nothing of pictures, so it takes seconds where `mundo eval` takes minutes."""

from __future__ import annotations

import engine.openmp  # noqa: F401  before anything that loads torch

# isort: split
import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from configs.paths import WEIGHTS
from engine.models import OMNI_FILE
from model.conditioning.meaning import PromptReader
from model.conditioning.text import TextEncoder
from model.evaluation import prompts
from model.evaluation.figures import balanced, mean
from model.measuring import measured
from model.omni import Omni
from model.training import wishes
from model.worlds.captions import change, describe

GRAMMAR, SEED = 300, 90_210  # sentences a language, of a seed that no training draws from
OPEN = "open"


@dataclass(frozen=True)
class Asked:
    """A text, and what it asks for by kind; OPEN what it leaves open, and nothing where nobody says."""

    text: str
    language: str
    wanted: dict[str, str]


def read(omni: Omni, reader: PromptReader, texts: Sequence[str]) -> list[dict[str, str]]:
    """What the Omni's name head makes of each text, by kind."""
    with torch.inference_mode():
        logits = [omni.name(omni.resample(*reader.features(texts[i : i + 32]))) for i in range(0, len(texts), 32)]
    said = [torch.cat(part).argmax(-1).tolist() for part in zip(*logits, strict=True)]
    named = ([(*names, OPEN)[i] for i in of] for names, of in zip(wishes.KINDS.values(), said, strict=True))
    return [dict(zip(wishes.KINDS, one, strict=True)) for one in zip(*named, strict=True)]


def locked() -> list[Asked]:
    """The prompts that `mundo eval` judges by."""
    return [Asked(prompt.text, prompt.language, prompt.expect) for prompt in prompts.bundled()]


def held_out() -> list[Asked]:
    """The wishes that no training sees."""
    return [Asked(wish.text, wish.language, _by_kind(wish.said)) for wish in wishes.read() if wishes.held_out(wish)]


def unseen() -> list[Asked]:
    """Wishes that were written for measuring, as people type them, before those of training that they led to."""
    return [Asked(wish.text, wish.language, _by_kind(wish.said)) for wish in wishes.read(wishes.UNSEEN)]


def grammar() -> list[Asked]:
    """Sentences of the grammar: states and changes."""
    rng = np.random.default_rng(SEED)
    return [one for language in wishes.LANGUAGES for one in _sentences(language, rng)]


def _sentences(language: str, rng: np.random.Generator) -> Iterator[Asked]:
    for n in range(GRAMMAR):
        said = [int(rng.integers(len(names) + 1)) for names in wishes.KINDS.values()]
        wanted = _by_kind(said)
        place, time, weather = (None if name == OPEN else name for name in wanted.values())
        if n % 2 and (time or weather):
            yield Asked(change(time, weather, rng, language), language, wanted | {"place": OPEN})
        elif place or time or weather:
            yield Asked(describe(place, time, weather, rng, language), language, wanted)


def _by_kind(said: Sequence[int]) -> dict[str, str]:
    return {kind: (*names, OPEN)[i] for (kind, names), i in zip(wishes.KINDS.items(), said, strict=True)}


def figures_of(weights: Path) -> dict[str, float]:
    """Of the locked prompts balanced accuracy over what is asked for, and the share of places, times and weathers that
    is read rightly; of held-out wishes, of unseen ones and of the grammar the share whose place, time and weather are
    all read rightly, or rightly left open. Each by language, and without the adapter.
    Raises CheckpointError."""
    omni = Omni.load(weights / OMNI_FILE)
    readers = {"": PromptReader.load(weights), "_without": PromptReader(TextEncoder.load(), None)}
    figures: dict[str, float] = {}
    for name, asked in (("prompt", locked()), ("wish", held_out()), ("unseen", unseen()), ("grammar", grammar())):
        for suffix, reader in readers.items():
            found = read(omni, reader, [one.text for one in asked])
            for language in wishes.LANGUAGES:
                both = [(a, f) for a, f in zip(asked, found, strict=True) if a.language == language]
                if name == "prompt":
                    rows = [[[f"{k} {v}", f"{k} {f[k]}"] for k, v in a.wanted.items()] for a, f in both]
                    figures[f"{name}_read_{language}{suffix}"] = balanced(rows)
                    for kind in wishes.KINDS:
                        asked_for = [(a.wanted[kind], f[kind]) for a, f in both if kind in a.wanted]
                        figures[f"{name}_read_{language}_{kind}{suffix}"] = mean([a == b for a, b in asked_for])
                else:
                    figures[f"{name}_read_{language}{suffix}"] = mean([f == a.wanted for a, f in both])
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m engine.reading", description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="the folder of the weights")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    measured(partial(figures_of, options.weights), options.json)


if __name__ == "__main__":
    main()
