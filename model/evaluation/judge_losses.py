"""What the judges are taught by: classes that all weigh the same, and for motion where each part went, how far away it
is and the motion itself. Knows networks' outputs and truth; no files."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model.evaluation.flow import Read
from model.evaluation.matching import anchors
from model.evaluation.motion_examples import IGNORED, VISIBLE
from model.evaluation.odometry import moved, pixels

FARTHEST_PX = 60.0  # what went farther than that is not looked for
PLAUSIBLE = 0.02  # 1 / m, added before logarithms: far is far
UNITS = (0.01, 0.01, 0.07, 0.07, 0.07)  # errors of a motion that matter
PITCH_RAD = 0.05

Groups = dict[str, tuple[str, ...]]


def classes(logits: Tensor, truth: dict[str, Tensor], groups: Groups, weights: dict[str, Tensor]) -> Tensor:
    """Cross entropies of all judgements, each class as heavy as the others."""
    total = logits.new_zeros(())
    parts = logits.split([len(names) for names in groups.values()], 1)
    for (name, label), part in zip(truth.items(), parts, strict=True):
        each = F.cross_entropy(part, label, weights[name], ignore_index=IGNORED, reduction="sum")
        total = total + each / len(label)
    return total


def class_weights(truth: dict[str, Tensor], groups: Groups) -> dict[str, Tensor]:
    """Inverse to how often a class comes, of mean one over the examples."""
    weights = {}
    for name, names in groups.items():
        counts = torch.bincount(truth[name][truth[name] >= 0], minlength=len(names)).float()
        weights[name] = counts.sum() / (len(names) * counts.clamp_min(1))
    return weights


def pairs(read: Read, true: dict[str, Tensor], rays: Tensor, trust: float) -> Tensor:
    """Of pairs of pictures, `motion_examples.examples` with windows and pairs in one axis. `trust` 0..1: how much the
    solved motion counts, little while nothing is learnt."""
    inverse_m, motion = true["inverse_m"].float(), true["motion"]
    went = pixels(moved(rays / inverse_m[:, None], motion, true["pitch"])) - anchors()
    near = (went.norm(dim=1) < FARTHEST_PX).float()
    astray = (((read.went - went).norm(dim=1) / 2 + 0.01).sqrt() * near).mean()
    off = (read.inverse_m + PLAUSIBLE).log() - (inverse_m.clamp(max=2) + PLAUSIBLE).log()
    pitch = F.smooth_l1_loss(read.pitch / PITCH_RAD, true["pitch"] / PITCH_RAD)
    units = motion.new_tensor(UNITS)
    missed = F.smooth_l1_loss(read.motion / units, motion / units, reduction="none")
    solved = (missed * (true["visible"] >= VISIBLE / 2)).mean()
    return astray + 0.3 * off.abs().mean() + 0.1 * pitch + 0.3 * trust * solved
