"""The judges: networks that read light, weather, place and motion out of pixels, as a person would.
Know pictures and their own weights; nothing of the world that drew them, of its state, or of what was asked of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from configs.paths import WEIGHTS
from model import checkpoint
from model.evaluation.falling import without_falling
from model.evaluation.flow import MotionReader
from model.evaluation.matching import Matches, match
from model.evaluation.odometry import NAMES

KIND = "judges"
FILE = WEIGHTS / "judges.safetensors"
ATTRIBUTES: dict[str, tuple[str, ...]] = {  # what a picture shows -> its classes
    "time": ("dawn", "day", "dusk", "night"),
    "weather": ("clear", "overcast", "fog", "rain", "snow"),
    "place": ("meadow", "desert", "mountains", "coast"),
}
MOTIONS: dict[str, tuple[str, ...]] = {  # what a window of SEEN moments, GAP frames apart, shows -> its classes
    "ahead": ("back", "none", "forward"),
    "aside": ("left", "none", "right"),
    "turn": ("left", "none", "right"),
    "tilt": ("down", "none", "up"),
    "rise": ("falling", "level", "rising"),
}
CLASSES = [len(classes) for classes in MOTIONS.values()]
KEYS, CAMERA = ("ahead", "aside"), ("turn", "tilt")
SPEEDS = ("ahead", "aside", "up")
GAP, SEEN = 4, 3  # frames between two moments of a window, and moments of one
LOOKED = tuple(GAP * moment + again for moment in range(SEEN) for again in (0, 1))  # frames of a window: two a moment
PAIRS = ((0, 1), (1, 2), (0, 2))  # of a window that are compared
GOOD_ENOUGH = 0.95  # balanced accuracy on held-out truth


@dataclass(frozen=True)
class JudgesConfig:
    """Widths of the reader's stages and of the motion reader."""

    reader: tuple[int, ...] = (24, 40, 56, 72)
    motion: int = 56

    def __post_init__(self) -> None:
        if len(self.reader) != 4 or min(*self.reader, self.motion) < 1:
            raise ValueError(f"expected four positive widths and one, got {self.reader} and {self.motion}")


class Reader(nn.Module):
    """[B, 3, 135, 240] in -1..1 -> logits of all attributes joined, [B, 13]."""

    def __init__(self, widths: tuple[int, ...]):
        super().__init__()
        self.stages = nn.Sequential(*(_stage(a, b) for a, b in pairwise((3, *widths))))
        self.head = nn.Sequential(
            nn.Linear(4 * widths[-1], 96), nn.ReLU(), nn.Linear(96, sum(map(len, ATTRIBUTES.values())))
        )

    def features(self, picture: Tensor) -> Tensor:
        """What each stage sees, [B, 4 of all widths]: the first ones how a picture is drawn, the last ones of what."""
        found = []
        for stage in self.stages:
            picture = stage(picture)
            found.append(_pooled(picture))
        return torch.cat(found, 1)

    def forward(self, picture: Tensor) -> Tensor:
        return self.head(_pooled(self.stages(picture)))


class Judges(nn.Module):
    """Both readers, and how good each attribute's judgement was on held-out truth."""

    def __init__(self, config: JudgesConfig):
        super().__init__()
        self.config = config
        self.reader = Reader(config.reader)
        self.motion = MotionReader(config.motion, sum(map(len, MOTIONS.values())), len(PAIRS))
        self.accuracy: dict[str, dict[str, float]] = {}  # name -> value, low, high, n
        self.facts: dict[str, object] = {}  # of their training

    @classmethod
    def load(cls, path: Path = FILE) -> Judges:
        """The trained judges. Raises CheckpointError when the file is missing or is something else."""
        judges = checkpoint.restored(path, KIND, JudgesConfig, cls)
        judges.facts = facts = checkpoint.load_extra(path, KIND)
        judges.accuracy = facts["held_out"]
        return judges

    def save(self, path: Path) -> None:
        """Weights in bfloat16 with the config and the facts of their training."""
        halved = {k: t.bfloat16() if t.is_floating_point() else t for k, t in self.state_dict().items()}
        checkpoint.save(path, halved, self.config, KIND, self.facts | {"held_out": self.accuracy})

    def usable(self, name: str) -> bool:
        """Whether figures may rest on this judgement: all classes of "time", or "time night" against all others."""
        kind, _, shown = name.partition(" ")
        return self.accuracy[kind][f"is {shown}" if shown else "value"] >= GOOD_ENOUGH

    @torch.inference_mode()
    def read(self, pictures: Tensor) -> dict[str, Tensor]:
        """[N, 3, 135, 240] -> for each attribute the chances of its classes, [N, classes]."""
        return split(torch.cat([self.reader(part) for part in pictures.split(16)]), ATTRIBUTES)

    @torch.inference_mode()
    def features(self, pictures: Tensor) -> Tensor:
        """[N, 3, 135, 240] -> [N, F], for distances between sets of pictures."""
        return torch.cat([self.reader.features(part) for part in pictures.split(16)])

    @torch.inference_mode()
    def motions(self, pictures: Tensor) -> dict[str, Tensor]:
        """Windows [N, LOOKED, 3, 135, 240] -> for each motion the chances of its classes, [N, classes]."""
        logits = []
        for looks in pictures.split(1):
            forth, back = (without_falling(way, GAP)[0] for way in (looks, looks.flip(1)))
            first, second = ([pair[i] for pair in PAIRS] for i in (0, 1))
            ways = (match(window[first], window[second]) for window in (forth, back))
            logits.append(self.both_ways(*ways)[0])
        return split(torch.cat(logits), MOTIONS)

    @torch.inference_mode()
    def both_ways(self, forth: Matches, back: Matches) -> tuple[Tensor, Tensor]:
        """The PAIRS of windows, one window after the other, and of the same from their end to their beginning -> the
        mean logarithms of the chances of all motions joined, and the motion from the first moment to the second,
        [windows, ...]. What the way back undoes has happened; what is misread seldom is undone."""
        there, home = (self.motion(of) for of in (forth, back))
        chances = (self.motion.classes(read, len(PAIRS)).split(CLASSES, 1) for read in (there, home))
        alike = [(a.log_softmax(1) + b.log_softmax(1).flip(1)) / 2 for a, b in zip(*chances, strict=True)]
        went, came = (read.motion.unflatten(0, (-1, len(PAIRS))) for read in (there, home))
        return torch.cat(alike, 1), (went[:, PAIRS.index((0, 1))] - came[:, PAIRS.index((1, 2))]) / 2

    @torch.inference_mode()
    def speeds(self, pictures: Tensor) -> Tensor:
        """The frames 0, 1, GAP and GAP + 1, [N, 4, 3, 135, 240] -> metres a second ahead, aside and up, [N, 3]."""
        motions = []
        for looks in pictures.split(4):
            ways = (without_falling(way, GAP).unbind(1) for way in (looks, looks.flip(1)))
            there, home = (self.motion(match(a, b)).motion for a, b in ways)
            motions.append((there - home) / 2)
        return speeds_m_s(torch.cat(motions))

    def describe(self) -> str:
        """One line: the config and the number of parameters."""
        return f"{asdict(self.config)}, {sum(p.numel() for p in self.parameters())} parameters"


def split(logits: Tensor, groups: dict[str, tuple[str, ...]]) -> dict[str, Tensor]:
    """Joined logits [N, all] -> chances by group."""
    parts = logits.split([len(names) for names in groups.values()], 1)
    return {name: part.softmax(1) for name, part in zip(groups, parts, strict=True)}


def speeds_m_s(motion: Tensor) -> Tensor:
    """Motions over GAP frames [N, 5] (odometry.NAMES) -> SPEEDS [N, 3]."""
    return motion[:, [NAMES.index(name) for name in SPEEDS]] * (24 / GAP)


def _pooled(seen: Tensor) -> Tensor:
    """[B, C, h, w] -> [B, 4 C]: means and maxima of both halves, since sky and ground say different things."""
    return torch.cat([part for half in seen.tensor_split(2, 2) for part in (half.mean((2, 3)), half.amax((2, 3)))], 1)


def _stage(inputs: int, outputs: int) -> nn.Module:
    size = 5 if inputs == 3 else 3
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, 2, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())
