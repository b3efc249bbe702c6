"""The judges: networks that read light, weather, place and motion out of pixels, as a person would.
Know pictures and their own weights; nothing of the world that drew them, of its state, or of what was asked of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from configs.paths import WEIGHTS
from model import checkpoint
from model.evaluation.motion import CELL, cell_patches, cells
from model.evaluation.pictures import HEIGHT, WIDTH

KIND = "judges"
FILE = WEIGHTS / "judges.safetensors"
ATTRIBUTES = {  # what a picture shows -> its classes
    "time": ("dawn", "day", "dusk", "night"),
    "weather": ("clear", "overcast", "fog", "rain", "snow"),
    "place": ("meadow", "desert", "mountains", "coast"),
}
MOTIONS = {  # what two pictures GAP frames apart show -> its classes
    "ahead": ("back", "none", "forward"),
    "aside": ("left", "none", "right"),
    "turn": ("left", "none", "right"),
    "tilt": ("down", "none", "up"),
    "air": ("ground", "air"),
}
KEYS, CAMERA = ("ahead", "aside"), ("turn", "tilt")
GAP = 4  # frames
REACH_X, REACH_Y = 12, 6  # how far a patch is looked for, in cells of motion.CELL pixels
REGION, SHARPNESS = 3, 40.0  # cells of likeness averaged into one; of the soft maximum over shifts
CLEAR = 9.0  # mean sureness of regions
FLOW_SCALE = 6.0  # of flows as the reader sees them
GOOD_ENOUGH = 0.95  # balanced accuracy on held-out truth


@dataclass(frozen=True)
class JudgesConfig:
    """Widths of the reader's stages and of the motion reader's hidden layer."""

    reader: tuple[int, ...] = (24, 40, 56, 72)
    motion: int = 64

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
    """Flows [B, 5, 11, 20] (see `flow`) -> logits of all motions joined, [B, 14].

    Reads the flow of 3x5 parts of the picture, in each the mean over regions as far as they are sure."""

    def __init__(self, width: int):
        super().__init__()
        self.head = nn.Sequential(
            nn.Linear(15 * 3, width), nn.ReLU(), nn.Dropout(0.2), nn.Linear(width, sum(map(len, MOTIONS.values())))
        )

    def forward(self, flows: Tensor) -> Tensor:
        went, sure = flows[:, :2], sureness(flows)
        share = F.adaptive_avg_pool2d(sure, (3, 5))
        mean = F.adaptive_avg_pool2d(went * sure, (3, 5)) / (share + 0.5)
        return self.head(torch.cat([FLOW_SCALE * mean, share.log1p() / 3], 1).flatten(1))


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
        values, tensors = checkpoint.load(path, KIND)
        judges = cls(checkpoint.as_config(JudgesConfig, values))
        checkpoint.load_into(judges, tensors, KIND)
        judges.facts = facts = checkpoint.load_extra(path, KIND)
        judges.accuracy = facts["held_out"]
        return judges.eval().requires_grad_(False)

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
    def moved(self, first: Tensor, second: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Pictures [N, 3, 135, 240] and those GAP frames later -> for each motion the chances of its classes, and
        whether there was enough to see [N]."""
        pairs = zip(first.split(8), second.split(8), strict=True)
        flows = torch.cat([flow(cells(a), cells(b)) for a, b in pairs])
        return split(self.motion(flows), MOTIONS), clear(flows)

    def describe(self) -> str:
        """One line: the config and the number of parameters."""
        return f"{asdict(self.config)}, {sum(p.numel() for p in self.parameters())} parameters"


def split(logits: Tensor, groups: dict[str, tuple[str, ...]]) -> dict[str, Tensor]:
    """Joined logits [N, all] -> chances by group."""
    parts = logits.split([len(names) for names in groups.values()], 1)
    return {name: part.softmax(1) for name, part in zip(groups, parts, strict=True)}


def flow(first: Tensor, second: Tensor) -> Tensor:
    """Cells [B, 1, 33, 60] of two pictures -> [B, 5, 11, 20]: where each region of 3x3 cells went, right and down in
    cells by REACH_X; how sure that is (likeness at best, and its spread); and how much there is to see."""
    a, b = cell_patches(first), cell_patches(second)
    rows, columns = a.shape[2:]
    padded = F.pad(b, (REACH_X, REACH_X, REACH_Y, REACH_Y)).permute(0, 2, 1, 3)
    inside = F.pad(torch.ones(1, 1, rows, columns), (REACH_X, REACH_X, REACH_Y, REACH_Y))
    wide, each = columns + 2 * REACH_X, a.permute(0, 2, 3, 1)
    alike, moves = [], []
    for dy in range(2 * REACH_Y + 1):
        products = each @ padded[:, dy : dy + rows]  # [B, rows, columns, wide]: every cell with every one of that row
        band = products.as_strided(
            (len(a), rows, columns, 2 * REACH_X + 1), (rows * columns * wide, columns * wide, wide + 1, 1)
        )
        found = F.avg_pool2d(band.permute(0, 3, 1, 2), REGION)
        share = F.avg_pool2d(inside[:, :, dy : dy + rows].unfold(3, columns, 1)[0, 0].permute(1, 0, 2)[None], REGION)
        alike.append(torch.where(share > 0.3, found / share.clamp_min(0.3), -1.0))  # what left the picture is no proof
        moves += [(dx - REACH_X, dy - REACH_Y) for dx in range(2 * REACH_X + 1)]
    likeness = torch.cat(alike, 1)
    chance, move = (SHARPNESS * likeness).softmax(1), torch.tensor(moves, dtype=torch.float32) / REACH_X
    went = torch.einsum("bsyx,sk->bkyx", chance, move)
    spread = torch.einsum("bsyx,s->byx", chance, move.square().sum(1)) - went.square().sum(1)
    texture = F.avg_pool2d(a.square().sum(1, keepdim=True), REGION)
    return torch.cat([went, likeness.amax(1, keepdim=True), spread[:, None], texture], 1)


def sureness(flows: Tensor) -> Tensor:
    """How far regions can be relied on, [B, 1, 11, 20]: they look alike, in one place only, and there is something."""
    best, spread, texture = flows[:, 2:].split(1, 1)
    return best.clamp_min(0).square() * texture.clamp(0, 1) / (0.02 + spread.clamp_min(0))


def clear(flows: Tensor) -> Tensor:
    """Whether a person could tell how the camera moved [B]: not at night, in thick fog, or before a blank slope."""
    return sureness(flows).mean((1, 2, 3)) >= CLEAR


def mirrored(flows: Tensor) -> Tensor:
    """The flows of the mirrored pictures."""
    flipped = flows.flip(-1)
    return torch.cat([-flipped[:, :1], flipped[:, 1:]], 1)


def _stage(inputs: int, outputs: int) -> nn.Module:
    size = 5 if inputs == 3 else 3
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, 2, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


assert (HEIGHT // CELL, WIDTH // CELL) == (33, 60)
