"""What a metric brings: figures, the cases that they are made of, and how cases become one number.
Knows numbers and the few pictures that a case shows; not how either came about."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from model.evaluation.episodes import Episode, Player, Shots, Truth
from model.evaluation.judges import LOOKED, MOTIONS, Judges
from model.evaluation.motion_examples import labels_of
from model.evaluation.pictures import digest, look

Rows = list[list[str]]  # [true class, class that the judge names]
Value = Any  # of one case, JSON-able: a number, or Rows; None does not count


@dataclass(frozen=True)
class Figure:
    """One number of the report. `rests_on`: the judgements behind it."""

    name: str
    unit: str
    says: str
    of: Callable[[list[Value]], float]
    higher_is_better: bool = True
    rests_on: tuple[str, ...] = ()


@dataclass
class Case:
    """One seed's share of the figures. `shown`, `true`: frames for people, by index; `over_time`: a curve by name."""

    name: str
    values: dict[str, Value]
    shown: Shots = field(default_factory=dict)
    true: Shots = field(default_factory=dict)
    over_time: dict[str, list[list[float]]] = field(default_factory=dict)  # name -> [seconds, value] ...


@dataclass(frozen=True)
class Court:
    """Whom a metric may ask."""

    truth: Truth
    judges: Judges
    _read: dict[bytes, dict[str, Tensor]] = field(default_factory=dict, repr=False)
    _labels: dict[tuple[str, tuple[int, ...]], dict[str, Tensor]] = field(default_factory=dict, repr=False)

    def labels(self, episode: Episode, frames: list[int]) -> dict[str, Tensor]:
        """What truly happens in the windows that begin with these frames (`motion_examples.labels_of`)."""
        key = episode.key(), tuple(frames)
        if key not in self._labels:
            self._labels[key] = labels_of(self.truth.facts(episode), frames)
        return self._labels[key]

    def motions(self, shown: Shots, frames: list[int]) -> dict[str, Tensor]:
        """What the judges read of the windows that begin with these frames (`Judges.motions`). The same pictures are
        read once, whoever shows them."""
        keys = [b"".join(digest(shown[f + later]) for later in LOOKED) for f in frames]
        new = {key: f for key, f in zip(keys, frames, strict=True) if key not in self._read}
        for key, f in new.items():
            self._read[key] = self.judges.motions(look([shown[f + later] for later in LOOKED])[None])
        return {name: torch.cat([self._read[key][name] for key in keys]) for name in MOTIONS}


@dataclass(frozen=True)
class Size:
    """How many cases of each kind, and how long the long ones are."""

    walks: int
    responses: int
    visits: int
    away_s: tuple[int, ...]
    prompts: int
    fresh: int
    changes: int
    drifts: int
    drift_s: int
    jumps: int
    balls: int
    subjects: int


QUICK = Size(
    walks=10,
    responses=6,
    visits=4,
    away_s=(10,),
    prompts=10,
    fresh=4,
    changes=2,
    drifts=2,
    drift_s=60,
    jumps=5,
    balls=3,
    subjects=6,
)


class Family(Protocol):
    """Figures over the same cases."""

    @property
    def name(self) -> str:
        """As the command line calls it."""

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What its cases come to."""


class Metric(Family, Protocol):
    """A family whose cases a player plays."""

    def names(self, size: Size) -> list[str]:
        """Of its cases, in the order in which they are played."""

    def frames(self, number: int, size: Size) -> int:
        """How many frames a case plays, for an estimate of how long it takes."""

    def case(self, number: int, size: Size, player: Player, court: Court) -> Case:
        """Plays one case and judges it."""


def mean(values: list[Value]) -> float:
    """The mean of numbers."""
    return float(np.mean(values)) if values else math.nan


def balanced(values: list[Rows]) -> float:
    """Mean recall over the classes that come in all cases' rows."""
    right: dict[str, list[bool]] = {}
    for rows in values:
        for truth, claim in rows:
            right.setdefault(truth, []).append(truth == claim)
    return mean([mean(of) for of in right.values()])


def above_chance(rows: Sequence[Sequence[str]], classes: int) -> float:
    """Balanced accuracy from 0 (chance) to 1."""
    return (balanced([[list(row) for row in rows]]) - 1 / classes) / (1 - 1 / classes)
