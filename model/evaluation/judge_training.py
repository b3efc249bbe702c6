"""Trains the judges and measures them on held-out worlds: `python -m model.evaluation.judge_training --minutes N`.
Knows examples and the judges; nothing of any learned world."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from configs.paths import cache_dir
from model.evaluation.judge_examples import (
    IGNORED,
    Examples,
    Reconstruction,
    attribute_examples,
    joined,
    motion_examples,
)
from model.evaluation.judges import ATTRIBUTES, FILE, MOTIONS, Judges, JudgesConfig, mirrored
from model.evaluation.statistics import interval
from model.evaluation.stills import gather, worlds
from model.worlds import clips

BATCH, RATE, DECAY = 16, 2e-3, 0.02
TRAINING_WORLDS, HELD_OUT_WORLDS = 160, 40
SPARSE = (3, 6)  # of the clips, every third is enough for motion; every sixth through the tokenizer
MIRRORED = {"aside": 2, "turn": 2}  # classes that swap in a mirror: class -> this - class

Groups = dict[str, tuple[str, ...]]


def read_pictures(judges: Judges, examples: Examples, index: Tensor, chance: torch.Generator | None) -> Tensor:
    """Logits of some pictures; in training as a stream and a screen may leave them, half of them in a mirror."""
    x = examples.inputs[index].float()
    if chance is not None:
        x = worn(x, chance)
    return judges.reader(x / 127.5 - 1)


def worn(picture: Tensor, chance: torch.Generator) -> Tensor:
    """[N, 3, h, w] in 0..255: some of them softer, noisier, a little brighter or duller, mirrored."""

    def some(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(picture), 1, 1, 1, generator=chance)

    soft = F.avg_pool2d(F.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, 1)
    picture = picture + some(0, 0.7) * (some(0, 1) < 0.4) * (soft - picture)
    picture = picture + some(0, 2) * torch.randn(picture.shape, generator=chance)
    picture = picture * some(0.95, 1.05) + some(-4, 4)
    return torch.where(some(0, 1) < 0.5, picture.flip(-1), picture).clamp(0, 255)


def train(
    network: nn.Module,
    loss_of: Callable[[Tensor, torch.Generator], Tensor],
    examples: int,
    seconds: float,
) -> int:
    """Trains for that long of processor time; returns the number of steps."""
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    chance, start, step, shown = torch.Generator().manual_seed(0), time.process_time(), 0, 0.0
    network.train()
    while (progress := (time.process_time() - start) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * progress))
        loss = loss_of(torch.randint(examples, (BATCH,), generator=chance), chance)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        step, shown = step + 1, 0.97 * shown + 0.03 * loss.item()
        if step % 100 == 0:
            print(f"step {step}, {100 * progress:.0f} %, loss {shown / (1 - 0.97**step):.3f}", flush=True)
    network.eval()
    return step


def loss(logits: Tensor, labels: dict[str, Tensor], groups: Groups, weights: dict[str, Tensor]) -> Tensor:
    """Cross entropies of all judgements, each class as heavy as the others."""
    parts = logits.split([len(names) for names in groups.values()], 1)
    total = logits.new_zeros(())
    for (name, label), part in zip(labels.items(), parts, strict=True):
        each = F.cross_entropy(part, label, weights[name], ignore_index=IGNORED, reduction="sum")
        total = total + each / len(label)
    return total


def class_weights(labels: dict[str, Tensor], groups: Groups) -> dict[str, Tensor]:
    """Inverse to how often a class comes, of mean one over the examples."""
    weights = {}
    for name, names in groups.items():
        counts = torch.bincount(labels[name][labels[name] >= 0], minlength=len(names)).float()
        weights[name] = counts.sum() / (len(names) * counts.clamp_min(1))
    return weights


def train_reader(judges: Judges, examples: Examples, seconds: float) -> int:
    """Trains what reads single pictures."""
    weights = class_weights(examples.labels, ATTRIBUTES)

    def loss_of(index: Tensor, chance: torch.Generator) -> Tensor:
        truth = {name: label[index] for name, label in examples.labels.items()}
        return loss(read_pictures(judges, examples, index, chance), truth, ATTRIBUTES, weights)

    return train(judges.reader, loss_of, len(examples.case), seconds)


def train_motion(judges: Judges, examples: Examples, seconds: float) -> int:
    """Trains what reads two pictures; half of them in a mirror."""
    weights = class_weights(examples.labels, MOTIONS)

    def loss_of(index: Tensor, chance: torch.Generator) -> Tensor:
        index = torch.randint(len(examples.case), (4 * BATCH,), generator=chance)
        x, truth = examples.inputs[index], {name: label[index] for name, label in examples.labels.items()}
        x = x + 0.02 * torch.randn(x.shape, generator=chance)
        mirror = torch.rand(len(index), generator=chance) < 0.5
        x = torch.where(mirror[:, None, None, None], mirrored(x), x)
        for name, both in MIRRORED.items():
            truth[name] = torch.where(mirror & (truth[name] >= 0), both - truth[name], truth[name])
        return loss(judges.motion(x), truth, MOTIONS, weights)

    return train(judges.motion, loss_of, len(examples.case), seconds)


@torch.inference_mode()
def said(judges: Judges, examples: Examples, groups: Groups) -> dict[str, Tensor]:
    """The class that the judges name for each example, [N] by judgement."""
    rows = []
    for index in torch.arange(len(examples.case)).split(16):
        attributes = groups is ATTRIBUTES
        rows.append(
            read_pictures(judges, examples, index, None) if attributes else judges.motion(examples.inputs[index])
        )
    parts = torch.cat(rows).split([len(names) for names in groups.values()], 1)
    return {name: part.argmax(1) for name, part in zip(groups, parts, strict=True)}


def measure(judges: Judges, examples: Examples, groups: Groups) -> dict[str, dict[str, float]]:
    """Balanced accuracy of each judgement on held-out examples, its interval over worlds, and each class's recall."""
    figures, claims = {}, said(judges, examples, groups)
    for name, classes in groups.items():
        by_case: dict[int, list[tuple[int, int]]] = {}
        for case, truth, claim in zip(
            examples.case.tolist(), examples.labels[name].tolist(), claims[name].tolist(), strict=True
        ):
            if truth >= 0:
                by_case.setdefault(case, []).append((truth, claim))
        cases = list(by_case.values())
        low, high = interval(cases, balanced)
        recalls = {f"recall {k}": balanced([[r for r in c if r[0] == i] for c in cases]) for i, k in enumerate(classes)}
        figures[name] = {"value": balanced(cases), "low": low, "high": high, "n": sum(map(len, cases))} | recalls
        figures[name] |= {f"is {k}": balanced(against_the_rest(cases, i)) for i, k in enumerate(classes)}
    return figures


def against_the_rest(cases: list[list[tuple[int, int]]], shown: int) -> list[list[tuple[int, int]]]:
    """The same (truth, claim) as whether each is that class."""
    return [[(int(truth == shown), int(claim == shown)) for truth, claim in case] for case in cases]


def balanced(cases: list[list[tuple[int, int]]]) -> float:
    """Mean recall over the classes that come in these cases' (truth, claim); not a number when there are none."""
    right: dict[int, list[bool]] = {}
    for case in cases:
        for truth, claim in case:
            right.setdefault(truth, []).append(claim == truth)
    return sum(sum(r) / len(r) for r in right.values()) / len(right) if right else math.nan


def main() -> None:
    """Parse, gather, train, measure on held-out worlds as they are and through the tokenizer, save."""
    parser = argparse.ArgumentParser(prog="python -m model.evaluation.judge_training", description=__doc__)
    parser.add_argument("--clips", type=Path, default=cache_dir() / "clips-nano")
    parser.add_argument(
        "--minutes", type=float, default=8.0, help="of processor time for what reads pictures; half for motion"
    )
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--measure", action="store_true", help="train nothing; measure what lies at --out again")
    options = parser.parse_args()
    training, held_out = clips.list_clips(options.clips), clips.list_clips(options.clips, validation=True)
    if len(training) < 8 or not held_out:
        parser.error(f"expected clips in {options.clips}, found {len(training)} and {len(held_out)} held out")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    judges, through = Judges.load(options.out) if options.measure else Judges(JudgesConfig()), Reconstruction()
    if not options.measure:
        own = gather(cache_dir() / "stills", worlds(TRAINING_WORLDS, False))
        seconds, both = 60 * options.minutes, (None, through)
        steps = train_reader(judges, joined([attribute_examples(own, r) for r in both]), seconds)
        steps += train_motion(
            judges, joined([motion_examples(training[:: SPARSE[r is not None]], r) for r in both]), seconds / 2
        )
        judges.facts = {"steps": steps, "clips": len(training), "worlds": TRAINING_WORLDS}
    other = gather(cache_dir() / "stills", worlds(HELD_OUT_WORLDS, True))
    judges.accuracy = measure(judges, joined([attribute_examples(other, r) for r in (None, through)]), ATTRIBUTES)
    judges.accuracy |= measure(judges, joined([motion_examples(held_out, r) for r in (None, through)]), MOTIONS)
    for name, figures in judges.accuracy.items():
        print(name + ": " + ", ".join(f"{k} {v:.3f}" for k, v in figures.items()), flush=True)
    judges.save(options.out)


if __name__ == "__main__":
    main()
