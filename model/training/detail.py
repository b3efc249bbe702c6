"""Trains what gives invented pictures their detail: mundo train detail --minutes 20 [--resume]. A critic sees pictures
that the simulator drew, and the inventor's with detail (Goodfellow et al. 2014; gradients held down on true pictures,
Mescheder et al. 2018). Knows its losses and pictures; nothing of the running engine."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from configs.paths import WEIGHTS, cache_dir, load_toml
from model.conditioning.state import falls
from model.detail import Detail, DetailConfig, load, save, with_detail
from model.native import has_fast_bf16
from model.omni import Omni, unpatch
from model.planes import to_rgb, unfold
from model.tokenizer.frame import FrameTokenizer
from model.training import objective
from model.training.batches import Mixture
from model.training.dynamics import DynamicsTraining, Trainer
from model.training.latents import Clips, kept_in
from model.training.loop import command, descend, keep_on, take_up
from model.training.pictures import cut
from model.training.run import Run, step_seed
from model.training.sentences import Sentences
from model.worlds.clips import list_clips, read

COLOURS = 6  # planes
CLIP_GRADIENT = 5.0
STEPS = 16  # in which a picture is invented
SKETCHES = (0.0, 0.6, 1.0)  # of signal: from nothing, out of a sketch as where somebody walks, and only decoded
SKETCH_SHARES = (0.55, 0.3, 0.15)
LOUD = 8.0  # times the detail beside the picture, that a critic hears it
AVERAGED = 8  # luma pixels over which the picture stays what it was
SHOWN = 4  # pictures
SENTENCES = 12  # of each meaning


@dataclass(frozen=True)
class DetailTraining:
    """Rates and shares of the run; `pool`: pictures that are drawn for it, of either kind; `crop` in chroma's cells."""

    seed: int = 1
    rate: float = 2e-4
    critic_rate: float = 4e-4
    pictures: int = 16
    crop: tuple[int, int] = (96, 128)
    pool: int = 4000
    drawn_at_once: int = 64
    adversary: float = 1.0
    stay: float = 20.0
    gradient: float = 2.0
    gradient_every: int = 8
    report_every_s: float = 15.0


class Critic(nn.Module):
    """Whether each patch of a picture was drawn by the simulator, at two scales. Reads luma on its full grid, both
    colours, and luma's detail, louder."""

    def __init__(self, width: int = 64):
        super().__init__()
        self.scales = nn.ModuleList(_patches(width) for _ in range(2))

    def forward(self, colours: Tensor) -> list[Tensor]:
        """Planes of colours [B, 6, h, w] -> logits of patches, a tensor a scale."""
        luma = unfold(colours[:, :4])[:, None]
        chroma = F.interpolate(colours[:, 4:6], scale_factor=2.0, mode="nearest")
        soft = F.avg_pool2d(F.pad(luma, (2,) * 4, mode="reflect"), 5, 1)
        x = torch.cat([luma, chroma, LOUD * (luma - soft)], 1)
        return [self.scales[0](x), self.scales[1](F.avg_pool2d(x, 2))]


def _patches(width: int) -> nn.Module:
    sizes = [4, width, 2 * width, 4 * width, 4 * width]
    layers: list[nn.Module] = []
    for at, (inputs, outputs) in enumerate(pairwise(sizes)):
        layers += [nn.Conv2d(inputs, outputs, 4, 2 if at < 3 else 1, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(sizes[-1], 1, 3, padding=1))


class Both(nn.Module):
    """The network that is wanted and the one that judges it, in one run."""

    def __init__(self, detail: Detail, critic: Critic):
        super().__init__()
        self.detail, self.critic = detail, critic


class Pool:
    """Pictures to train on: `soft` [N, 7, 144, 256] by the inventor, `true` [M, 6, 144, 256] by the simulator; bf16 on
    one device."""

    def __init__(self, soft: Tensor, true: Tensor):
        if not len(soft) or not len(true):
            raise ValueError(f"expected pictures of both kinds, got {len(soft)} and {len(true)}")
        self.soft, self.true = soft, true

    def crops(self, of: Tensor, count: int, size: tuple[int, int], rng: np.random.Generator) -> Tensor:
        """The same piece of so many pictures [count, C, *size] float32, now and then mirrored."""
        which = torch.from_numpy(rng.integers(len(of), size=count)).to(of.device)
        top, left = (int(rng.integers(0, whole - part + 1)) for whole, part in zip(of.shape[2:], size, strict=True))
        parts = of[:, :, top : top + size[0], left : left + size[1]][which].float()
        if rng.uniform() < 0.5:  # as pictures.mirror
            parts = parts.flip(-1)[:, [1, 0, 3, 2, *range(4, of.shape[1])]]
        return parts.contiguous(memory_format=torch.channels_last)


def true_pictures(paths: list[Path], most: int, device: torch.device) -> Tensor:
    """Dry pictures of clips, colours [N, 6, 144, 256] bf16."""
    parts: list[Tensor] = []
    for path in paths:
        raw = read(path, ("y", "u", "v", "depth", "sky"))
        for sky in range(raw["y"].shape[0]):
            dry = ~falls(raw["sky"][sky, 1:])
            for frame in dry.nonzero()[:, 0].tolist()[::2]:
                parts.append(cut(raw, sky, frame, slice(None), slice(None))[:COLOURS].bfloat16().to(device))
        if len(parts) >= most:
            break
    if not parts:
        raise SystemExit("expected clips with dry skies: run python -m model.worlds.cache --pictures first")
    return torch.stack(parts)


@torch.no_grad()
def soft_pictures(trainer: Trainer, most: int, decode_at_once: int) -> Tensor:
    """Pictures as the inventor draws them, of clips' descriptions, planes [N, 7, 144, 256] bf16; in dry weather."""
    parts: list[Tensor] = []
    step = 0
    while sum(len(part) for part in parts) < most and step < 100 * most:
        batch = trainer.batch(step)
        generator = torch.Generator().manual_seed(step_seed(trainer.training.seed + 9, step))
        shape = batch.clean.shape[:2]
        which = torch.multinomial(torch.tensor(SKETCH_SHARES), shape.numel(), True, generator=generator).view(shape)
        signal = torch.tensor(SKETCHES)[which].to(batch.clean.device)
        noise = torch.randn(batch.clean.shape, generator=generator).to(batch.clean)
        noisy, size = objective.mix(batch.clean, noise, signal), torch.full_like(signal, 1 / objective.FINEST)
        mask = objective.row_mask(batch.rows.isolated, shape[1], trainer.omni.config.window)
        given = trainer.given(batch, signal, size)
        for at in range(STEPS):
            tau = torch.full_like(signal, at / STEPS)
            with trainer.precision(trainer.bf16):
                clean = trainer.forward(noisy, given._replace(signal=tau), mask).clean.float()
            moved = noisy + (clean - noisy) / (STEPS - at)
            noisy = torch.where((tau >= signal - 1e-6)[..., None, None], moved, noisy)
        wet = falls(trainer.clips["sky"][batch.rows.clip, batch.rows.sky, batch.rows.frame + 1])
        latents = unpatch(noisy)[~wet].clamp(-3, 3)
        for some in latents.split(decode_at_once):
            some = some.contiguous(memory_format=torch.channels_last)
            parts.append(trainer.eyes.decode(some).float().clamp(-1, 1).bfloat16())
        step += 1
    return torch.cat(parts)[:most]


def stay(lacking: Tensor) -> Tensor:
    """How much detail [B, 4, h, w] changes what a picture shows as a whole: its mean over AVERAGED pixels of luma."""
    return F.avg_pool2d(lacking, AVERAGED // 2).abs().mean()


class Lesson:
    """What both networks learn from, a step at a time."""

    def __init__(self, both: Both, pool: Pool, training: DetailTraining, bf16: bool):
        self.both, self.pool, self.training, self.bf16 = both, pool, training, bf16
        self.device = pool.soft.device

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Of a step's pictures: softplus of what the critic says of both kinds, now and then its slope on true ones;
        what it still tells of those with detail; how far these have moved as a whole. Each network learns from its part
        only."""
        training, critic = self.training, self.both.critic
        rng = np.random.default_rng(step_seed(training.seed, step))
        soft = self.pool.crops(self.pool.soft, training.pictures, training.crop, rng)
        true = self.pool.crops(self.pool.true, training.pictures, training.crop, rng)
        held = step % training.gradient_every == 0
        true.requires_grad_(held)
        with self.precision():
            lacking = self.both.detail(soft).float()
        made = with_detail(soft, lacking)[:, :COLOURS]
        with self.precision(not held):
            on_true, on_made = critic(true), critic(made.detach())
        judging = torch.stack(
            [
                F.softplus(-t.float()).mean() + F.softplus(m.float()).mean()
                for t, m in zip(on_true, on_made, strict=True)
            ]
        ).sum()
        steep = judging.new_zeros(())
        if held:
            (slope,) = torch.autograd.grad(torch.stack([t.sum() for t in on_true]).sum(), true, create_graph=True)
            steep = slope.square().sum((1, 2, 3)).mean() / (training.crop[0] * training.crop[1])
        critic.requires_grad_(False)
        with self.precision():
            logits = critic(made)
        critic.requires_grad_(True)
        fooled = torch.stack([F.softplus(-logit.float()).mean() for logit in logits]).sum()
        moved = stay(lacking)
        total = judging + 0.5 * training.gradient * training.gradient_every * steep
        total = total + training.adversary * fooled + training.stay * moved
        told = {"judging": judging, "fooled": fooled, "moved": moved, "apart": told_apart(on_true, on_made)}
        return total, {name: value.detach() for name, value in told.items()}

    def precision(self, wanted: bool = True) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=wanted and self.bf16)


def told_apart(on_true: list[Tensor], on_made: list[Tensor]) -> Tensor:
    """The share of patches that the critic tells rightly, the mean of both kinds and of all scales."""
    shares = [((t > 0).float().mean() + (m < 0).float().mean()) / 2 for t, m in zip(on_true, on_made, strict=True)]
    return torch.stack(shares).mean()


def octaves(luma: Tensor) -> Tensor:
    """Energy of the two finest octaves of luma [B, 1, H, W], [2]."""
    out = []
    for _ in range(2):
        coarse = F.avg_pool2d(luma, 2)
        out.append((luma - F.interpolate(coarse, scale_factor=2.0, mode="bilinear")).square().mean())
        luma = coarse
    return torch.stack(out)


@torch.no_grad()
def measured(detail: Detail, pool: Pool, count: int = 64) -> dict[str, float]:
    """How far luma's two finest octaves lie below those of true pictures, in dB, without detail and with it."""
    soft, true = pool.soft[:count].float(), pool.true[:: max(1, len(pool.true) // count)][:count].float()
    added = torch.cat([detail.add(part.clone()) for part in soft.split(8)])
    energies = [octaves(unfold(planes[:, :4])[:, None]) for planes in (soft, added, true)]
    figures = [10 * torch.log10(one / energies[2]) for one in energies[:2]]
    names = ("soft_finest_db", "soft_next_db", "detailed_finest_db", "detailed_next_db")
    return dict(zip(names, torch.cat(figures).tolist(), strict=True))


@torch.no_grad()
def draw(detail: Detail, pool: Pool, path: Path) -> None:
    """Rows of pictures: as invented, with detail, and others as the simulator draws them."""
    soft = pool.soft[:SHOWN].float()
    true = F.pad(pool.true[:: max(1, len(pool.true) // SHOWN)][:SHOWN].float(), (0, 0, 0, 0, 0, 1))
    rows = [torch.cat(list(to_rgb(planes)), 1) for planes in (soft, detail.add(soft.clone()), true)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(torch.cat(rows).cpu().contiguous().numpy()).save(path)


def train(run: Run, lesson: Lesson) -> None:
    """Steps until the budget is spent or a signal comes."""
    both, average = run.model, run.average
    assert isinstance(both, Both) and isinstance(average, Both)

    def step() -> Mapping[str, float | Tensor]:
        loss, figures = lesson.loss(run.step)
        descend(run, loss, [both.detail, both.critic], CLIP_GRADIENT)
        return figures

    keep_on(run, step, lesson.training.report_every_s)
    print(" ".join(f"{name} {value:.2f}" for name, value in measured(average.detail, lesson.pool).items()), flush=True)
    draw(average.detail, lesson.pool, run.folder / f"sample-{run.step:06d}.png")
    save(average.detail, run.folder / "ema.safetensors", step=run.step)
    print(f"wrote {run.folder / 'ema.safetensors'}", flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command("detail", __doc__, "train-detail.toml", 20.0)
    parser.add_argument("--pictures", type=Path, default=cache_dir() / "clips-nano", help="clips as they are drawn")
    parser.add_argument("--clips", type=Path, default=cache_dir() / "clips-nano", help="clips to invent after")
    parser.add_argument("--inventor", type=Path, default=WEIGHTS / "inventor.safetensors")
    parser.add_argument("--tokenizer", type=Path, default=WEIGHTS / "tokenizer.safetensors")
    parser.add_argument("--warm", type=Path, help="weights to begin with")
    parser.add_argument("--device", help="cuda or cpu; cuda where there is one")
    parser.add_argument("--pool", type=int, default=0, help="pictures of either kind, instead of the configuration's")
    return parser.parse_args(arguments)


def pool_of(options: argparse.Namespace, training: DetailTraining, device: torch.device) -> Pool:
    """True pictures from clips, and as many by the inventor. Raises CheckpointError."""
    eyes = FrameTokenizer.load(options.tokenizer).to(device)
    clips = Clips(options.clips, kept_in(options.tokenizer), eyes, device=device)
    clips.rescan()
    if not clips.count:
        raise SystemExit(f"expected clips in {options.clips}, found none: run python -m model.worlds.cache first")
    sentences = Sentences(None, SENTENCES, training.seed, kept=cache_dir()).to(device)
    inventor = Omni.load(options.inventor).to(device)
    frames = min(12, training.drawn_at_once)
    mixture = Mixture(frames, training.drawn_at_once // frames, single_rows=1.0, single_blind=1.0)
    trainer = Trainer(inventor, eyes, sentences, clips, mixture, DynamicsTraining(seed=training.seed))
    true = true_pictures(list_clips(options.pictures), training.pool, device)
    return Pool(soft_pictures(trainer, training.pool, training.drawn_at_once), true)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, load, draw, train, save."""
    options = parse(arguments)
    section: dict[str, Any] = load_toml(options.config)["detail"]
    training = DetailTraining(**section["training"])
    training = replace(training, pool=options.pool or training.pool)
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    torch.manual_seed(training.seed)
    detail = load(options.warm) if options.warm else Detail(DetailConfig(**section["model"]))
    both = Both(detail.train().requires_grad_(True), Critic(section["critic"])).to(device)
    both.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    rates = [
        {"params": both.detail.parameters(), "lr": training.rate},
        {"params": both.critic.parameters(), "lr": training.critic_rate},
    ]
    optimizer = torch.optim.AdamW(rates, betas=(0.5, 0.99), weight_decay=0.0, fused=True)
    run = Run(cache_dir() / "runs" / options.run, both, optimizer, options.minutes)
    with run.interruptible():
        if options.resume:
            take_up(run)
        pool = pool_of(options, training, device)
        print(f"{len(pool.soft)} invented pictures, {len(pool.true)} true ones", flush=True)
        train(run, Lesson(both, pool, training, device.type == "cuda" or has_fast_bf16()))


if __name__ == "__main__":
    main()
