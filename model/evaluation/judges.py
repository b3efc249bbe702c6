"""The judges: networks that read light, weather, place and motion out of pixels, as a person would.
Know pictures and their own weights; nothing of the world that drew them, of its state, or of what was asked of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from configs.paths import WEIGHTS
from model import checkpoint
from model.evaluation.alignment import FEATURES, IN_A_MIRROR, NAMES, SCALES, SPREAD, between

KIND = "judges"
FILE = WEIGHTS / "judges.safetensors"
ATTRIBUTES: dict[str, tuple[str, ...]] = {  # what a picture shows -> its classes
    "time": ("dawn", "day", "dusk", "night"),
    "weather": ("clear", "overcast", "fog", "rain", "snow"),
    "place": ("meadow", "desert", "mountains", "coast"),
}
MOTIONS: dict[str, tuple[str, ...]] = {  # what two pictures GAP frames apart show -> its classes
    "ahead": ("back", "none", "forward"),
    "aside": ("left", "none", "right"),
    "turn": ("left", "none", "right"),
    "tilt": ("down", "none", "up"),
    "rise": ("falling", "level", "rising"),
}
KEYS, CAMERA = ("ahead", "aside"), ("turn", "tilt")
SPEEDS = ("ahead", "aside", "up")
GAP = 4  # frames
CLEAR_M = 0.012  # of a step aside: whoever cannot know it better sees too little
FARTHEST, SPEED_M_S = 8.0, 3.0  # of what the reader is told, by its scale; what its speeds are measured by
GOOD_ENOUGH = 0.95  # balanced accuracy on held-out truth


@dataclass(frozen=True)
class JudgesConfig:
    """Widths of the reader's stages and of the motion reader's hidden layer."""

    reader: tuple[int, ...] = (24, 40, 56, 72)
    motion: int = 48

    def __post_init__(self) -> None:
        if len(self.reader) != 4 or min(*self.reader, self.motion) < 1:
            raise ValueError(f"expected four positive widths and one, got {self.reader} and {self.motion}")


class Reader(nn.Module):
    """[B, 3, 135, 240] in -1..1 -> logits of all attributes joined, [B, 13]; `features` [B, 4 C] on the way."""

    def __init__(self, widths: tuple[int, ...]):
        super().__init__()
        self.stages = nn.Sequential(*(_stage(a, b) for a, b in pairwise((3, *widths))))
        self.head = nn.Sequential(
            nn.Linear(4 * widths[-1], 96), nn.ReLU(), nn.Linear(96, sum(map(len, ATTRIBUTES.values())))
        )

    def features(self, picture: Tensor) -> Tensor:
        halves = self.stages(picture).tensor_split(2, 2)  # sky and ground say different things
        return torch.cat([part for half in halves for part in (half.mean((2, 3)), half.amax((2, 3)))], 1)

    def forward(self, picture: Tensor) -> Tensor:
        return self.head(self.features(picture))


class MotionReader(nn.Module):
    """How the camera moved if all were flat (see `alignment.between`), [B, 23] -> logits of all motions joined and
    metres a second ahead, aside and up, [B, 15 + 3]."""

    def __init__(self, width: int):
        super().__init__()
        self.head = nn.Sequential(
            nn.Linear(FEATURES, width),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, sum(map(len, MOTIONS.values())) + len(SPEEDS)),
        )

    def forward(self, aligned: Tensor) -> Tensor:
        return self.head((aligned * torch.tensor(SCALES)).clamp(-FARTHEST, FARTHEST))


class Moved(NamedTuple):
    """What pairs of pictures show: chances of each motion's classes [N, classes], metres a second ahead, aside and up
    [N, 3], and whether there was enough to see [N]."""

    chances: dict[str, Tensor]
    speeds: Tensor
    clear: Tensor


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
    def moved(self, first: Tensor, second: Tensor) -> Moved:
        """Pictures [N, 3, 135, 240] and those GAP frames later -> how the camera moved between them."""
        pairs = zip(first.split(8), second.split(8), strict=True)
        aligned = torch.cat([between(a, b) for a, b in pairs])
        read = self.motion(aligned)
        return Moved(split(read[:, : -len(SPEEDS)], MOTIONS), SPEED_M_S * read[:, -len(SPEEDS) :], clear(aligned))

    def describe(self) -> str:
        """One line: the config and the number of parameters."""
        return f"{asdict(self.config)}, {sum(p.numel() for p in self.parameters())} parameters"


def split(logits: Tensor, groups: dict[str, tuple[str, ...]]) -> dict[str, Tensor]:
    """Joined logits [N, all] -> chances by group."""
    parts = logits.split([len(names) for names in groups.values()], 1)
    return {name: part.softmax(1) for name, part in zip(groups, parts, strict=True)}


def clear(aligned: Tensor) -> Tensor:
    """Whether a person could tell how the camera moved [B]: not at night, in thick fog, or before a blank slope."""
    return aligned[:, SPREAD][:, NAMES.index("aside")].exp() <= CLEAR_M


def mirrored(aligned: Tensor) -> Tensor:
    """What the mirrored pictures would say."""
    return aligned * torch.tensor(IN_A_MIRROR)


def _stage(inputs: int, outputs: int) -> nn.Module:
    size = 5 if inputs == 3 else 3
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, 2, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())
