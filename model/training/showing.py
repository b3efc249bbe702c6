"""Trains what says of latents which place, time and weather they show: python -m model.training.showing --minutes 10.
Knows single views of many worlds and their labels; nothing of the running engine."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from configs.paths import WEIGHTS, cache_dir, load_toml
from model import checkpoint
from model.evaluation import stills
from model.evaluation.gathering import files
from model.evaluation.judge_examples import labels_of
from model.evaluation.motion_examples import IGNORED
from model.planes import pack
from model.showing import Showing, ShowingConfig
from model.tokenizer.frame import KIND as TOKENIZER_KIND
from model.tokenizer.frame import FrameTokenizer
from model.tokenizer.quick import quick_tokenizer
from model.training.loop import command, descend, keep_on, take_up
from model.training.optimizers import adam
from model.training.run import Run, step_seed

LONGEST = 1.0
SMOOTHING = 0.02
DRAFT, NOISE = 0.6, 0.3  # how many are softened as drafts are, and the most noise that is added
HELD_OUT_WORLDS = 160
NAMES = ("place", "time", "weather")


class Views(NamedTuple):
    """Latents [N, 16, 18, 32] in bf16 and what they show, numbers of classes or IGNORED, [N, 3] as NAMES says."""

    latents: Tensor
    labels: Tensor


def views(worlds: list[int]) -> Views:
    """Of these worlds, drawn where the cache lacks them."""
    path = WEIGHTS / "tokenizer.safetensors"
    eyes = quick_tokenizer(FrameTokenizer.load(path), checkpoint.load_extra(path, TOKENIZER_KIND).get("ranges"))
    latents, labels = [], []
    for file in files(cache_dir() / "views", worlds, stills.draw):
        shown = load_file(file)
        planes = pack(shown["y"], shown["u"], shown["v"], shown["depth"])
        with torch.inference_mode():
            latents += [eyes.encode(one.contiguous())[0].bfloat16() for one in planes.split(1)]
        found = labels_of(shown)
        labels.append(torch.stack([found[name] for name in NAMES], 1))
    return Views(torch.stack(latents), torch.cat(labels))


def drafts(latents: Tensor, generator: torch.Generator) -> Tensor:
    """Latents [B, 16, 18, 32] softened and noisy, as those are that are half drawn."""

    def chance() -> Tensor:
        return torch.rand(len(latents), 1, 1, 1, generator=generator)

    softer = F.avg_pool2d(latents, 3, 1, 1, count_include_pad=False)
    soft = torch.lerp(latents, softer, chance() * (chance() < DRAFT))
    return soft + NOISE * chance() * torch.randn(latents.shape, generator=generator)


def objective(showing: Showing, latents: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy of what can be told."""
    parts = [
        F.cross_entropy(logits, of, ignore_index=IGNORED, label_smoothing=SMOOTHING)
        for logits, of in zip(showing(latents), labels.T, strict=True)
        if bool((of != IGNORED).any())
    ]
    return torch.stack(parts).sum()


@torch.inference_mode()
def accuracy(showing: Showing, held: Views) -> dict[str, float]:
    """How much of what can be told is said rightly, by name."""
    said = [torch.cat(part) for part in zip(*(showing(some.float()) for some in held.latents.split(256)), strict=True)]
    out = {}
    for name, logits, of in zip(NAMES, said, held.labels.T, strict=True):
        told = of != IGNORED
        out[name] = float((logits.argmax(1) == of)[told].float().mean())
    return out


def train(run: Run, learnt: Views, section: Mapping[str, Any]) -> Showing:
    """Steps until the budget is spent or a signal comes -> the mean of the last ones."""
    assert isinstance(run.model, Showing) and isinstance(run.average, Showing)
    showing, average = run.model, run.average

    def step() -> Mapping[str, float | Tensor]:
        generator = torch.Generator().manual_seed(step_seed(section["seed"], run.step))
        rows = torch.randint(len(learnt.latents), (section["views"],), generator=generator)
        loss = objective(showing, drafts(learnt.latents[rows].float(), generator), learnt.labels[rows])
        descend(run, loss, [showing], LONGEST)
        return {"loss": loss.detach()}

    keep_on(run, step, section["report_every_s"])
    for mine, its in zip(average.buffers(), showing.buffers(), strict=True):
        mine.copy_(its)  # means and variances of channels are no parameters
    return average.eval()


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    return command("showing", __doc__, "train-nano.toml", 10.0).parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    section: dict[str, Any] = load_toml(options.config)["showing"]
    torch.set_num_threads(1)  # small layers: threads would mostly wait for each other
    torch.manual_seed(section["seed"])
    showing = Showing(ShowingConfig(**section["model"])).train()
    optimizer = adam(showing.parameters(), section["rate"], section["decay"])
    run = Run(cache_dir() / "runs" / options.run, showing, optimizer, options.minutes)
    with run.interruptible():
        if options.resume:
            take_up(run)
        learnt = views(stills.worlds(section["worlds"], False))
        found = train(run, learnt, section)
    held = accuracy(found, views(stills.worlds(HELD_OUT_WORLDS, True)))
    print("held out: " + ", ".join(f"{name} {value:.3f}" for name, value in held.items()), flush=True)
    found.save(run.folder / "ema.safetensors", steps=run.step, worlds=section["worlds"], held_out=held)
    print(f"wrote {run.folder / 'ema.safetensors'}", flush=True)


if __name__ == "__main__":
    main()
