"""How good the judges are on held-out truth: balanced accuracies with intervals over worlds, recalls, speeds misread.
Knows judges and examples; trains nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from model.evaluation.judge_examples import Examples
from model.evaluation.judges import ATTRIBUTES, MOTIONS, SPEEDS, Judges, logits_of, speeds_m_s
from model.evaluation.motion_examples import happened, labels
from model.evaluation.statistics import interval
from model.evaluation.windows import Windows

BATCH = 16
Groups = dict[str, tuple[str, ...]]
Figures = dict[str, dict[str, float]]  # by judgement
Claims = list[list[tuple[int, int]]]  # by world (true class, claimed class)


@torch.inference_mode()
def of_pictures(judges: Judges, held: Examples) -> dict[str, dict[str, float]]:
    """Accuracy of what is read from single pictures."""
    logits = torch.cat([judges.reader(part.float() / 127.5 - 1) for part in held.inputs.split(BATCH)])
    return accuracy(logits, held.labels, held.case, ATTRIBUTES)


@torch.inference_mode()
def of_motion(judges: Judges, held: Iterable[tuple[int, Windows]]) -> tuple[Figures, dict[str, float]]:
    """Accuracy of what is read from windows of worlds, by the worlds' numbers, and by how many metres a second speeds
    between two pictures are misread, the mean size."""
    logits, missed, world, truths = [], [], [], []
    for number, window in held:
        motion, sure = judges.solved(window.pictures.float() / 127.5 - 1)
        happening = happened(window)
        logits.append(logits_of(motion, sure))
        missed.append((speeds_m_s(motion[:, 0]) - speeds_m_s(happening[0][:, 0])).abs())
        truths.append(labels(*happening))
        world += [number] * len(motion)
    truth = {name: torch.cat([of[name] for of in truths]) for name in MOTIONS}
    found = accuracy(torch.cat(logits), truth, torch.tensor(world), MOTIONS)
    return found, dict(zip(SPEEDS, torch.cat(missed).mean(0).tolist(), strict=True))


def accuracy(logits: Tensor, truth: dict[str, Tensor], world: Tensor, groups: Groups) -> dict[str, dict[str, float]]:
    """Balanced accuracy of each judgement, its interval over worlds, each class's recall, and each class against the
    rest."""
    figures = {}
    for part, (name, names) in zip(logits.split([len(n) for n in groups.values()], 1), groups.items(), strict=True):
        by_world: dict[int, list[tuple[int, int]]] = {}
        for number, true, claim in zip(world.tolist(), truth[name].tolist(), part.argmax(1).tolist(), strict=True):
            if true >= 0:
                by_world.setdefault(number, []).append((true, claim))
        cases = list(by_world.values())
        low, high = interval(cases, balanced) if cases else (math.nan, math.nan)
        figures[name] = {"value": balanced(cases), "low": low, "high": high, "n": sum(map(len, cases))}
        for i, shown in enumerate(names):
            figures[name][f"recall {shown}"] = balanced([[row for row in case if row[0] == i] for case in cases])
            figures[name][f"is {shown}"] = balanced(against_the_rest(cases, i))
    return figures


def against_the_rest(cases: Claims, shown: int) -> Claims:
    """The same (truth, claim) as whether each is that class."""
    return [[(int(truth == shown), int(claim == shown)) for truth, claim in case] for case in cases]


def balanced(cases: Claims) -> float:
    """Mean recall over the classes that come in these cases' (truth, claim); not a number when there are none."""
    right: dict[int, list[bool]] = {}
    for case in cases:
        for truth, claim in case:
            right.setdefault(truth, []).append(claim == truth)
    return sum(sum(r) / len(r) for r in right.values()) / len(right) if right else math.nan
