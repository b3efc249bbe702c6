"""Trains the judges and measures them on held-out worlds: `python -m model.evaluation.judge_training --minutes N`.
Knows examples and the judges; nothing of any learned world."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from configs.paths import cache_dir
from model.evaluation import moves, stills
from model.evaluation.alignment import SCALES
from model.evaluation.gathering import gather
from model.evaluation.judge_examples import (
    IGNORED,
    Examples,
    Reconstruction,
    attribute_examples,
    joined,
    motion_examples,
)
from model.evaluation.judges import (
    ATTRIBUTES,
    FILE,
    MOTIONS,
    SPEED_M_S,
    SPEEDS,
    Judges,
    JudgesConfig,
    mirrored,
    split,
)
from model.evaluation.statistics import interval

BATCH, RATE, DECAY = 16, 2e-3, 0.02
HELD_OUT_WORLDS = 40
SPARSE = 4  # every fourth world also through the tokenizer
MIRRORED = ("aside", "turn")  # their outer classes swap in a mirror
NOISE, MOTION_DECAY = 0.3, 0.3  # of what `alignment.between` says, by its scale; there are few pairs to learn from

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
    decay: float = DECAY,
) -> int:
    """Trains for that long of processor time; returns the number of steps."""
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=decay)
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
    named = {name: label for name, label in examples.labels.items() if name != "speeds"}
    weights, count = class_weights(named, MOTIONS), sum(map(len, MOTIONS.values()))

    def loss_of(index: Tensor, chance: torch.Generator) -> Tensor:
        index = torch.randint(len(examples.case), (4 * BATCH,), generator=chance)
        x, speeds = examples.inputs[index], examples.labels["speeds"][index]
        x = x + NOISE * torch.randn(x.shape, generator=chance) / torch.tensor(SCALES)
        mirror = torch.rand(len(index), generator=chance) < 0.5
        x = torch.where(mirror[:, None], mirrored(x), x)
        speeds = torch.where(mirror[:, None], speeds * torch.tensor([1.0, -1.0, 1.0]), speeds)
        truth = {name: label[index] for name, label in named.items()}
        for name in MIRRORED:
            truth[name] = torch.where(mirror & (truth[name] >= 0), 2 - truth[name], truth[name])
        read = judges.motion(x)
        known = ~speeds[:, 0].isnan()
        missed = F.smooth_l1_loss(read[known, count:], speeds[known] / SPEED_M_S, reduction="sum") / len(index)
        return loss(read[:, :count], truth, MOTIONS, weights) + 3 * missed

    return train(judges.motion, loss_of, len(examples.case), seconds, MOTION_DECAY)


@torch.inference_mode()
def said(judges: Judges, examples: Examples, groups: Groups) -> dict[str, Tensor]:
    """The class that the judges name for each example, [N] by judgement."""
    rows = []
    for index in torch.arange(len(examples.case)).split(16):
        attributes = groups is ATTRIBUTES
        rows.append(
            read_pictures(judges, examples, index, None) if attributes else judges.motion(examples.inputs[index])
        )
    logits = torch.cat(rows)[:, : sum(map(len, groups.values()))]
    return {name: chances.argmax(1) for name, chances in split(logits, groups).items()}


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


@torch.inference_mode()
def misread(judges: Judges, examples: Examples) -> dict[str, float]:
    """By how many metres a second the speeds of held-out walks are misread, the mean size."""
    count, truth = sum(map(len, MOTIONS.values())), examples.labels["speeds"]
    known = ~truth[:, 0].isnan()
    missed = (SPEED_M_S * judges.motion(examples.inputs[known])[:, count:] - truth[known]).abs().mean(0)
    return dict(zip(SPEEDS, missed.tolist(), strict=True))


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m model.evaluation.judge_training", description=__doc__)
    parser.add_argument("--minutes", type=float, default=8.0, help="of processor time for what reads pictures")
    parser.add_argument("--motion-minutes", type=float, default=0.1, help="the same for what reads two")
    parser.add_argument("--worlds", type=int, default=250, help="to learn from; drawn where the cache lacks them")
    parser.add_argument("--out", type=Path, default=FILE)
    parser.add_argument("--go-on", action="store_true", help="begin from the reader of pictures that lies at --out")
    return parser.parse_args()


def main() -> None:
    """Parse, gather, train, measure on held-out worlds as they are and through the tokenizer, save. A reader that is
    given no time stays as it is."""
    chosen = options()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    own, other = stills.worlds(chosen.worlds, False), stills.worlds(HELD_OUT_WORLDS, True)
    judges, through = Judges(JudgesConfig()), Reconstruction()
    if chosen.go_on:
        before = Judges.load(chosen.out)
        judges.reader.load_state_dict(before.reader.state_dict())
        judges.facts, judges.accuracy = before.facts, before.accuracy
    views, walks = cache_dir() / "views", cache_dir() / "moves"

    def both(examples: Callable[..., Examples], draw: Callable[[list[int]], dict[str, Tensor]]) -> list[Examples]:
        some = (own, None), (own[::SPARSE], through), (other, None), (other, through)
        parts = [examples(draw(chosen_worlds), r) for chosen_worlds, r in some]
        return [joined(parts[:2]), joined(parts[2:])]

    if chosen.minutes > 0:
        learnt, held = both(attribute_examples, partial(gather, views, draw=stills.draw))
        judges.facts["reader steps"] = train_reader(judges, learnt, 60 * chosen.minutes)
        judges.accuracy = measure(judges, held, ATTRIBUTES)
    learnt, held = both(motion_examples, partial(moves.gather, walks))
    judges.facts["motion steps"] = train_motion(judges, learnt, 60 * chosen.motion_minutes)
    attributes = {name: of for name, of in judges.accuracy.items() if name in ATTRIBUTES}
    judges.accuracy = attributes | measure(judges, held, MOTIONS)
    judges.facts |= {"worlds": chosen.worlds, "misread m/s": misread(judges, held)}
    for name, figures in judges.accuracy.items():
        print(name + ": " + ", ".join(f"{k} {v:.3f}" for k, v in figures.items()), flush=True)
    print("misread m/s:", judges.facts["misread m/s"])
    judges.save(chosen.out)


if __name__ == "__main__":
    main()
