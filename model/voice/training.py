"""Trains the voice encoder: python -m model.voice.training --minutes 20 [--resume].
Knows schedules and losses; refuses to know the running engine."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from configs.paths import cache_dir, load_toml
from model.conditioning.text import TextEncoder
from model.sound.recordings import recording
from model.training.loop import command, descend, keep_on
from model.training.optimizers import adam
from model.training.run import Run
from model.voice.batches import Background, Batch, Surroundings, Utterances
from model.voice.calibrating import calibrated
from model.voice.encoder import FILE, Heard, VoiceConfig, VoiceEncoder
from model.voice.mixing import Mixer
from model.voice.phonemes import Pronunciations
from model.voice.sentences import PARTS, Sentence, meanings
from model.voice.stock import writers
from model.voice.utterances import SPEECH, to_learn

CLIP_GRADIENT = 2.0
TEMPERATURE = 0.1
CLEAR_DB = 30.0
CALIBRATED_BY = 400  # utterances


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
    """Of all sentences: features of what is meant [N, 13, 384], phonemes as numbers with zeros behind them [N, L], and
    how many those are [N], which stays on the CPU."""

    meaning: Tensor
    sounds: Tensor
    counts: Tensor

    @classmethod
    def of(cls, meaning: Tensor, sounds: list[list[int]], device: torch.device) -> Truths:
        padded = pad_sequence([torch.tensor(said) for said in sounds], batch_first=True)
        return cls(meaning.to(device), padded.to(device), torch.tensor([len(said) for said in sounds]))


def objective(heard: Heard, batch: Batch, truths: Truths, training: VoiceTraining) -> tuple[Tensor, dict[str, Tensor]]:
    """Regression to the features of what is meant, contrast to the others of the batch, phonemes by CTC, what kind of
    sound it is, and how near the meaning came; of a batch in which nobody says anything, the kind alone. Of the batch
    only pcm is on the device: nothing here waits for it."""
    device = heard.meaning.device
    kind = training.kind * F.cross_entropy(heard.kind, batch.kind.to(device))
    spoken = (batch.kind == SPEECH).nonzero()[:, 0]
    if not len(spoken):
        return kind, {"kind": kind.detach()}
    sentence, rows = batch.sentence[spoken], spoken.to(device)
    meant = truths.meaning[sentence.to(device)].float()
    told = heard.meaning[rows]
    near = F.cosine_similarity(told[:, 1:].flatten(1), meant[:, 1:].flatten(1), dim=-1)
    logits = F.normalize(told.flatten(1), dim=-1) @ F.normalize(meant.flatten(1), dim=-1).T / TEMPERATURE
    parts = {
        "regression": training.regression * F.mse_loss(told, meant),
        "contrast": training.contrast * F.cross_entropy(logits, _same(meant)),
        "sounds": training.sounds * _sounds(heard.sounds[rows], batch.steps[spoken], sentence, truths),
        "kind": kind,
        "nearness": training.nearness
        * F.binary_cross_entropy_with_logits(heard.nearness[rows], near.detach().clamp(0, 1)),
    }
    figures = {name: part.detach() for name, part in parts.items()}
    return torch.stack(list(parts.values())).sum(), figures | {"near": near.detach().mean()}


def _same(meant: Tensor) -> Tensor:
    """Which rows of a batch mean the same, as shares [N, N]."""
    flat = meant.flatten(1)
    apart = torch.cdist(flat, flat, compute_mode="donot_use_mm_for_euclid_dist")  # a GPU's products are too coarse
    same = (apart < 1).float()
    return same / same.sum(1, keepdim=True)


def _sounds(logs: Tensor, steps: Tensor, sentence: Tensor, truths: Truths) -> Tensor:
    """CTC of log probabilities [B, T, P] over each row's steps, a step of it."""
    counts = truths.counts[sentence]
    labels = truths.sounds[sentence.to(logs.device)]
    lost = F.ctc_loss(logs.transpose(0, 1), labels, steps, counts, reduction="none", zero_infinity=True)
    return (lost / counts.to(logs.device)).mean()


def surroundings(training: VoiceTraining, progress: float) -> Surroundings:
    """First clear voices, then what there is: a phoneme head that begins in noise says nothing for very long."""
    hard = min(1.0, progress / training.easy)
    return Surroundings(
        CLEAR_DB + (training.snr_low_db - CLEAR_DB) * hard, max(CLEAR_DB, training.snr_high_db), 0.6 * hard
    )


def train_step(
    run: Run, encoder: VoiceEncoder, utterances: Utterances | Mixer, truths: Truths, training: VoiceTraining
) -> dict[str, Tensor]:
    """One step; returns the figures of its objective."""
    utterances.grow(min(training.files, 4 + run.step // training.steps_a_file))
    batch = utterances.batch(training.rows, [training.seed, run.step], surroundings(training, run.progress))
    loss, figures = objective(encoder(batch.pcm, batch.steps.to(batch.pcm.device)), batch, truths, training)
    descend(run, loss, [encoder], CLIP_GRADIENT)
    return figures


def truths_of(
    sentences: Sequence[Sentence], pronunciations: Pronunciations, folder: Path, device: torch.device
) -> Truths:
    """Features and phonemes of the sentences; the features are kept in a file, for they take a while."""
    path = folder / f"meanings-{len(sentences)}.pt"
    if path.is_file():
        meaning = torch.load(path, weights_only=True)
    else:
        meaning = meanings(sentences, TextEncoder.load())
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(meaning, path)
    return Truths.of(meaning, [pronunciations.sounds(sentence) for sentence in sentences], device)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command("voice", __doc__, "train-voice.toml", 20.0)
    parser.add_argument("--warm", type=Path, help="weights to begin with, and their sizes")
    parser.add_argument("--kind-only", action="store_true", help="train only the head that tells speech from the rest")
    parser.add_argument("--out", type=Path, help="where the weights go; by default the run's folder")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--workers",
        type=int,
        default=0,
        help="processes that write more utterances while the device mixes batches of those there are; "
        "0: this process writes them and mixes row by row",
    )
    return parser.parse_args(arguments)


@contextmanager
def heard_by(options: argparse.Namespace, folder: Path, files: int) -> Iterator[Utterances | Mixer]:
    """What batches come from, as the options say."""
    background = Background.of([recording(cache_dir() / "recordings", seed) for seed in range(1, 9)])
    if options.workers == 0:
        yield Utterances(folder, background)
    else:
        with writers(folder, files, options.workers):
            yield Mixer(folder, background, torch.device(options.device))


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    section: dict[str, Any] = load_toml(options.config)["voice"]
    training = VoiceTraining(**section["training"])
    torch.set_num_threads(1)
    if options.device == "cuda":
        torch.set_float32_matmul_precision("high")
    torch.manual_seed(training.seed)
    folder, sentences, device = cache_dir() / "utterances", to_learn(), torch.device(options.device)
    pronunciations = Pronunciations.of(sentences)
    if options.warm:
        encoder = VoiceEncoder.load(options.warm).to(device).train().requires_grad_(True)
    else:
        encoder = VoiceEncoder(VoiceConfig(pronunciations.symbols, PARTS, **section["model"])).to(device)
    if options.kind_only:
        encoder.requires_grad_(False)
        encoder.kind.requires_grad_(True)
    trained = [part for part in encoder.parameters() if part.requires_grad]
    optimizer = adam(trained, training.rate, training.weight_decay)
    truths = truths_of(sentences, pronunciations, folder, device)
    with heard_by(options, folder, training.files) as utterances:
        run = Run(cache_dir() / "runs" / options.run, encoder, optimizer, options.minutes)
        if options.resume:
            run.resume()
        with run.interruptible():
            step = partial(train_step, run, encoder, utterances, truths, training)
            keep_on(run, step, training.report_every_s)
    assert isinstance(run.average, VoiceEncoder)
    path = options.out or run.folder / FILE
    encoder = run.average.cpu()
    confidence = calibrated(encoder, pronunciations.lexicons, CALIBRATED_BY)
    facts = {"steps": run.step, "lexicons": pronunciations.lexicons, "confidence": confidence._asdict()}
    print(f"wrote {path}: {encoder.save(path, facts)}")


if __name__ == "__main__":
    main()
