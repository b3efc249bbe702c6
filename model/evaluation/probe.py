"""Reads weather, night, place and camera motion from pixels alone: a small judge of what a stream really shows.
Knows RGB pictures and its own weights; refuses to know the simulator, prompts, or what was asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from configs.paths import WEIGHTS
from model import checkpoint
from model.evaluation.motion import camera_motion

KIND = "probe"
FARTHEST_M = 2.0  # nobody runs farther in 8 frames
HEIGHT, WIDTH = 135, 240  # what it looks at: half of the streamed 480x270
ATTRIBUTES = ("snow", "rain", "fog", "night")

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class ProbeConfig:
    """Channels of the four stages of the reader, and the places by their logits."""

    channels: tuple[int, ...] = (16, 32, 48, 64)
    places: tuple[str, ...] = ("meadow", "desert", "mountains", "coast")

    def __post_init__(self) -> None:
        if len(self.channels) != 4 or min(self.channels) < 1:
            raise ValueError(f"channels: expected four positive numbers, got {self.channels}")


class Reader(nn.Module):
    """[B, 3, 135, 240] in -1..1 -> logits [B, attributes + places]."""

    def __init__(self, config: ProbeConfig):
        super().__init__()
        widths = (3, *config.channels)
        self.stages = nn.Sequential(*(_stage(a, b) for a, b in pairwise(widths)))
        self.head = nn.Sequential(
            nn.Linear(4 * widths[-1], 64), nn.ReLU(), nn.Linear(64, len(ATTRIBUTES) + len(config.places))
        )

    def forward(self, picture: Tensor) -> Tensor:
        seen = self.stages(picture)  # the sky half and the ground half say different things
        parts = [part for half in seen.tensor_split(2, 2) for part in (half.mean((2, 3)), half.amax((2, 3)))]
        return self.head(torch.cat(parts, 1))


class Probe(nn.Module):
    """What a picture shows, and how the camera moved between two, from pictures as they are received."""

    def __init__(self, config: ProbeConfig):
        super().__init__()
        self.config = config
        self.reader = Reader(config)
        self.register_buffer("forward_line", torch.tensor([1.0, 0.0]))  # metres by growth: slope, intercept

    @classmethod
    def load(cls, path: Path = WEIGHTS / "probe.safetensors") -> Probe:
        """The trained probe. Raises CheckpointError when the file is missing or is something else."""
        return checkpoint.restored(path, KIND, ProbeConfig, cls)

    def save(self, path: Path, facts: dict[str, object]) -> None:
        """Weights in float32 with the config and the facts of their training."""
        checkpoint.save(path, self.state_dict(), self.config, KIND, facts)

    @torch.no_grad()
    def read(self, rgb: Picture) -> dict[str, float]:
        """uint8 [H, W, 3] of the streamed part -> snow, rain, fog, night in 0..1, place logits as `place.<name>`."""
        logits = self.reader(_look(rgb))[0]
        count = len(ATTRIBUTES)
        reading = dict(zip(ATTRIBUTES, logits[:count].sigmoid().tolist(), strict=True))
        names = (f"place.{name}" for name in self.config.places)
        return reading | dict(zip(names, logits[count:].tolist(), strict=True))

    @torch.no_grad()
    def motion(self, rgb_a: Picture, rgb_b: Picture) -> dict[str, float]:
        """Two pictures 4 to 8 frames apart -> `forward` in metres and `turn` in radians (right is positive), in all.

        The turn is good wherever something can be seen. Metres are rough: average several pairs before judging.
        """
        forward, turn = self.moved(_look(rgb_a), _look(rgb_b))[0].tolist()
        return {"forward": forward, "turn": turn}

    def moved(self, first: Tensor, second: Tensor) -> Tensor:
        """Pictures [B, 3, 135, 240] in -1..1 -> [B, 2] metres forward and radians to the right."""
        forward, turn = camera_motion(first, second).unbind(1)
        slope, intercept = self.get_buffer("forward_line")
        metres = (slope * forward + intercept).clamp(-FARTHEST_M, FARTHEST_M)
        return torch.stack([metres, turn], 1)

    def describe(self) -> str:
        """One line: the config and the number of parameters."""
        return f"{asdict(self.config)}, {sum(p.numel() for p in self.parameters())} parameters"


def normalised(rgb: Tensor) -> Tensor:
    """0..255 -> -1..1."""
    return rgb / 127.5 - 1


def _look(rgb: Picture) -> Tensor:
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f"expected a picture uint8 [H, W, 3], got {rgb.dtype} {rgb.shape}")
    picture = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].float()
    return normalised(F.interpolate(picture, (HEIGHT, WIDTH), mode="area"))


def _stage(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 5 if inputs == 3 else 3, 2, 2 if inputs == 3 else 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def main() -> None:
    """Trains it: `python -m model.evaluation.probe --clips DIR --minutes N`."""
    from model.evaluation import probe_training  # the simulator's clips are needed here and nowhere else

    probe_training.main()


if __name__ == "__main__":
    main()
