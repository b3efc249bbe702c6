"""Trains the Omni: python -m model.training.dynamics --config train-nano.toml --minutes 90 [--resume].
Knows its schedule and losses; nothing of the running engine."""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from configs.paths import WEIGHTS, cache_dir, load_toml
from model import checkpoint
from model.conditioning.text import TextEncoder
from model.geometry import reproject
from model.omni import Given, Omni, OmniConfig, Seen, patch, unpatch
from model.tokenizer.frame import FrameTokenizer
from model.tokenizer.int8 import Int8Tokenizer
from model.training import objective
from model.training.batches import Frames, Mixture, draw_row, labels
from model.training.latents import Latents
from model.training.optimizers import muon_and_adam
from model.training.run import Run, step_seed, warmup_stable_decay
from model.training.sentences import Sentences
from model.training.skies import sky_loss
from model.view import known_view

KIND = "omni"


@dataclass(frozen=True)
class DynamicsTraining:
    """Rates and shares of the run; what a step sees is in Mixture."""

    seed: int = 1
    rate: float = 1e-3
    matrix_rate: float = 2e-3
    weight_decay: float = 0.05
    shortcut: float = 0.25  # steps that train larger sampling steps
    source_noise: float = 0.12
    report_every_s: float = 30.0
    evaluate_every_s: float = 600.0
    sentences: int = 6


@dataclass
class Batch:
    """Everything of a step but the noise. B rows, T frames."""

    clean: Tensor  # [B, T, 144, 64]
    view: Tensor  # [B, T, 144, 72]
    told: dict[str, Tensor]  # labels, [B, T, ...]
    isolated: Tensor  # [B]
    rows: list[Frames]


class Trainer:
    """Makes batches and losses out of clips. `forward` is the Omni, compiled or not."""

    def __init__(
        self,
        omni: Omni,
        tokenizer: FrameTokenizer | Int8Tokenizer,
        sentences: Sentences,
        latents: Latents,
        mixture: Mixture,
        training: DynamicsTraining,
    ):
        self.omni, self.tokenizer, self.sentences, self.latents = omni, tokenizer, sentences, latents
        self.mixture, self.training = mixture, training
        self.forward: Callable[..., Seen] = omni

    @torch.no_grad()
    def views(
        self, row: Frames, told: dict[str, Tensor], worn: float, rng: np.random.Generator, generator: torch.Generator
    ) -> Tensor:
        """The known view of each frame of a row, [T, 144, 72]: its source, made by the model itself with probability
        `worn`, decoded, reprojected, encoded."""
        sources: dict[tuple[int, int, int], int] = {}
        latents: list[Tensor] = []
        which: list[int] = []
        for clip, sky, f in zip(row.clips, row.source_sky, row.source_frame, strict=True):
            key = (clip.seed, sky, f)
            if key not in sources:
                sources[key] = len(latents)
                own = rng.uniform() < worn and bool(clip.has_worn[sky, f])
                z = (clip.worn if own else clip.latents)[sky, f].float()
                noise = self.training.source_noise * float(rng.uniform()) * (rng.uniform() < 0.5)
                latents.append(z + noise * torch.randn(z.shape, generator=generator))
            which.append(sources[key])
        stack = torch.stack(latents).contiguous(memory_format=torch.channels_last)
        decoded = self.tokenizer.decode(stack).clamp(-1, 1)[torch.tensor(which)].contiguous()
        planes, mask = reproject(decoded, told["source_pose"], told["pose"])
        for t, blind in enumerate(row.blind):
            if blind:
                mask[t] = 0
            elif rng.uniform() < self.mixture.band:
                wide = int(rng.integers(16, 128))
                left = 0 if rng.uniform() < 0.5 else 256 - wide
                mask[t, :, :, left : left + wide] = 0
        lag = torch.tensor([float(abs(f - g)) for f, g in zip(row.frame, row.source_frame, strict=True)])
        age = lag[:, None, None, None].expand(-1, 1, 144, 256)
        return known_view(self.tokenizer, planes * mask, mask, age)

    def batch(self, step: int) -> Batch:
        """The batch of a step: a function of the seed, the step, and what clips there are."""
        visit = step % self.mixture.visits
        rows_rng = np.random.default_rng(step_seed(self.training.seed, step - visit))
        rng = np.random.default_rng(step_seed(self.training.seed + 3, step))
        generator = torch.Generator().manual_seed(step_seed(self.training.seed + 1, step))
        rows = [draw_row(self.latents.clips, self.mixture, rows_rng) for _ in range(self.mixture.rows)]
        worn = self.mixture.worn_again if visit else self.mixture.worn
        told = [labels(row, self.sentences, self.mixture, rng) for row in rows]
        view = torch.stack([self.views(row, t, worn, rng, generator) for row, t in zip(rows, told, strict=True)])
        clean = torch.stack(
            [
                torch.stack([c.latents[s, f].float() for c, s, f in zip(r.clips, r.sky, r.frame, strict=True)])
                for r in rows
            ]
        )
        together = {k: torch.stack([t[k] for t in told]) for k in told[0]}
        return Batch(patch(clean), view, together, torch.tensor([r.isolated for r in rows]), rows)

    def given(self, batch: Batch, signal: Tensor, size: Tensor) -> Given:
        """What the network is given of a batch."""
        which, place = batch.told["sentence"].unique(return_inverse=True)
        features, mask = self.sentences.take(which.tolist())
        instruction = self.omni.resample(features, mask)[place]
        silence = torch.zeros(*signal.shape, 2, 16)
        return Given(
            instruction,
            batch.told["age_s"],
            silence,
            batch.told["control"],
            batch.told["state"],
            batch.view,
            signal,
            size,
        )

    def loss(self, batch: Batch, step: int) -> tuple[Tensor, dict[str, float], Tensor, Tensor]:
        """The step's loss and its parts; also the clean latents that the model made, and the levels it made them at."""
        generator = torch.Generator().manual_seed(step_seed(self.training.seed + 2, step))
        shortcut = bool(torch.rand((), generator=generator) < self.training.shortcut)
        signal, size = objective.draw_levels(batch.isolated, batch.clean.shape[1], shortcut, generator)
        noisy = objective.mix(batch.clean, torch.randn(batch.clean.shape, generator=generator), signal)
        mask = objective.row_mask(batch.isolated, batch.clean.shape[1], self.omni.config.window)
        given = self.given(batch, signal, size)
        target = objective.shortcut_target(self.forward, noisy, given, mask) if shortcut else batch.clean
        seen = self.forward(noisy, given, mask)
        told = batch.told
        velocity, contact = self.omni.move(seen.hidden, told["next_control"], told["turned_velocity"], told["ground"])
        named = self.named(batch)
        picture = objective.picture_loss(seen, target, signal)
        sky = sky_loss(self.omni, self.sentences, 48, generator)
        known = told["next_known"]
        motion = (F.smooth_l1_loss(velocity, told["next_velocity"], reduction="none", beta=0.5).mean(-1) * known).mean()
        ground = (F.binary_cross_entropy_with_logits(contact, told["next_ground"], reduction="none") * known).mean()
        total = picture + 0.3 * sky + 0.2 * motion + 0.05 * ground + 0.02 * named
        parts = {
            "picture": picture.item(),
            "sky": sky.item(),
            "motion": motion.item(),
            "ground": ground.item(),
            "named": named.item(),
        }
        return total, parts | {"shortcut": float(shortcut)}, seen.clean.detach().float(), signal

    def named(self, batch: Batch) -> Tensor:
        """Cross-entropy of what the sentences say by name, over sentences drawn evenly from all there are."""
        generator = torch.Generator().manual_seed(int(batch.told["sentence"].sum()))
        which = torch.randint(len(self.sentences.texts), (32,), generator=generator).tolist()
        features, mask = self.sentences.take(which)
        said = torch.tensor([self.sentences.said(i) for i in which])
        logits = self.omni.name(self.omni.resample(features, mask))
        return torch.stack([F.cross_entropy(part.float(), said[:, i]) for i, part in enumerate(logits)]).sum()

    def keep_worn(self, batch: Batch, made: Tensor, signal: Tensor) -> None:
        """What the model made of frames with much noise becomes a source for later steps (self-resampling for free)."""
        latents = unpatch(made).clamp(-3, 3).bfloat16()
        for b, row in enumerate(batch.rows):
            for t, (clip, sky, f) in enumerate(zip(row.clips, row.sky, row.frame, strict=True)):
                if signal[b, t] <= 0.5 and not row.blind[t]:
                    clip.worn[sky, f] = latents[b, t]
                    clip.has_worn[sky, f] = True


def train_step(run: Run, trainer: Trainer, batch: Batch) -> dict[str, float]:
    """One optimizer step."""
    run.set_rate(warmup_stable_decay(run.step, run.progress))
    loss, parts, made, signal = trainer.loss(batch, run.step)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(trainer.omni.parameters(), 1.0)
    if torch.isfinite(norm):
        run.optimizer.step()
        trainer.keep_worn(batch, made, signal)
    run.advance()
    return parts | {"gradient_norm": norm.item()}


def train(run: Run, trainer: Trainer) -> None:
    """Steps until the budget is spent or a signal comes."""
    training, frames, reported_s = trainer.training, 0, time.monotonic()
    sums: dict[str, list[float]] = {}
    rescanned_s = reported_s
    while not run.over:
        figures = train_step(run, trainer, trainer.batch(run.step))
        for name, value in figures.items():
            sums.setdefault(name, []).append(value)
        frames += trainer.mixture.rows * trainer.mixture.frames
        now_s = time.monotonic()
        if now_s - reported_s >= training.report_every_s:
            speed, clips = frames / (now_s - reported_s), len(trainer.latents.clips)
            head = f"step {run.step} spent {run.spent_s / 60:.1f} min, {speed:.1f} frames/s, {clips} clips"
            print(head, *(f"{k} {sum(v) / len(v):.4f}" for k, v in sums.items()), flush=True)
            reported_s, frames, sums = now_s, 0, {}
        if now_s - rescanned_s > 60:
            trainer.latents.rescan(16)
            rescanned_s = now_s


def save(omni: Omni, path: Path, **facts: object) -> str:
    """The weights in bf16, as the engine serves them. Returns the file's sha256."""
    tensors = {k: v.bfloat16() for k, v in omni.state_dict().items()}
    return checkpoint.save(path, tensors, omni.config, KIND, facts)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mundo train dynamics", description=__doc__)
    parser.add_argument("--config", default="train-nano.toml")
    parser.add_argument("--minutes", type=float, default=90.0, help="budget of the whole run, resumed or not")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--clips", type=Path, default=cache_dir() / "clips-nano")
    parser.add_argument("--tokenizer", type=Path, default=WEIGHTS / "tokenizer.safetensors")
    parser.add_argument("--warm", type=Path, help="weights to begin with")
    parser.add_argument("--run", default="dynamics", help="name of the run's folder")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, load, train, save."""
    options = parse(arguments)
    section: dict[str, Any] = load_toml(options.config)["dynamics"]
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    training = DynamicsTraining(**section["training"])
    torch.manual_seed(training.seed)
    tokenizer = FrameTokenizer.load(options.tokenizer)
    kept = cache_dir() / f"latents-{checkpoint.sha256(options.tokenizer)[:12]}"
    latents = Latents(options.clips, kept, tokenizer)
    latents.rescan(64)
    if not latents.clips:
        raise SystemExit(f"expected clips in {options.clips}, found none: run python -m model.worlds.cache first")
    sentences = Sentences(TextEncoder.load(), training.sentences, training.seed)
    omni = Omni(OmniConfig(**section["model"]))
    if options.warm:
        _, tensors = checkpoint.load(options.warm, KIND)
        checkpoint.load_into(omni, tensors, KIND)
    optimizer = muon_and_adam(omni, training.rate, training.matrix_rate, training.weight_decay)
    run = Run(cache_dir() / "runs" / options.run, omni, optimizer, options.minutes)
    if options.resume:
        print("resumed" if run.resume() else "nothing to resume; started", f"at step {run.step}", flush=True)
    eyes = Int8Tokenizer.load(options.tokenizer)  # as served, and several times faster than floats
    trainer = Trainer(omni, eyes, sentences, latents, Mixture(**section["mixture"]), training)
    if shutil.which("g++"):  # half of an uncompiled step is element-wise
        trainer.forward = torch.compile(omni, dynamic=False)
    with run.interruptible():
        train(run, trainer)
    assert isinstance(run.average, Omni)
    save(run.average, run.folder / "ema.safetensors", step=run.step)
    print(f"wrote {run.folder / 'ema.safetensors'}", flush=True)


if __name__ == "__main__":
    main()
