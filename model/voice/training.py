"""Trains the voice encoder: python -m model.voice.training --minutes 20 [--resume].
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

from configs.paths import cache_dir, load_toml
from model.conditioning.text import TextEncoder
from model.sound.recordings import recording
from model.training.loop import command, descend, keep_on
from model.training.optimizers import adam
from model.training.run import Run
from model.voice.batches import Background, Batch, Surroundings, Utterances
from model.voice.encoder import FILE, Heard, VoiceConfig, VoiceEncoder
from model.voice.phonemes import Pronunciations
from model.voice.sentences import PARTS, Sentence, meanings
from model.voice.utterances import SPEECH, to_learn

CLIP_GRADIENT = 2.0
TEMPERATURE = 0.1
CLEAR_DB = 30.0


@dataclass(frozen=True)
class VoiceTraining:
    """How to train; `files`: of 250 utterances each, of which one more is taken up every `steps_a_file` steps."""

    seed: int = 1
    rate: float = 1.5e-3
    weight_decay: float = 0.02
    rows: int = 16
    files: int = 48
    steps_a_file: int = 8
    snr_low_db: float = 3.0
    snr_high_db: float = 35.0
    easy: float = 0.5  # of the run, by which it has become as hard as it gets
    sounds: float = 0.3
    regression: float = 1.5
    contrast: float = 0.3
    kind: float = 0.4
    nearness: float = 0.2
    report_every_s: float = 20.0

    def __post_init__(self) -> None:
        if self.rows < 4 or self.files < 1:
            raise ValueError(f"a step needs 4 rows and a file at least, got {self.rows} and {self.files}")


@dataclass(frozen=True)
class Truths:
    """Of all sentences: features of what is meant [N, 13, 384], and phonemes as numbers."""

    meaning: Tensor
    sounds: list[list[int]]


def objective(heard: Heard, batch: Batch, truths: Truths, training: VoiceTraining) -> tuple[Tensor, dict[str, float]]:
    """Regression to the features of what is meant, contrast to the others of the batch, phonemes by CTC, what kind of
    sound it is, and how near the meaning came."""
    speech = batch.kind == SPEECH
    meant = truths.meaning[batch.sentence[speech]].float()
    told = heard.meaning[speech]
    near = F.cosine_similarity(told[:, 1:].flatten(1), meant[:, 1:].flatten(1), dim=-1)
    labels = [truths.sounds[index] for index in batch.sentence[speech].tolist()]
    logits = F.normalize(told.flatten(1), dim=-1) @ F.normalize(meant.flatten(1), dim=-1).T / TEMPERATURE
    parts = {
        "regression": training.regression * F.mse_loss(told, meant),
        "contrast": training.contrast * F.cross_entropy(logits, _same(meant)),
        "sounds": training.sounds * _sounds(heard.sounds[speech], batch.steps[speech], labels),
        "kind": training.kind * F.cross_entropy(heard.kind, batch.kind),
        "nearness": training.nearness
        * F.binary_cross_entropy_with_logits(heard.nearness[speech], near.detach().clamp(0, 1)),
    }
    figures = {name: part.item() for name, part in parts.items()}
    return torch.stack(list(parts.values())).sum(), figures | {"near": near.mean().item()}


def _same(meant: Tensor) -> Tensor:
    """Which rows of a batch mean the same, as shares [N, N]."""
    same = (torch.cdist(meant.flatten(1), meant.flatten(1)) < 1).float()
    return same / same.sum(1, keepdim=True)


def _sounds(logs: Tensor, steps: Tensor, labels: list[list[int]]) -> Tensor:
    """CTC of log probabilities [B, T, P] over each row's steps, a step of it."""
    flat = torch.tensor([sound for label in labels for sound in label])
    counts = torch.tensor([len(label) for label in labels])
    lost = F.ctc_loss(logs.transpose(0, 1), flat, steps, counts, reduction="none", zero_infinity=True)
    return (lost / counts).mean()


def surroundings(training: VoiceTraining, progress: float) -> Surroundings:
    """First clear voices, then what there is: a phoneme head that begins in noise says nothing for very long."""
    hard = min(1.0, progress / training.easy)
    return Surroundings(
        CLEAR_DB + (training.snr_low_db - CLEAR_DB) * hard, max(CLEAR_DB, training.snr_high_db), 0.6 * hard
    )


def train_step(
    run: Run, encoder: VoiceEncoder, utterances: Utterances, truths: Truths, training: VoiceTraining
) -> dict[str, float]:
    """One step; returns the figures of its objective."""
    utterances.grow(min(training.files, 4 + run.step // training.steps_a_file))
    batch = utterances.batch(training.rows, [training.seed, run.step], surroundings(training, run.progress))
    loss, figures = objective(encoder(batch.pcm, batch.steps), batch, truths, training)
    descend(run, loss, [encoder], CLIP_GRADIENT)
    return figures


def truths_of(sentences: Sequence[Sentence], pronunciations: Pronunciations, folder: Path) -> Truths:
    """Features and phonemes of the sentences; the features are kept in a file, for they take a while."""
    path = folder / f"meanings-{len(sentences)}.pt"
    if path.is_file():
        meaning = torch.load(path, weights_only=True)
    else:
        meaning = meanings(sentences, TextEncoder.load())
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(meaning, path)
    return Truths(meaning, [pronunciations.sounds(sentence) for sentence in sentences])


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command("voice", __doc__, "train-voice.toml", 20.0)
    parser.add_argument("--out", type=Path, help="where the weights go; by default the run's folder")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    section: dict[str, Any] = load_toml(options.config)["voice"]
    training = VoiceTraining(**section["training"])
    torch.set_num_threads(1)
    torch.manual_seed(training.seed)
    folder, sentences = cache_dir() / "utterances", to_learn()
    pronunciations = Pronunciations.of(sentences)
    encoder = VoiceEncoder(VoiceConfig(pronunciations.symbols, PARTS, **section["model"]))
    optimizer = adam(encoder.parameters(), training.rate, training.weight_decay)
    run = Run(cache_dir() / "runs" / options.run, encoder, optimizer, options.minutes)
    if options.resume:
        run.resume()
    truths = truths_of(sentences, pronunciations, folder)
    background = Background.of([recording(cache_dir() / "recordings", seed) for seed in range(1, 9)])
    utterances = Utterances(folder, background)
    with run.interruptible():
        step = partial(train_step, run, encoder, utterances, truths, training)
        keep_on(run, step, training.report_every_s)
    assert isinstance(run.average, VoiceEncoder)
    path = options.out or run.folder / FILE
    facts = {"steps": run.step, "lexicons": pronunciations.lexicons}
    print(f"wrote {path}: {run.average.save(path, facts)}")


if __name__ == "__main__":
    main()
