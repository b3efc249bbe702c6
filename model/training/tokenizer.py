"""Trains the frame tokenizer: python -m model.training.tokenizer --config train-nano.toml --minutes 40 [--resume].
Knows its schedule and losses; refuses to know the dynamics and the running engine."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from configs.paths import cache_dir, load_toml
from model.planes import to_rgb, unfold
from model.tokenizer.frame import FrameTokenizer, FrameTokenizerConfig
from model.tokenizer.int8 import activation_ranges
from model.training import losses
from model.training.loop import Pace, command, descend, report, take_up
from model.training.optimizers import adam
from model.training.pictures import Pictures
from model.training.prefetch import Prefetch
from model.training.run import Run, step_seed

CLIP_GRADIENT = 1.0


@dataclass(frozen=True)
class TokenizerTraining:
    """How to train: pictures a step, rates, and the weights of what keeps latents good to live on."""

    seed: int = 1
    crops: int = 8
    crop_height: int = 96
    crop_width: int = 128
    wholes: int = 3
    whole_every: int = 4
    rate: float = 1e-3
    weight_decay: float = 0.01
    noise: float = 0.12
    moments: float = 0.1
    idempotence: float = 0.05
    idempotence_every: int = 3
    report_every_s: float = 20.0
    evaluate_every_s: float = 240.0
    evaluation_frames: int = 24

    def __post_init__(self) -> None:
        if self.crop_height % 8 or self.crop_width % 8:
            raise ValueError(f"crops must be whole latents (multiples of 8), got {self.crop_height}x{self.crop_width}")


def objective(
    tokenizer: FrameTokenizer, truth: Tensor, step: int, training: TokenizerTraining
) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of one batch of planes, and its parts. Everything random in it is a function of seed and step. Where the
    encoder is frozen only the picture counts."""
    generator = torch.Generator().manual_seed(step_seed(training.seed + 1, step))
    learning = any(p.requires_grad for p in tokenizer.encoder.parameters())
    with torch.set_grad_enabled(learning):
        latents = tokenizer.encode(truth)
    sigma = torch.rand(len(truth), 1, 1, 1, generator=generator) * training.noise
    sigma[::2] = 0  # half of the batch is decoded as it was encoded
    decoded = tokenizer.decode(latents + sigma * torch.randn(latents.shape, generator=generator))
    loss, parts = losses.picture(decoded, truth)
    if not learning:
        return loss, parts
    mean, spread = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    moments = mean.square().mean() + (spread - 1).square().mean()
    loss = loss + training.moments * moments
    parts["moments"] = moments.detach()
    if step % training.idempotence_every == 0:
        few = max(1, len(truth) // 4)
        again = (tokenizer.encode(decoded[:few]) - latents[:few].detach()).square().mean()
        loss = loss + training.idempotence * again
        parts["idempotence"] = again.detach()
    return loss, parts


def make_optimizer(model: nn.Module, training: TokenizerTraining) -> torch.optim.Optimizer:
    learning = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in learning if p.ndim > 1]
    biases = [p for p in learning if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": training.weight_decay}, {"params": biases, "weight_decay": 0.0}]
    return adam(groups, training.rate, training.weight_decay)


def train_step(run: Run, tokenizer: FrameTokenizer, truth: Tensor, training: TokenizerTraining) -> dict[str, float]:
    """One optimizer step at the run's present rate. Returns the loss and its parts."""
    loss, parts = objective(tokenizer, truth.to(memory_format=torch.channels_last), run.step, training)
    norm = descend(run, loss, [tokenizer], CLIP_GRADIENT)
    return {"loss": loss.item(), "gradient_norm": norm.item(), **{name: part.item() for name, part in parts.items()}}


@torch.inference_mode()
def evaluate(
    tokenizer: FrameTokenizer, truth: Tensor, falling: Tensor, picture: Path | None = None
) -> dict[str, float]:
    """Mean PSNR in dB over frames [B, 7, h, w] of luma (dry, and `falling` [B] with rain or snow), chroma and depth
    code; draws four frames, truth above reconstruction, with depth below each, where `picture` says."""
    decoded = torch.cat([tokenizer.decode(tokenizer.encode(part)) for part in truth.split(4)])
    clamped = decoded.clamp(-1, 1)
    luma = torch.stack([losses.psnr(a, b) for a, b in zip(unfold(clamped[:, :4]), unfold(truth[:, :4]), strict=True)])
    chroma = torch.stack([losses.psnr(a, b) for a, b in zip(clamped[:, 4:6], truth[:, 4:6], strict=True)])
    depth = torch.stack([losses.psnr(a, b) for a, b in zip(clamped[:, 6], truth[:, 6], strict=True)])
    if picture is not None:
        spread = torch.arange(4) * len(truth) // 4
        draw(truth[spread], decoded[spread], picture)
    return {
        "luma_db": luma.mean().item(),
        "luma_dry_db": luma[~falling].mean().item(),
        "luma_falling_db": luma[falling].mean().item(),
        "luma_worst_db": luma.min().item(),
        "chroma_db": chroma.mean().item(),
        "depth_db": depth.mean().item(),
    }


def draw(truth: Tensor, decoded: Tensor, path: Path) -> None:
    """Columns of frames; rows: truth, its depth, reconstruction, its depth."""
    rows = []
    for planes in (truth, decoded):
        rows.append(torch.cat(list(to_rgb(planes)), 1))
        grey = ((planes[:, 6].clamp(-1, 1) + 1) * 127.5).to(torch.uint8)
        grey = grey.repeat_interleave(2, 1).repeat_interleave(2, 2)
        rows.append(torch.cat(list(grey[..., None].expand(-1, -1, -1, 3)), 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(torch.cat(rows).contiguous().numpy()).save(path)


def train(run: Run, tokenizer: FrameTokenizer, pictures: Pictures, training: TokenizerTraining) -> None:
    """Steps until the budget is spent or a signal comes, reporting on standard output."""

    def make(step: int) -> Tensor:
        if step % training.whole_every == training.whole_every - 1:
            return pictures.batch(step, training.wholes, 144, 256)
        return pictures.batch(step, training.crops, training.crop_height, training.crop_width)

    frames, falling = pictures.evaluation(training.evaluation_frames)
    held_out = (frames.to(memory_format=torch.channels_last), falling)
    batches = Prefetch(make, run.step)
    pace, evaluated_s = Pace(training.report_every_s), time.monotonic()
    try:
        while not run.over:
            truth = next(batches)
            figures = train_step(run, tokenizer, truth, training)
            frames_per_s = pace.add(truth[:, 0].numel() / (144 * 256))
            if frames_per_s is not None:
                report(run, f"{frames_per_s:.1f} frames/s, {len(pictures.training)} clips,", figures)
            if time.monotonic() - evaluated_s >= training.evaluate_every_s:
                show(run, evaluate(_average(run), *held_out, run.folder / f"sample-{run.step:06d}.png"))
                evaluated_s = time.monotonic()
    finally:
        batches.close()
    show(run, evaluate(_average(run), *held_out, run.folder / f"sample-{run.step:06d}.png"))


def _average(run: Run) -> FrameTokenizer:
    assert isinstance(run.average, FrameTokenizer)
    return run.average


def show(run: Run, figures: dict[str, float]) -> None:
    print(f"held out at step {run.step}: " + " ".join(f"{k} {v:.2f}" for k, v in figures.items()), flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command("tokenizer", __doc__, "train-nano.toml", 40.0)
    parser.add_argument("--clips", type=Path, default=cache_dir() / "clips-nano")
    parser.add_argument(
        "--decoder-of",
        type=Path,
        metavar="FILE",
        help="go on with the decoder alone: the latents of FILE stay as they are",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    section: dict[str, Any] = load_toml(options.config)["tokenizer"]
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    training = TokenizerTraining(**section["training"])
    torch.manual_seed(training.seed)
    if options.decoder_of is None:
        tokenizer = FrameTokenizer(FrameTokenizerConfig(**section["model"]))
    else:
        tokenizer = FrameTokenizer.load(options.decoder_of)
        tokenizer.decoder.requires_grad_(True)
    run = Run(cache_dir() / "runs" / options.run, tokenizer, make_optimizer(tokenizer, training), options.minutes)
    pictures = Pictures(options.clips, training.seed)
    with run.interruptible():
        if options.resume:
            take_up(run)
        train(run, tokenizer, pictures, training)
    average = _average(run)
    frames = pictures.batch(run.step, training.evaluation_frames, 144, 256)
    average.save(run.folder / "ema.safetensors", step=run.step, ranges=activation_ranges(average, frames))
    print(f"wrote {run.folder / 'ema.safetensors'}", flush=True)


if __name__ == "__main__":
    main()
