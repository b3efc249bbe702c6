"""Trains what draws drops, flakes and stars: mundo train specks --minutes 30 [--resume]. The simulator draws views
twice, with them and without; a critic sees what a network lays over the latter (Goodfellow et al. 2014; gradients held
down on true pictures, Mescheder et al. 2018). Knows its losses and pictures; nothing of the running engine."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from configs.paths import cache_dir, load_toml
from model.native import has_fast_bf16
from model.planes import HEIGHT, WIDTH, pack, to_rgb
from model.specks import (
    A_RADIAN,
    CELL,
    KINDS,
    REACH,
    SHEETS,
    Colour,
    Specks,
    SpecksConfig,
    directions,
    load,
    offset,
    sampled,
    save,
)
from model.training.critics import patches, told_apart
from model.training.loop import command, descend, keep_on, take_up
from model.training.run import Run, step_seed
from model.training.speck_views import APART_S, VIEWS, Crops, Views, crops, views_of

CLIP_GRADIENT = 5.0
LOUD = 4.0  # times the difference beside the picture, that a critic hears it
BYTES = 0.03  # of planes: about three, as much as specks' number varies
FAINT = 1e-6  # energy of what is not seen: a tenth of a byte
GRAIN = 1 / 219  # of noise over it, that bytes are not told from floats
SHOWN = 6  # pictures


@dataclass(frozen=True)
class SpecksTraining:
    """Rates and shares of the run; `views`: that are drawn for it; `crop`: luma pixels of a side."""

    seed: int = 1
    views: int = 1080
    pictures: int = 16
    crop: int = 72
    rate: float = 3e-4
    colour_rate: float = 3e-3
    critic_rate: float = 3e-4
    critic: int = 32
    gradient: float = 4.0
    strength: float = 0.3
    gradient_every: int = 8
    report_every_s: float = 30.0


class Critic(nn.Module):
    """Whether each patch of a picture with specks was drawn by the simulator: a network for each of KINDS."""

    INPUTS = 2 + 2 + 2  # luma at two times, the specks there, and their colours

    def __init__(self, width: int):
        super().__init__()
        self.kinds = nn.ModuleList(patches(self.INPUTS, width) for _ in KINDS)

    def forward(self, luma: Tensor, colours: Tensor, dry: tuple[Tensor, Tensor], kind: Tensor) -> Tensor:
        """Luma [B, 2, H, W] and colours [B, 2, H/2, W/2] in [-1, 1], beside the same without specks, and numbers of
        KINDS [B] -> logits of patches [B, h, w], in the order of kinds."""
        coloured = F.interpolate(LOUD * (colours - dry[1]), scale_factor=2.0, mode="nearest")
        x = torch.cat([luma, LOUD * (luma - dry[0]), coloured], 1)
        return torch.cat([judge(x[kind == number])[:, 0] for number, judge in enumerate(self.kinds)])


class Both(nn.Module):
    """The network that is wanted and the one that judges it, in one run."""

    def __init__(self, specks: Specks, critic: Critic):
        super().__init__()
        self.specks, self.critic = specks, critic


def covered(specks: Specks, looks: Tensor, kind: Tensor, generator: torch.Generator) -> Tensor:
    """How much of each pixel of pieces that look there [B, 2, c, c] is open still at two times, [B, 2, c, c]; of noise
    that is drawn for it."""
    first = looks.flatten(2).amin(2)[..., None, None]
    at_s = 20 * torch.rand(1, generator=generator).item()
    open_ = torch.ones(len(looks), 2, *looks.shape[2:])
    for number, sheet in enumerate(SHEETS):
        of = (kind == KINDS.index(sheet.name)).nonzero()[:, 0]
        if not len(of):
            continue
        near = looks[of] - first[of]
        now, later = (torch.tensor(offset(number, at_s + late)) for late in (0.0, APART_S))
        moved = (torch.zeros(2), later - now)
        whole = near[:, 0].amax(), near[:, 1].amax() + moved[1][1].abs() + 0.05
        cells = [int(float(part) * A_RADIAN / CELL) + 3 for part in whole]
        size = (cells[1] + 2 * REACH, cells[0] + 2 * REACH)
        noise = torch.randn(len(of), specks.config.noise, *size, generator=generator)
        drawn = specks(noise, torch.full((len(of),), number)).float()
        start = torch.rand(len(of), 2, 1, 1, generator=generator) * CELL
        for time, (right, up) in enumerate(moved):
            columns = (near[:, 0] + right + 0.02) * A_RADIAN + CELL * REACH + start[:, 0]
            rows = drawn.shape[1] - 1 - CELL * REACH - (near[:, 1] + up) * A_RADIAN - start[:, 1]
            open_[of, time] = open_[of, time] * (1 - sampled(drawn, rows, columns))
    return open_


def over(dry: Tensor, dry_uv: Tensor, open_: Tensor, colour: Colour) -> tuple[Tensor, Tensor]:
    """Luma [B, 2, c, c] and colours [B, 2, c/2, c/2] behind what leaves so much of them open [B, 2, c, c] and has a
    colour; colours at the first time."""
    open_ = 1 - (1 - open_) * colour.seen[:, None, None, None]
    luma = torch.lerp(colour.planes[:, :1, None, None].expand_as(dry), dry, open_)
    coarse = F.avg_pool2d(open_[:, :1], 2)
    return luma, torch.lerp(colour.planes[:, 1:, None, None].expand_as(dry_uv), dry_uv, coarse.expand_as(dry_uv))


class Lesson:
    """What both networks learn from, a step at a time."""

    def __init__(self, both: Both, views: Views, training: SpecksTraining, colours_only: bool = False):
        self.both, self.views, self.training, self.colours_only = both, views, training, colours_only
        self.bf16 = has_fast_bf16()

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Of a step's pieces, see `_told_apart`; and how much weaker, stronger or lighter they are than true ones,
        from which alone colours learn. Each network learns from its part only."""
        training = self.training
        rng = np.random.default_rng(step_seed(training.seed, step))
        generator = torch.Generator().manual_seed(step_seed(training.seed + 1, step))
        seen = crops(self.views, training.pictures, training.crop, rng)
        with self.precision():
            open_ = covered(self.both.specks, seen.looks, seen.kind, generator)
        colour = self.both.specks.colours(seen.light, seen.kind)
        laid = over(seen.dry, seen.dry_uv, open_, colour)
        strengths = energies(laid[0], seen)
        total = training.strength * ((strengths / 10).square().mean() + lean(laid, seen))
        figures = by_kind(strengths, seen.kind)
        if not self.colours_only:
            shaped = over(seen.dry, seen.dry_uv, open_, Colour(*(part.detach() for part in colour)))
            apart, judged = self._told_apart(shaped, seen, step, generator)
            total, figures = total + apart, judged | figures
        return total, {name: value.detach() for name, value in figures.items()}

    def _told_apart(
        self, shaped: tuple[Tensor, Tensor], seen: Crops, step: int, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Softplus of what the critic says of both kinds of pictures, now and then its slope on true ones; and what it
        still tells of those that the network made."""
        training, critic, dry = self.training, self.both.critic, (seen.dry, seen.dry_uv)

        def grain(of: Tensor) -> Tensor:
            return of + GRAIN * torch.randn(of.shape, generator=generator)

        made = grain(_in_bytes(shaped[0], 2 / 219)), grain(_in_bytes(shaped[1], 1 / 112))
        true = grain(seen.wet), grain(seen.wet_uv)
        held = step % training.gradient_every == 0
        true[0].requires_grad_(held)
        with self.precision(not held):
            on_true = critic(*true, dry, seen.kind).float()
            on_made = critic(made[0].detach(), made[1].detach(), dry, seen.kind).float()
        judging = F.softplus(-on_true).mean() + F.softplus(on_made).mean()
        steep = judging.new_zeros(())
        if held:
            (slope,) = torch.autograd.grad(on_true.sum(), true[0], create_graph=True)
            steep = slope.square().sum((1, 2, 3)).mean() / training.crop**2
        critic.requires_grad_(False)
        with self.precision():
            fooled = F.softplus(-critic(*made, dry, seen.kind).float()).mean()
        critic.requires_grad_(True)
        total = judging + 0.5 * training.gradient * training.gradient_every * steep + fooled
        apart = told_apart([on_true], [on_made])
        return total, {"judging": judging, "fooled": fooled, "apart": apart}

    def precision(self, wanted: bool = True) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=wanted and self.bf16)


def _in_bytes(planes: Tensor, step: float) -> Tensor:
    """What is left of planes in bytes, whose gradients pass: what is less than half of one is not seen."""
    return planes + (((planes + 1) / step).round() * step - 1 - planes).detach()


def energies(made: Tensor, seen: Crops) -> Tensor:
    """How strong specks are beside the simulator's in pieces, in dB [B]."""
    own, true = ((luma - seen.dry).square().mean((1, 2, 3)) + FAINT for luma in (made, seen.wet))
    return 10 * torch.log10(own / true)


def lean(laid: tuple[Tensor, Tensor], seen: Crops) -> Tensor:
    """How much lighter and how much more colourful pieces are on the whole than the simulator's, of BYTES: where specks
    have lost their colour."""
    luma = (laid[0] - seen.wet).mean((1, 2, 3), keepdim=True).flatten(1)
    colours = (laid[1] - seen.wet_uv).mean((2, 3))
    return F.smooth_l1_loss(torch.cat([luma, colours], 1) / BYTES, torch.zeros(()).expand(len(luma), 3))


def by_kind(strengths: Tensor, kind: Tensor) -> dict[str, Tensor]:
    """Means of pieces' figures [B] over numbers of KINDS [B]."""
    return {f"{name}_db": strengths[kind == number].mean().nan_to_num(0.0) for number, name in enumerate(KINDS)}


@torch.no_grad()
def draw(specks: Specks, views: Views, path: Path) -> None:
    """Rows of pictures: with what the network lets fall, and as the simulator draws them."""
    each = [(views.kind == kind).nonzero()[:, 0] for kind in range(len(KINDS))]
    which = torch.cat([of[:: max(1, len(of) - 1)][: SHOWN // len(KINDS)] for of in each])
    looks = torch.stack([directions(HEIGHT, WIDTH, float(views.pitch[n])) for n in which])
    kind = views.kind[which]
    open_ = covered(specks, looks, kind, torch.Generator().manual_seed(7))
    dry, dry_uv = (views.dry[which].float() - 16) * (2 / 219) - 1, (views.dry_uv[which].float() - 128) / 112
    luma, colours = over(dry, dry_uv, open_, specks.colours(views.light[which], kind))
    flat = torch.zeros_like(colours[:, :1])
    made = torch.cat([F.pixel_unshuffle(luma[:, :1], 2), colours, flat], 1)
    depth = torch.zeros(SHOWN, HEIGHT // 2, WIDTH // 2, dtype=torch.int32)
    true = pack(views.wet[which, 0], views.wet_uv[which, 0], views.wet_uv[which, 1], depth)
    rows = [torch.cat(list(to_rgb(planes)), 1) for planes in (made, true)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(torch.cat(rows).contiguous().numpy()).save(path)


def train(run: Run, lesson: Lesson, held: Views) -> None:
    """Steps until the budget is spent or a signal comes; then pictures of worlds that it never saw."""
    both, average = run.model, run.average
    assert isinstance(both, Both) and isinstance(average, Both)

    def step() -> Mapping[str, float | Tensor]:
        loss, figures = lesson.loss(run.step)
        descend(run, loss, [both.specks, both.critic], CLIP_GRADIENT)
        return figures

    keep_on(run, step, lesson.training.report_every_s)
    draw(average.specks, held, run.folder / f"sample-{run.step:06d}.png")
    save(average.specks, run.folder / "ema.safetensors", step=run.step)
    print(f"wrote {run.folder / 'ema.safetensors'}", flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command("specks", __doc__, "train-specks.toml", 30.0)
    parser.add_argument("--pairs", type=Path, default=cache_dir(), help="where drawn views are kept")
    parser.add_argument("--warm", type=Path, help="weights to begin with")
    parser.add_argument("--colours", action="store_true", help="only learn colours, of shapes that stay as they are")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, draw, train, save."""
    options = parse(arguments)
    section: dict[str, Any] = load_toml(options.config)["specks"]
    training = replace(SpecksTraining(), **section["training"])
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    torch.manual_seed(training.seed)
    specks = load(options.warm) if options.warm else Specks(SpecksConfig(**section["model"]))
    both = Both(specks.train().requires_grad_(True), Critic(training.critic))
    if options.colours:
        both.requires_grad_(False)
        both.specks.colour.requires_grad_(True)
    rates = [
        {"params": [p for name, p in both.specks.named_parameters() if "colour" not in name], "lr": training.rate},
        {"params": both.specks.colour.parameters(), "lr": training.colour_rate},
        {"params": both.critic.parameters(), "lr": training.critic_rate},
    ]
    optimizer = torch.optim.AdamW(rates, betas=(0.0, 0.99), weight_decay=0.0, fused=True)
    run = Run(cache_dir() / "runs" / options.run, both, optimizer, options.minutes)
    with run.interruptible():
        if options.resume:
            take_up(run)
        views = views_of(training.views, options.pairs / f"specks-{training.views}.safetensors")
        held = views_of(VIEWS, options.pairs / "specks-held.safetensors", held=True)
        print(f"{len(views)} views", flush=True)
        train(run, Lesson(both, views, training, options.colours), held)


if __name__ == "__main__":
    main()
