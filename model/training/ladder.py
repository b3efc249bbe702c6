"""Trains the upper rungs: python -m model.training.ladder --config train-nano.toml --minutes 60 [--resume].
Knows its schedule and losses; refuses to know how pairs are drawn, and the running engine."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from configs.paths import cache_dir, load_toml
from model.ladder import network
from model.ladder.measuring import against_bicubic, held_out
from model.ladder.network import SCALES, SPAN, Ladder, LadderConfig, Planes
from model.training.loop import Pace, command, descend, report, take_up
from model.training.optimizers import adam
from model.training.pairs import FINEST, KINDS
from model.training.pictures import NoClips
from model.training.prefetch import Prefetch
from model.training.run import Run, step_seed
from model.worlds import clips

CLIP_GRADIENT = 1.0
Batch = tuple[Planes, Planes]  # what is given, as bytes; the truth, four times as high and wide


@dataclass(frozen=True)
class LadderTraining:
    """How to train: crops a step in cells of chroma, of which the outermost do not count; shares of KINDS."""

    seed: int = 1
    crops: int = 8
    crop: int = 36
    rim: int = 4
    kinds: tuple[float, ...] = (0.55, 0.1, 0.35)
    rate: float = 1e-3
    weight_decay: float = 0.0
    chroma: float = 0.5
    gradient: float = 0.5
    report_every_s: float = 20.0
    evaluate_every_s: float = 240.0
    evaluation_pairs: int = 12

    def __post_init__(self) -> None:
        object.__setattr__(self, "kinds", tuple(self.kinds))
        if len(self.kinds) != len(KINDS) or not 0 < 2 * self.rim < self.crop:
            raise ValueError(f"expected {len(KINDS)} shares and a rim within the crop, got {self}")


class Pairs:
    """Batches of crops by step number. The folder may grow meanwhile; each batch sees what is there."""

    def __init__(self, folder: Path, training: LadderTraining):
        self.folder, self._training = folder, training

    def batch(self, step: int) -> Batch:
        """The crops of a step. Raises NoClips."""
        generator = torch.Generator().manual_seed(step_seed(self._training.seed, step))
        paths = [path for path in sorted(self.folder.glob("[0-9]*.safetensors")) if not held_out(path)]
        if not paths:
            raise NoClips(f"expected pairs in {self.folder} beside held-out ones, found none")
        crops = [self._one(paths, generator) for _ in range(self._training.crops)]
        given, truth = (
            tuple(torch.stack(parts) for parts in zip(*side, strict=True)) for side in zip(*crops, strict=True)
        )
        return given, truth  # type: ignore[return-value]

    def _one(self, paths: list[Path], generator: torch.Generator) -> tuple[list[Tensor], list[Tensor]]:
        """The more detailed of two crops, half of them mirrored."""

        def draw(n: int) -> int:
            return int(torch.randint(n, (), generator=generator))

        pair, size = clips.read(paths[draw(len(paths))]), self._training.crop
        still = draw(len(pair["y"]))
        kind = int(torch.multinomial(torch.tensor(self._training.kinds), 1, generator=generator))
        rows, columns = pair["u"].shape[-2:]
        corners = [(draw(rows - size + 1), draw(columns - size + 1)) for _ in range(2)]

        def cut(plane: Tensor, corner: tuple[int, int], scale: int) -> Tensor:
            top, left = (scale * at for at in corner)
            return plane[top : top + scale * size, left : left + scale * size]

        best = max(corners, key=lambda corner: float(cut(pair["y"][still, kind], corner, 2).float().std()))
        given = [cut(pair[name][still, kind], best, 2 if name == "y" else 1) for name in "yuv"]
        truth = [cut(pair[f"fine_{name}"][still], best, FINEST * (2 if name == "y" else 1)) for name in "yuv"]
        if draw(2):
            given, truth = ([part.flip(-1) for part in side] for side in (given, truth))
        return given, truth


def objective(ladder: Ladder, batch: Batch, training: LadderTraining) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of a batch, and its parts: the root mean squares of each crop's differences and of their gradients. Roots,
    so that what is flat and nearly right counts beside what is rough, as it does in decibels."""
    given, fine = batch
    total = torch.zeros(())
    parts: dict[str, Tensor] = {}
    for scale, lacks in zip(SCALES, ladder(network.read(*given)), strict=True):
        drawn = network.added(given, lacks, scale)
        shrink = FINEST // scale
        truth = [F.avg_pool2d(part[:, None].float(), shrink) if shrink > 1 else part[:, None].float() for part in fine]
        rims = (2 * scale * training.rim, scale * training.rim, scale * training.rim)
        y, u, v = (
            ((part[:, None] - wanted) / SPAN)[..., rim:-rim, rim:-rim]
            for part, wanted, rim in zip(drawn, truth, rims, strict=True)
        )
        luma, chroma = rms(y), rms(torch.cat([u, v], 1))
        gradient = rms(y.diff(dim=-1)) + rms(y.diff(dim=-2))
        total = total + luma + training.chroma * chroma + training.gradient * gradient
        parts |= {f"luma{scale}": luma.detach(), f"gradient{scale}": gradient.detach()}
    return total, parts


def rms(difference: Tensor) -> Tensor:
    """Mean over the crops of the root mean square of [B, C, H, W]; below a third of a byte nothing is gained."""
    return (difference.square().mean((1, 2, 3)) + (1 / 3 / SPAN) ** 2).sqrt().mean()


def train_step(run: Run, ladder: Ladder, batch: Batch, training: LadderTraining) -> dict[str, float]:
    """One optimizer step at the run's present rate. Returns the loss and its parts."""
    loss, parts = objective(ladder, batch, training)
    norm = descend(run, loss, [ladder], CLIP_GRADIENT)
    return {"loss": loss.item(), "gradient_norm": norm.item(), **{name: part.item() for name, part in parts.items()}}


def train(run: Run, ladder: Ladder, pairs: Pairs, training: LadderTraining) -> None:
    """Steps until the budget is spent or a signal comes, reporting on standard output."""
    batches = Prefetch(pairs.batch, run.step)
    pace, evaluated_s = Pace(training.report_every_s), time.monotonic()
    try:
        while not run.over:
            figures = train_step(run, ladder, next(batches), training)
            steps_per_s = pace.add(1)
            if steps_per_s is not None:
                report(run, f"{steps_per_s:.2f} steps/s,", figures)
            if time.monotonic() - evaluated_s >= training.evaluate_every_s:
                show(run, pairs.folder, training.evaluation_pairs)
                evaluated_s = time.monotonic()
    finally:
        batches.close()


def show(run: Run, folder: Path, count: int) -> None:
    assert isinstance(run.average, Ladder)
    figures = against_bicubic(run.average, folder, count)
    print(f"held out at step {run.step}: " + " ".join(f"{k} {v:.3f}" for k, v in figures.items()), flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command("ladder", __doc__, "train-nano.toml", 60.0)
    parser.add_argument("--pairs", type=Path, default=cache_dir() / "pairs-nano")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    section = load_toml(options.config)["ladder"]
    torch.set_num_threads(options.threads)
    training = LadderTraining(**section["training"])
    torch.manual_seed(training.seed)
    ladder = Ladder(LadderConfig(**section["model"]))
    optimizer = adam(list(ladder.parameters()), training.rate, training.weight_decay)
    run = Run(cache_dir() / "runs" / options.run, ladder, optimizer, options.minutes)
    pairs = Pairs(options.pairs, training)
    with run.interruptible():
        if options.resume:
            take_up(run)
        train(run, ladder, pairs, training)
    average = run.average
    assert isinstance(average, Ladder)
    given = [network.read(*pairs.batch(step)[0]) for step in range(run.step, run.step + 16)]
    average.save(run.folder / "ema.safetensors", step=run.step, tops=network.activation_tops(average, given))
    print(f"wrote {run.folder / 'ema.safetensors'}", flush=True)
    show(run, options.pairs, training.evaluation_pairs)


if __name__ == "__main__":
    main()
