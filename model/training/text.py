"""Trains the text adapter: python -m model.training.text --minutes 10 [--resume].
Knows its schedule and losses; nothing of the running engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from configs.paths import cache_dir, load_toml
from model.checkpoint import as_config
from model.conditioning.meaning import FILE, AdapterConfig, Meant, TextAdapter
from model.conditioning.text import Hidden, TextEncoder
from model.native import has_fast_bf16
from model.training.lessons import (
    MEANINGS,
    Encoded,
    Lesson,
    encoded,
    from_changes,
    from_contrasts,
    from_endings,
    from_grammar,
    from_narrations,
    from_nowhere,
    from_wishes,
    meant,
)
from model.training.loop import command, descend, keep_on, take_up
from model.training.optimizers import adam
from model.training.run import Run, step_seed

CLIP_GRADIENT = 1.0
TEMPERATURE = 0.1
SAMPLE = 20_000  # word pieces that tell the deviation of all
LENGTHS = 8  # classes of texts by length; a step sees one


@dataclass(frozen=True)
class TextTraining:
    """How to train, and on how many sentences: `variants` of each wish, `joint` ones, `grammar` sentences a
    meaning and language, `changes` of one thing, rounds of `endings` and `contrasts`, `contrasted` of these with a
    wish, narrations, and texts that nobody understands."""

    seed: int = 1
    rate: float = 1e-3
    weight_decay: float = 0.1
    rows: int = 128
    variants: int = 6
    joint: int = 7000
    grammar: int = 8
    changes: int = 120
    endings: int = 2
    contrasts: int = 1
    contrasted: int = 2000
    narrations: int = 3000
    nowhere: int = 1500
    noise: float = 0.3  # of the hidden states' deviation
    lost: float = 0.1  # word pieces that a step does not see
    misspelt: float = 0.2  # runs of letters that a step does not see
    smoothing: float = 0.05
    regression: float = 1.0
    contrast: float = 0.2
    understood: float = 0.3
    report_every_s: float = 20.0

    def __post_init__(self) -> None:
        if self.rows < 2 or self.variants < 1:
            raise ValueError(f"a step needs 2 rows and a wish 1 variant at least, got {self.rows} and {self.variants}")


@dataclass(frozen=True)
class Lessons:
    """All lessons: hidden states and their deviation [3, 384], the index of each one's meaning [N], -1 where there is
    none; and the features of all meanings."""

    states: Encoded
    deviation: Tensor
    meaning: Tensor
    features: Tensor

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """The indices of `count` lessons of about the same length [count], so that little is padded."""
        by_length = self.states.begins.diff().argsort().tensor_split(LENGTHS)
        some = [part for part in by_length if len(part)]
        part = some[int(torch.randint(len(some), (), generator=generator))]
        return part[torch.randint(len(part), (count,), generator=generator)]

    @classmethod
    def of(cls, lessons: list[Lesson], encoder: TextEncoder, folder: Path) -> Lessons:
        index = {said: i for i, said in enumerate(MEANINGS)}
        meaning = torch.tensor([index[lesson.said] if lesson.said else -1 for lesson in lessons])
        states = encoded([lesson.text for lesson in lessons], encoder, folder)
        some = slice(0, SAMPLE)
        deviation = (states.states[some] * states.scale[some]).std(0)
        return cls(states, deviation, meaning, meant(encoder))


def to_learn(training: TextTraining) -> list[Lesson]:
    """The lessons: a function of the seed."""
    rng = np.random.default_rng(training.seed)
    return [
        *from_wishes(training.variants, training.joint, rng),
        *from_grammar(training.grammar, rng),
        *from_narrations(training.narrations, rng),
        *from_nowhere(training.nowhere, rng),
        *from_changes(training.changes, rng),
        *from_endings(training.endings, rng),
        *from_contrasts(training.contrasts, training.contrasted, rng),
    ]


def blurred(hidden: Hidden, deviation: Tensor, training: TextTraining, generator: torch.Generator) -> Hidden:
    """Hidden states with noise (even, which is drawn in a third of the time of a normal one) by their deviation
    [3, 384], without some of the word pieces and of the runs of letters."""
    states, mask, runs = hidden
    width = training.noise * 12**0.5 * deviation
    states = torch.rand(states.shape, generator=generator).sub_(0.5).mul_(width).add_(states)
    kept = mask & (torch.rand(mask.shape, generator=generator) >= training.lost)
    read = torch.rand(runs.shape, generator=generator) >= training.misspelt
    return Hidden(states, torch.where(kept.any(1, keepdim=True), kept, mask), runs * read)


def objective(told: Meant, meaning: Tensor, lessons: Lessons, training: TextTraining) -> dict[str, Tensor]:
    """The losses of a batch with those meanings [B]: names; regression to the plain sentence's features, and contrast
    to those of all others; and whether it is to be understood."""
    understood = meaning >= 0
    parts = {
        "understood": training.understood * F.binary_cross_entropy_with_logits(told.understood, understood.float())
    }
    if not understood.any():
        return parts
    meaning, said = meaning[understood], told.meaning[understood]
    names = torch.tensor(MEANINGS)[meaning]
    parts["names"] = torch.stack(
        [
            F.cross_entropy(part[understood], names[:, i], label_smoothing=training.smoothing)
            for i, part in enumerate(told.names)
        ]
    ).sum()
    parts["regression"] = training.regression * F.mse_loss(said, lessons.features[meaning])
    directions = (F.normalize(x.flatten(1), dim=-1) for x in (said, lessons.features))
    logits = next(directions) @ next(directions).T / TEMPERATURE
    parts["contrast"] = training.contrast * F.cross_entropy(logits, meaning)
    return parts


def train_step(run: Run, adapter: TextAdapter, lessons: Lessons, training: TextTraining) -> dict[str, Tensor]:
    """One step of one reader, in turns, so that each has lessons of its own; returns the figures of its objective."""
    seed = step_seed(training.seed, run.step)
    torch.manual_seed(seed)  # of dropout
    generator = torch.Generator().manual_seed(seed + 1)
    which = lessons.draw(training.rows, generator)
    hidden = blurred(lessons.states.take(which), lessons.deviation, training, generator)
    with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bf16()):
        told = adapter(*hidden, run.step % len(adapter.readers)).float()
    parts = objective(told, lessons.meaning[which], lessons, training)
    descend(run, torch.stack(list(parts.values())).sum(), [adapter], CLIP_GRADIENT)
    right = lessons.meaning[which] == read_as(told)
    return {name: part.detach() for name, part in parts.items()} | {"read": right.float().mean()}


def read_as(told: Meant) -> Tensor:
    """The index of the meaning that the adapter names, [B]; -1 where it does not understand."""
    place, time, weather = (part.argmax(-1) for part in told.names)
    index = (place * told.names[1].shape[1] + time) * told.names[2].shape[1] + weather
    return torch.where(told.understood > 0, index, -1)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = command("text", __doc__, "train-text.toml", 10.0)
    parser.add_argument("--out", type=Path, help="where the weights go; by default the run's folder")
    options = parser.parse_args(arguments)
    section: dict[str, Any] = load_toml(options.config)["text"]
    training = TextTraining(**section["training"])
    torch.set_num_threads(1)
    lessons = Lessons.of(to_learn(training), TextEncoder.load(), cache_dir())
    print(f"{len(lessons.meaning)} lessons", flush=True)
    torch.manual_seed(training.seed)
    adapter = TextAdapter(as_config(AdapterConfig, section["model"]))
    optimizer = adam(adapter.parameters(), training.rate, training.weight_decay)
    run = Run(cache_dir() / "runs" / options.run, adapter, optimizer, options.minutes)
    if options.resume:
        take_up(run)
    with run.interruptible():
        keep_on(run, partial(train_step, run, adapter, lessons, training), training.report_every_s)
    assert isinstance(run.average, TextAdapter)
    path = options.out or run.folder / FILE
    print(f"wrote {path}: {run.average.save(path, {'steps': run.step})}")


if __name__ == "__main__":
    main()
