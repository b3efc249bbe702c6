"""Trains what draws drops, flakes and stars: mundo train specks --minutes 40 [--resume]. Their shapes from sheets that
the simulator's rule draws out of the same noise, their colours from views that it draws with them and without. Knows
its losses and pictures; nothing of the running engine."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from configs.paths import cache_dir, load_toml
from model.camera import rays
from model.planes import HEIGHT, WIDTH, pack, to_rgb
from model.specks import (
    A_RADIAN,
    COLUMNS,
    KINDS,
    ROWS,
    SHEETS,
    Colour,
    Specks,
    SpecksConfig,
    directions,
    load,
    sampled,
    save,
)
from model.training.loop import command, descend, keep_on, take_up
from model.training.run import Run, step_seed
from model.training.speck_views import VIEWS, Crops, Views, crops, views_of
from model.worlds.falling import FALLINGS, random_numbers, rule_sheets, shares

CLIP_GRADIENT = 5.0
A_BYTE = 1 / 112  # of planes, about
FAINT = 1e-6  # energy of what is not seen: a tenth of a byte
SHOWN = 6  # pictures


@dataclass(frozen=True)
class SpecksTraining:
    """Rates and sizes of the run; `views`: that are drawn for it; `cells`: of a side of a sheet's piece; `crop`: luma
    pixels of a side of a view's, of which `pictures` are seen every so many steps."""

    seed: int = 1
    views: int = 1080
    pictures: int = 16
    pictures_every: int = 2
    crop: int = 72
    cells: int = 16
    rate: float = 2e-3
    colour_rate: float = 1e-2
    report_every_s: float = 30.0


def shape_losses(specks: Specks, cells: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """Cross entropies of a piece of each sheet with what the simulator's rule draws out of its noise, summed; and by
    kind how strong what differs is beside what is there, in dB."""
    total, apart, there = torch.zeros(()), torch.zeros(len(KINDS)), torch.zeros(len(KINDS))
    for sheet, falling, drawer in zip(SHEETS, FALLINGS, specks.sheets, strict=True):
        numbers = random_numbers(1, (cells, cells), generator)
        true, drawn = shares(numbers, falling), drawer(numbers)
        total = total + F.binary_cross_entropy_with_logits(drawn, true)
        kind = KINDS.index(sheet.name)
        apart[kind] += (drawn.detach().sigmoid() - true).square().mean()
        there[kind] += true.square().mean()
    missed = 10 * torch.log10((apart + FAINT) / (there + FAINT))
    return total, {f"{name}_missed_db": missed[kind] for kind, name in enumerate(KINDS)}


def covered(sheets: Tensor, looks: Tensor, kind: Tensor, generator: torch.Generator) -> Tensor:
    """How much of each pixel of pieces that look there [B, 2, h, w] is open still behind sheets (shares [SHEETS, ROWS,
    COLUMNS]) at any time, [B, h, w]."""
    open_ = torch.ones(len(looks), *looks.shape[2:])
    for number, sheet in enumerate(SHEETS):
        for one in (kind == KINDS.index(sheet.name)).nonzero()[:, 0]:
            right, down = torch.rand(2, generator=generator) * torch.tensor([COLUMNS, ROWS])
            rows, columns = down - looks[one, 1] * A_RADIAN / sheet.high, right + looks[one, 0] * A_RADIAN
            open_[one] *= 1 - sampled(sheets[number], rows, columns)
    return open_


def over(dry: Tensor, dry_uv: Tensor, open_: Tensor, colour: Colour) -> tuple[Tensor, Tensor]:
    """Luma [B, c, c] and colours [B, 2, c/2, c/2] behind what leaves so much of them open [B, c, c], in its colour."""
    open_ = 1 - (1 - open_) * colour.seen[:, None, None]
    luma = torch.lerp(colour.planes[:, :1, None].expand_as(dry), dry, open_)
    coarse = F.avg_pool2d(open_, 2)[:, None]
    return luma, torch.lerp(colour.planes[:, 1:, None, None].expand_as(dry_uv), dry_uv, coarse.expand_as(dry_uv))


class Lesson:
    """What the network learns from, a step at a time."""

    def __init__(self, specks: Specks, views: Views, training: SpecksTraining):
        self.specks, self.views, self.training = specks, views, training
        self._sheets = rule_sheets(torch.Generator().manual_seed(training.seed))
        self._seen: dict[str, Tensor] = {}  # figures of the last views

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """Of a step's pieces of sheets, see `shape_losses`, and now and then of views, see `unlike`."""
        generator = torch.Generator().manual_seed(step_seed(self.training.seed + 1, step))
        total, figures = shape_losses(self.specks, self.training.cells, generator)
        if step % self.training.pictures_every == 0:
            coloured, self._seen = self.colours(step, generator)
            total = total + coloured
        return total, figures | self._seen

    def colours(self, step: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """How unlike the simulator's pieces are that have shapes of its rule, whatever is learned of them, and colours
        of the network."""
        training, rng = self.training, np.random.default_rng(step_seed(self.training.seed, step))
        seen = crops(self.views, training.pictures, training.crop, rng)
        open_ = covered(self._sheets, seen.looks, seen.kind, generator)
        laid = over(seen.dry, seen.dry_uv, open_, self.specks.colours(seen.light, seen.kind))
        return unlike(laid, seen).mean(), by_kind(energies(laid[0].detach(), seen), seen.kind)


def unlike(laid: tuple[Tensor, Tensor], seen: Crops) -> Tensor:
    """How far from the simulator's is what specks add to pieces, wherever they are in them: between its values in order
    of size, of how much there is of them, summed over planes [B]."""
    made = [laid[0] - seen.dry, *(laid[1] - seen.dry_uv).unbind(1)]
    true = [seen.wet - seen.dry, *(seen.wet_uv - seen.dry_uv).unbind(1)]
    total = torch.zeros(len(seen.dry))
    for own, other in zip(made, true, strict=True):
        apart = own.flatten(1).sort(1).values - other.flatten(1).sort(1).values
        strong = sum(part.detach().square().mean((1, 2)).sqrt() for part in (own, other)) + A_BYTE
        total = total + (apart.square().mean(1) + FAINT).sqrt() / strong
    return total


def energies(made: Tensor, seen: Crops) -> Tensor:
    """How strong specks are beside the simulator's in pieces, in dB [B]."""
    own, true = ((luma - seen.dry).square().mean((1, 2)) + FAINT for luma in (made, seen.wet))
    return 10 * torch.log10(own / true)


def by_kind(strengths: Tensor, kind: Tensor) -> dict[str, Tensor]:
    """Means of pieces' figures [B] over numbers of KINDS [B]."""
    return {f"{name}_db": strengths[kind == number].mean().nan_to_num(0.0) for number, name in enumerate(KINDS)}


@torch.no_grad()
def draw(specks: Specks, views: Views, path: Path) -> None:
    """Rows of pictures: with what the network lets fall, and as the simulator draws them."""
    each = [(views.kind == kind).nonzero()[:, 0] for kind in range(len(KINDS))]
    which = torch.cat([of[:: max(1, len(of) - 1)][: SHOWN // len(KINDS)] for of in each])
    looks = torch.stack([directions(rays(HEIGHT, WIDTH), float(views.pitch[n])) for n in which])
    kind = views.kind[which]
    open_ = covered(specks.drawn() / 255, looks, kind, torch.Generator().manual_seed(7))
    dry, dry_uv = (views.dry[which].float() - 16) * (2 / 219) - 1, (views.dry_uv[which].float() - 128) / 112
    luma, colours = over(dry, dry_uv, open_, specks.colours(views.light[which], kind))
    flat = torch.zeros_like(colours[:, :1])
    made = torch.cat([F.pixel_unshuffle(luma[:, None], 2), colours, flat], 1)
    depth = torch.zeros(SHOWN, HEIGHT // 2, WIDTH // 2, dtype=torch.int32)
    true = pack(views.wet[which], views.wet_uv[which, 0], views.wet_uv[which, 1], depth)
    rows = [torch.cat(list(to_rgb(planes)), 1) for planes in (made, true)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(torch.cat(rows).contiguous().numpy()).save(path)


def train(run: Run, lesson: Lesson, held: Views) -> None:
    """Steps until the budget is spent or a signal comes; then pictures of worlds that it never saw."""
    specks, average = run.model, run.average
    assert isinstance(specks, Specks) and isinstance(average, Specks)

    def step() -> Mapping[str, float | Tensor]:
        loss, figures = lesson.loss(run.step)
        descend(run, loss, [*specks.sheets, specks.colour], CLIP_GRADIENT)
        return figures

    keep_on(run, step, lesson.training.report_every_s)
    draw(average, held, run.folder / f"sample-{run.step:06d}.png")
    save(average, run.folder / "ema.safetensors", step=run.step)
    print(f"wrote {run.folder / 'ema.safetensors'}", flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command("specks", __doc__, "train-specks.toml", 40.0)
    parser.add_argument("--pairs", type=Path, default=cache_dir(), help="where drawn views are kept")
    parser.add_argument("--warm", type=Path, help="weights to begin with")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, draw, train, save."""
    options = parse(arguments)
    section: dict[str, Any] = load_toml(options.config)["specks"]
    training = replace(SpecksTraining(), **section["training"])
    torch.set_num_threads(1)  # a step's pieces are small
    torch.manual_seed(training.seed)
    specks = (load(options.warm) if options.warm else Specks(SpecksConfig(**section["model"]))).train()
    specks.requires_grad_(True)
    rates = [
        {"params": specks.sheets.parameters(), "lr": training.rate},
        {"params": specks.colour.parameters(), "lr": training.colour_rate},
    ]
    optimizer = torch.optim.AdamW(rates, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
    run = Run(cache_dir() / "runs" / options.run, specks, optimizer, options.minutes)
    with run.interruptible():
        if options.resume:
            take_up(run)
        views = views_of(training.views, options.pairs / f"specks-{training.views}.safetensors")
        held = views_of(VIEWS, options.pairs / "specks-held.safetensors", held=True)
        print(f"{len(views)} views", flush=True)
        train(run, Lesson(specks, views, training), held)


if __name__ == "__main__":
    main()
