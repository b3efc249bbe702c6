"""Trains what is said, by name: python -m model.voice.naming_training --minutes 15 [--resume]. The encoder stays.
Knows schedules and losses; refuses to know the running engine."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from configs.paths import WEIGHTS, cache_dir, load_toml
from model import checkpoint
from model.sound.recordings import recording
from model.training.loop import command, descend, keep_on, take_up
from model.training.optimizers import adam
from model.training.run import Run, step_seed
from model.voice import encoder as voice
from model.voice.batches import Background
from model.voice.encoder import VoiceEncoder
from model.voice.naming import FILE, NamingConfig, SpokenNames
from model.voice.naming_lessons import Heard, Teacher

CLIP_GRADIENT = 1.0


@dataclass(frozen=True)
class NamingTraining:
    """How to train, on so many `files` of lessons; a step sees `rows` of one of them."""

    seed: int = 1
    rate: float = 2e-3
    weight_decay: float = 0.05
    rows: int = 64
    files: int = 32
    noise: float = 0.2  # of the states' deviation
    lost: float = 0.1  # of all states, number by number
    gap: int = 6  # steps of 30 ms of which half of the utterances lack up to so many
    smoothing: float = 0.03
    report_every_s: float = 20.0

    def __post_init__(self) -> None:
        if self.rows < 2 or self.files < 1:
            raise ValueError(f"a step needs 2 rows and a file at least, got {self.rows} and {self.files}")


@dataclass(frozen=True)
class Lessons:
    """Files of lessons, and the deviation [H] of the states in the first."""

    files: list[Heard]
    deviation: Tensor

    @classmethod
    def of(cls, files: list[Heard]) -> Lessons:
        known, steps = files[0].take(torch.arange(0, len(files[0].said), 4))
        inside = torch.arange(known.shape[1]) < steps[:, None]
        return cls(files, known[inside].std(0))

    def draw(self, rows: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """States, steps and what is said of utterances that are neighbours in length."""
        file = self.files[int(torch.randint(len(self.files), (), generator=generator))]
        first = int(torch.randint(max(len(file.said) - rows, 0) + 1, (), generator=generator))
        which = torch.arange(first, min(first + rows, len(file.said)))
        return *file.take(which), file.said[which]


def blurred(
    states: Tensor, steps: Tensor, deviation: Tensor, training: NamingTraining, generator: torch.Generator
) -> Tensor:
    """States [B, T, H] with even noise, without some of their numbers, and half of the utterances with a gap."""
    width = training.noise * 12**0.5 * deviation
    noisy = torch.rand(states.shape, generator=generator).sub_(0.5).mul_(width).add_(states)
    noisy *= torch.rand(states.shape, generator=generator) >= training.lost
    chance = torch.rand(3, len(states), generator=generator)
    first, length = chance[0] * steps, chance[1] * training.gap * (chance[2] < 0.5)
    at = torch.arange(states.shape[1])
    return noisy * ~((at >= first[:, None]) & (at < (first + length)[:, None]))[..., None]


def objective(told: Sequence[Tensor], said: Tensor, training: NamingTraining) -> Tensor:
    """Of a batch in which names [B, 3] are said."""
    of_each = [F.cross_entropy(part, said[:, i], label_smoothing=training.smoothing) for i, part in enumerate(told)]
    return torch.stack(of_each).sum()


def train_step(run: Run, names: SpokenNames, lessons: Lessons, training: NamingTraining) -> dict[str, Tensor]:
    """One step; returns the figures of its objective, and which share of what was said was read rightly."""
    seed = step_seed(training.seed, run.step)
    torch.manual_seed(seed)  # of dropout
    generator = torch.Generator().manual_seed(seed + 1)
    states, steps, said = lessons.draw(training.rows, generator)
    told = names(blurred(states, steps, lessons.deviation, training, generator), steps)
    loss = objective(told, said, training)
    descend(run, loss, [names], CLIP_GRADIENT)
    right = torch.stack([part.argmax(-1) for part in told], -1) == said
    return {"names": loss.detach(), "read": right.all(1).float().mean()}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command("names", __doc__, "train-names.toml", 15.0)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help=f"the folder of {voice.FILE}")
    parser.add_argument("--out", type=Path, help="where the weights go; by default the run's folder")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    section: dict[str, Any] = load_toml(options.config)["names"]
    training = NamingTraining(**section["training"])
    torch.set_num_threads(1)
    path = options.weights / voice.FILE
    encoder, whose = VoiceEncoder.load(path), checkpoint.sha256(path)
    background = Background.of([recording(cache_dir() / "recordings", seed) for seed in range(1, 9)])
    teacher, folder = Teacher(encoder, background), cache_dir() / f"heard-{whose[:12]}"
    lessons = Lessons.of([teacher.heard(folder, number) for number in range(training.files)])
    print(f"{training.files} files of lessons in {folder}", flush=True)
    torch.manual_seed(training.seed)
    names = SpokenNames(NamingConfig(encoder.config.hidden, **section["model"]))
    optimizer = adam(names.parameters(), training.rate, training.weight_decay)
    run = Run(cache_dir() / "runs" / options.run, names, optimizer, options.minutes)
    if options.resume:
        take_up(run)
    with run.interruptible():
        keep_on(run, partial(train_step, run, names, lessons, training), training.report_every_s)
    assert isinstance(run.average, SpokenNames)
    out = options.out or run.folder / FILE
    print(f"wrote {out}: {run.average.save(out, {'steps': run.step, 'encoder': whose})}")


if __name__ == "__main__":
    main()
