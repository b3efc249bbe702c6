"""Trains sound: python -m model.sound.training --minutes 15 [--resume]. Tokenizer and head share one run.
Knows schedules and losses; refuses to know the running engine."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from configs.paths import WEIGHTS, cache_dir, load_toml
from model.sound import losses
from model.sound.evaluation import measure
from model.sound.head import SoundHead, SoundHeadConfig
from model.sound.networks import FILE, SoundNetworks
from model.sound.recordings import Shelf, held_out
from model.sound.spectra import HOP, SAMPLES
from model.sound.tokenizer import SoundTokenizer, SoundTokenizerConfig
from model.training.loop import command, descend, keep_on
from model.training.optimizers import adam
from model.training.run import Run, step_seed
from model.worlds.sounds import SOURCES

CLIP_GRADIENT = 1.0
INAUDIBLE, SILENCE = 0.5, 0.95  # of the way to the quietest


@dataclass(frozen=True)
class SoundTraining:
    """Rows and frames of a step for the tokenizer and for the head, and the weights of the losses."""

    seed: int = 1
    rate: float = 1.5e-3
    weight_decay: float = 0.01
    rows: int = 6
    frames: int = 48
    run_in: int = 0  # frames before them at most, which the decoder has behind it
    head_rows: int = 12
    head_frames: int = 72
    recordings: int = 240
    latent_noise: float = 0.12
    envelope: float = 0.5
    onset: float = 0.6
    overshoot: float = 20.0
    repetition: float = 0.5
    quiet_share: float = 0.2  # of the rows, which are played more quietly
    quietest_db: float = -70.0
    listening: float = 0.3
    moments: float = 0.1
    past_noise: float = 0.7
    past_dropout: float = 0.15
    encoder_share: float = 0.6  # of the run, after which the latents stay as they are
    head_from: float = 0.15  # of the run
    report_every_s: float = 20.0

    def __post_init__(self) -> None:
        if not (0 <= self.head_from < self.encoder_share <= 1 or (self.encoder_share, self.head_from) == (0, 1)):
            raise ValueError(
                "expected 0 <= head_from < encoder_share <= 1, or 1 and 0 for the decoder alone; "
                f"got {self.head_from}, {self.encoder_share}"
            )
        if self.frames <= losses.LAGS:
            raise ValueError(f"frames is {losses.LAGS + 1} at least, got {self.frames}")


def tokenizer_loss(
    tokenizer: SoundTokenizer, batch: tuple[Tensor, Tensor, Tensor], training: SoundTraining, step: int
) -> tuple[Tensor, dict[str, float]]:
    """Of pcm [B, 250 + T * 1000] with what is audible in it, the last frames of it: what lies before them is decoded,
    and no more. All that is random is a function of seed and step."""
    pcm, _, audible = batch
    generator = torch.Generator().manual_seed(step_seed(training.seed + 1, step))
    pcm, audible = quieter(pcm, audible, training, generator)
    place = int(torch.randint(2**20, (), generator=generator))
    carry, run_in = tokenizer.silence(len(pcm), place), audible.shape[1] - training.frames
    if run_in > 0:
        with torch.no_grad():
            carry = tokenizer.decode(tokenizer.encode(pcm[:, : HOP + run_in * SAMPLES]), carry).carry
        pcm, audible = pcm[:, run_in * SAMPLES :], audible[:, run_in:]
    latents = tokenizer.encode(pcm)
    noise = training.latent_noise * torch.rand(len(pcm), 1, 1, generator=generator)
    noisy = latents + noise * torch.randn(latents.shape, generator=generator)
    decoded = tokenizer.decode(noisy, carry)
    truth = pcm[:, HOP:]
    parts = {
        "spectral": losses.spectral(decoded.pcm, truth),
        "envelope": training.envelope * losses.envelope(decoded.pcm, truth),
        "onset": training.onset * losses.onset(decoded.pcm, truth),
        "overshoot": training.overshoot * losses.overshoot(decoded.pcm, truth),
        "repetition": training.repetition * losses.repetition(decoded.pcm, truth),
        "listening": training.listening * losses.heard(decoded.heard, audible),
        "moments": training.moments
        * (latents.mean((0, 1)).square().mean() + (latents.std((0, 1)) - 1).square().mean()),
    }
    return torch.stack(list(parts.values())).sum(), {name: part.item() for name, part in parts.items()}


def quieter(pcm: Tensor, audible: Tensor, training: SoundTraining, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """pcm [B, S] and what is audible in it [B, T, sources], some rows played more quietly, or not at all; in what is
    that quiet nothing is heard."""
    chance, level = torch.rand(2, len(pcm), 1, generator=generator)
    quiet = chance < training.quiet_share
    gain = torch.where(level < SILENCE, 10 ** (training.quietest_db / 20 * level), 0.0)
    return pcm * torch.where(quiet, gain, 1.0), audible & ~(quiet & (level > INAUDIBLE))[..., None]


def head_loss(head: SoundHead, latents: Tensor, given: Tensor, training: SoundTraining, step: int) -> Tensor:
    """Of latents [B, T, 64] and what is given [B, T, 44]: flow matching with clean prediction, weighed by 0.9 signal
    + 0.1. The past is noisy, and sometimes silence, as it is when a world begins."""
    generator = torch.Generator().manual_seed(step_seed(training.seed + 2, step))
    rows = len(latents)
    past = torch.cat([torch.zeros_like(latents[:, :1]), latents[:, :-1]], 1)
    noise = training.past_noise * torch.rand(rows, 1, 1, generator=generator).square()
    past = past + noise * torch.randn(past.shape, generator=generator)
    past = past * (torch.rand(rows, 1, 1, generator=generator) > training.past_dropout)
    known, _ = head.follow(given, past, None)
    signal = torch.rand(*latents.shape[:2], 1, generator=generator)
    noisy = (1 - signal) * torch.randn(latents.shape, generator=generator) + signal * latents
    error = (head.clean(noisy, signal, known) - latents).square().mean(-1, keepdim=True)
    return ((0.9 * signal + 0.1) * error).mean()


def train_step(run: Run, networks: SoundNetworks, shelf: Shelf, training: SoundTraining) -> dict[str, float]:
    """One step of both networks; returns the losses."""
    rng = np.random.default_rng([training.seed, run.step])
    shelf.grow(16 + run.step // 4)
    networks.tokenizer.encoder.requires_grad_(run.progress < training.encoder_share)
    run_in = int(rng.integers(training.run_in + 1))
    batch = shelf.batch(training.rows, run_in + training.frames, rng)
    loss, parts = tokenizer_loss(networks.tokenizer, batch, training, run.step)
    if run.progress > training.head_from:
        pcm, given, _ = shelf.batch(training.head_rows, training.head_frames, rng)
        with torch.no_grad():
            latents = networks.tokenizer.encode(pcm)
        drawn = head_loss(networks.head, latents, given, training, run.step)
        loss, parts["head"] = loss + drawn, drawn.item()
    descend(run, loss, networks.children(), CLIP_GRADIENT)
    return {"loss": loss.item(), **parts}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command("sound", __doc__, "train-sound.toml", 15.0)
    parser.add_argument("--recordings", type=Path, default=cache_dir() / "recordings")
    parser.add_argument("--warm", type=Path, help="weights to begin with, and their sizes")
    parser.add_argument("--out", type=Path, help=f"where the weights go; by default the run's folder, not {WEIGHTS}")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    section: dict[str, Any] = load_toml(options.config)["sound"]
    training = SoundTraining(**section["training"])
    torch.set_num_threads(1)
    torch.manual_seed(training.seed)
    if options.warm:
        networks = SoundNetworks.load(options.warm).train().requires_grad_(True)
    else:
        sizes = SoundTokenizerConfig(SOURCES, **section["tokenizer"]), SoundHeadConfig(**section["head"])
        networks = SoundNetworks(*sizes)
    optimizer = adam(networks.parameters(), training.rate, training.weight_decay)
    run = Run(cache_dir() / "runs" / options.run, networks, optimizer, options.minutes)
    if options.resume:
        run.resume()
    shelf = Shelf(options.recordings, training.recordings)
    with run.interruptible():
        keep_on(run, partial(train_step, run, networks, shelf, training), training.report_every_s)
    assert isinstance(run.average, SoundNetworks)
    figures = measure(run.average, held_out(options.recordings, 8))
    for name, value in figures.items():
        print(f"{name} {value:.3f}")
    path = options.out or run.folder / FILE
    print(f"wrote {path}: {run.average.save(path, {'steps': run.step, 'figures': figures})}")


if __name__ == "__main__":
    main()
