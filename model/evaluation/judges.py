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
from model.evaluation.matching import match, sight
from model.evaluation.odometry import DECIDES, NAMES

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
PARTS = {"ahead": "ahead", "aside": "aside", "turn": "turn", "tilt": "tilt", "rise": "up"}  # of a motion, by judgement
DECISION = 4.0  # how much surer a judge is by as much motion as lies half-way between moving and standing
MIRRORED = (-1.0, 1.0, -1.0, 1.0, 1.0)  # a motion (odometry.NAMES) as a mirror shows it
KEYS, CAMERA = ("ahead", "aside"), ("turn", "tilt")
SPEEDS = ("ahead", "aside", "up")
GAP, SEEN = 4, 3  # frames between two moments of a window, and moments of one
LOOKED = tuple(GAP * moment + again for moment in range(SEEN) for again in (0, 1))  # frames of a window: two a moment
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
        self.motion = MotionReader(config.motion)
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
        read = [logits_of(*self.solved(looks)) for looks in pictures.split(1)]
        return split(torch.cat(read), MOTIONS)

    @torch.inference_mode()
    def speeds(self, pictures: Tensor) -> Tensor:
        """The frames 0, 1, GAP and GAP + 1, [N, 4, 3, 135, 240] -> metres a second ahead, aside and up, [N, 3]."""
        return speeds_m_s(torch.cat([self.solved(looks)[0][:, 0] for looks in pictures.split(1)]))

    @torch.inference_mode()
    def solved(self, looks: Tensor) -> tuple[Tensor, Tensor]:
        """Two looks, a frame apart, at each of K moments, GAP frames apart [B, 2 K, 3, 135, 240] -> the motion from
        each moment to the next [B, K - 1, 5] (odometry.NAMES), and how sure that is (1 / unit^2). Each is read four
        times: forth and back, as it is and as a mirror shows it; what is misread seldom is so in all."""
        rows = torch.arange(looks.shape[0] * looks.shape[1] // 2).unflatten(0, (len(looks), -1))
        total = weight = torch.zeros(())
        for mirrored in (False, True):
            for backward in (False, True):
                seen = looks.flip(-1) if mirrored else looks
                moments = without_falling(seen.flip(1) if backward else seen, GAP)
                seen_there = sight(moments.flatten(0, 1))
                read = self.motion(match(*(seen_there.of(part.flatten()) for part in (rows[:, :-1], rows[:, 1:]))))
                motion, sure = (of.unflatten(0, (len(looks), -1)) for of in (read.motion, 1 / read.spread.square()))
                if mirrored:
                    motion = motion * motion.new_tensor(MIRRORED)
                if backward:
                    motion, sure = -motion.flip(1), sure.flip(1)
                total, weight = total + sure * motion, weight + sure
        return total / weight, weight

    def describe(self) -> str:
        """One line: the config and the number of parameters."""
        return f"{asdict(self.config)}, {sum(p.numel() for p in self.parameters())} parameters"


def split(logits: Tensor, groups: dict[str, tuple[str, ...]]) -> dict[str, Tensor]:
    """Joined logits [N, all] -> chances by group."""
    parts = logits.split([len(names) for names in groups.values()], 1)
    return {name: part.softmax(1) for name, part in zip(groups, parts, strict=True)}


def logits_of(motion: Tensor, sure: Tensor) -> Tensor:
    """Motions over GAP frames each of windows and how sure each is [N, SEEN - 1, 5] -> the classes of all MOTIONS
    joined, [N, 15]: which side of half-way between moving and standing (odometry.DECIDES) their mean lies."""
    mean = (sure * motion).sum(1) / sure.sum(1)
    parts = []
    for name in MOTIONS:
        part = NAMES.index(PARTS[name])
        share = mean[:, part] / DECIDES[part]
        parts.append(DECISION * torch.stack([-share - 1, torch.zeros_like(share), share - 1], 1))
    return torch.cat(parts, 1)


def speeds_m_s(motion: Tensor) -> Tensor:
    """Motions over GAP frames [N, 5] (odometry.NAMES) -> SPEEDS [N, 3]."""
    return motion[:, [NAMES.index(name) for name in SPEEDS]] * (24 / GAP)


def _pooled(seen: Tensor) -> Tensor:
    """[B, C, h, w] -> [B, 4 C]: means and maxima of both halves, since sky and ground say different things."""
    return torch.cat([part for half in seen.tensor_split(2, 2) for part in (half.mean((2, 3)), half.amax((2, 3)))], 1)


def _stage(inputs: int, outputs: int) -> nn.Module:
    size = 5 if inputs == 3 else 3
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, 2, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())
