"""Trains what cuts depth into surfaces: python -m model.training.surfaces --minutes 40 [--resume].
Knows its losses and pictures; nothing of the running engine."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from configs.paths import WEIGHTS, cache_dir, load_toml
from model import checkpoint
from model.borders import DEPTH
from model.omni import Omni
from model.omni_int8 import quick_omni
from model.planes import to_rgb
from model.surfaces import Surfaces, SurfacesConfig, around, load, save
from model.tokenizer.frame import KIND as TOKENIZER_KIND
from model.tokenizer.frame import FrameTokenizer
from model.tokenizer.quick import quick_tokenizer
from model.training.loop import command, descend, keep_on, take_up
from model.training.optimizers import adam
from model.training.prefetch import Prefetch
from model.training.run import Run
from model.training.sentences import Sentences
from model.training.soft_pictures import SoftPictures
from model.worlds.clips import list_clips

CLIP_GRADIENT = 1.0
EDGE, EDGES_COUNT = 0.2, 10.0  # a step of the depth's plane that is an edge; how much more pixels count there
ALIKE = 0.015  # an error of depth's plane that makes a neighbour a third as likely
EDGE_REACH = 6  # half-resolution pixels
HELD_OUT, SHOWN = 32, 6  # pictures
SENTENCES = 2  # of each meaning


def edges(true: Tensor) -> Tensor:
    """True depth planes [B, 1, h, w] -> how near an edge each pixel lies, in [0, 1]."""
    size = 2 * EDGE_REACH + 1
    most, least = F.max_pool2d(true, size, 1, EDGE_REACH), -F.max_pool2d(-true, size, 1, EDGE_REACH)
    return ((most - least) / EDGE).clamp(0, 1).square()


def objective(surfaces: Surfaces, soft: Tensor, true: Tensor) -> Tensor:
    """Cross-entropy of the neighbours' shares to shares that fall with a neighbour's error: any of those that lie
    on the true surface will do, and between two surfaces the likelier one is taken, not their mean."""
    off = (around(soft[:, DEPTH : DEPTH + 1]) - true).abs()
    wanted = (-off / ALIKE).softmax(1)
    each = -(wanted * surfaces(soft).float().log_softmax(1)).sum(1, keepdim=True)
    weight = 1 + EDGES_COUNT * edges(true)
    return (each * weight).sum() / weight.sum()


@torch.inference_mode()
def errors(surfaces: Surfaces, soft: Tensor, true: Tensor) -> dict[str, float]:
    """Mean error of the depth plane near edges, and the share of pixels there that lie on no surface (farther than 0.1
    from the truth), as it comes and sharpened."""
    near = edges(true)
    out = {}
    for name, planes in (("as_it_comes", soft), ("sharpened", surfaces.sharpen(soft))):
        off = (planes[:, DEPTH : DEPTH + 1] - true).abs()
        out[f"{name}_error"] = float((off * near).sum() / near.sum())
        out[f"{name}_astray"] = float(((off > 0.1) * near).sum() / near.sum())
    return out


def draw(surfaces: Surfaces, soft: Tensor, true: Tensor, path: Path) -> None:
    """Columns of pictures; rows: picture, its depth, the sharpened one, the true one."""
    rows = [torch.cat(list(to_rgb(soft)), 1)]
    for depth in (soft[:, DEPTH], surfaces.sharpen(soft)[:, DEPTH], true[:, 0]):
        grey = ((depth.clamp(-1, 1) + 1) * 127.5).to(torch.uint8).repeat_interleave(2, 1).repeat_interleave(2, 2)
        rows.append(torch.cat(list(grey[..., None].expand(-1, -1, -1, 3)), 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(torch.cat(rows).contiguous().numpy()).save(path)


def pictures(folder: Path, seed: int, held_out: bool) -> SoftPictures:
    """Soft pictures of a folder of clips, by the bundled tokenizer and inventor."""
    file = WEIGHTS / "tokenizer.safetensors"
    eyes = quick_tokenizer(FrameTokenizer.load(file), checkpoint.load_extra(file, TOKENIZER_KIND).get("ranges"))
    inventor = quick_omni(Omni.load(WEIGHTS / "inventor.safetensors"))
    sentences = Sentences(None, SENTENCES, seed, kept=cache_dir())
    return SoftPictures(list_clips(folder, held_out), inventor, eyes, sentences, seed)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = command("surfaces", __doc__, "train-nano.toml", 40.0)
    parser.add_argument("--clips", type=Path, default=cache_dir() / "clips-nano")
    parser.add_argument("--warm", type=Path, help="weights to begin with")
    return parser.parse_args(arguments)


def train(run: Run, learnt: SoftPictures, held: tuple[Tensor, Tensor], count: int, report_every_s: float) -> None:
    """Steps of `count` pictures until the budget is spent or a signal comes; every so often with the errors on pictures
    that it never saw."""
    assert isinstance(run.model, Surfaces) and isinstance(run.average, Surfaces)
    surfaces, average = run.model, run.average
    batches = Prefetch(lambda step: learnt.batch(step, count), run.step)

    def step() -> Mapping[str, float | Tensor]:
        loss = objective(surfaces, *next(batches))
        descend(run, loss, [surfaces], CLIP_GRADIENT)
        return {"loss": loss.detach()}

    try:
        keep_on(run, step, report_every_s)
    finally:
        batches.close()
    print(f"held out at step {run.step}: " + " ".join(f"{k} {v:.4f}" for k, v in errors(average, *held).items()))
    draw(average, held[0][:SHOWN], held[1][:SHOWN], run.folder / f"sample-{run.step:06d}.png")
    save(average, run.folder / "ema.safetensors", step=run.step)
    print(f"wrote {run.folder / 'ema.safetensors'}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    section: dict[str, Any] = load_toml(options.config)["surfaces"]
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    torch.manual_seed(section["seed"])
    surfaces = load(options.warm) if options.warm else Surfaces(SurfacesConfig(**section["model"]))
    surfaces.train().requires_grad_(True)
    optimizer = adam(surfaces.parameters(), section["rate"], 0.0)
    run = Run(cache_dir() / "runs" / options.run, surfaces, optimizer, options.minutes)
    learnt, unseen = (pictures(options.clips, section["seed"], held_out) for held_out in (False, True))
    with run.interruptible():
        if options.resume:
            take_up(run)
        train(run, learnt, unseen.batch(0, HELD_OUT), section["pictures"], section["report_every_s"])


if __name__ == "__main__":
    main()
