"""Episodes: a scene, what is done in it, and which frames are looked at; and the four ways to play one.
Truth is drawn once by the simulator and kept, since drawing is the dear part. Knows files and subjects; no metric."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.evaluation.pictures import Picture
from model.evaluation.subjects import BLUR, Act, Beginning, CopyLastFrame, Scene, Simulator, Subject, blur
from model.planes import pack

TRUTH_VERSION = 1  # raise it when the simulator draws or moves differently
KEPT = 24  # episodes


@dataclass(frozen=True)
class Episode:
    """`looked`: the frames that are judged, in order; frame 0 is the beginning, frame t follows acts[t - 1]."""

    name: str
    scene: Scene
    acts: tuple[Act, ...]
    looked: tuple[int, ...]

    def __post_init__(self) -> None:
        looked = list(self.looked)
        if looked != sorted(set(looked)) or not 0 <= looked[0] <= looked[-1] <= len(self.acts):
            raise ValueError(f"{self.name}: expected frames within 0..{len(self.acts)} in order, got {self.looked}")

    def key(self) -> str:
        """A name for its truth: what is said does not count, what is meant does."""
        meant = [(astuple(act.controls), act.say and act.say.meant()) for act in self.acts]
        facts = (TRUTH_VERSION, self.scene.world, self.scene.place, astuple(self.scene.walk), astuple(self.scene.sky))
        return hashlib.sha256(repr((facts, self.scene.clock, meant, self.looked)).encode()).hexdigest()[:16]


Shots = dict[int, Picture]  # by frame


class Player(Protocol):
    """Plays episodes; `invents` as of subjects."""

    invents: bool

    def play(self, episode: Episode) -> Shots:
        """The frames that are looked at."""

    def encoded(self, episode: Episode) -> Picture:
        """The true first frame, as the tokenizer leaves it of whoever has one."""


class Truth:
    """Episodes as the simulator plays them, kept in a folder. Its `facts` are for labels alone."""

    invents = False

    def __init__(self, folder: Path):
        self._folder = folder
        self._simulator: Simulator | None = None
        self._recent: tuple[str, dict[str, Tensor]] = ("", {})
        folder.mkdir(parents=True, exist_ok=True)

    def play(self, episode: Episode) -> Shots:
        return pictures(self.facts(episode))

    def encoded(self, episode: Episode) -> Picture:
        return self.play(episode)[0]

    def beginning(self, episode: Episode) -> Beginning:
        """What a subject may know when this episode begins."""
        if episode.scene.told:
            return Beginning(episode.scene)
        facts = self.facts(episode)
        return Beginning(episode.scene, Picture(facts["y"][0], facts["u"][0], facts["v"][0]), facts["depth"][0])

    def facts(self, episode: Episode) -> dict[str, Tensor]:
        """frames [N], y, u, v [N, ...] uint8, depth [N, 144, 256] int32, walk [T + 1, 9], sky [T + 1, 6]."""
        key = episode.key()
        if self._recent[0] != key:
            path = self._folder / f"{key}.safetensors"
            if not path.is_file():
                temporary = path.with_suffix(f".{os.getpid()}.tmp")
                save_file(self._draw(episode), temporary)
                temporary.rename(path)
            self._recent = (key, load_file(path))
        return self._recent[1]

    def _draw(self, episode: Episode) -> dict[str, Tensor]:
        self._simulator = simulator = self._simulator or Simulator()
        shots, depths, walks, skies = [], [], [], []
        looked = set(episode.looked) | {0}
        for frame in range(len(episode.acts) + 1):
            if frame == 0:
                shown = simulator.reset(Beginning(episode.scene))
            else:
                shown = simulator.step(episode.acts[frame - 1], look=frame in looked)
            walks.append(torch.tensor(astuple(simulator.walk), dtype=torch.float32))
            skies.append(torch.tensor(astuple(simulator.sky), dtype=torch.float32))
            if frame in looked:
                shots.append(shown)
                depths.append(simulator.depth)
        planes = {name: torch.stack([getattr(shot, name) for shot in shots]) for name in ("y", "u", "v")}
        facts = {"frames": torch.tensor(sorted(looked)), "depth": torch.stack(depths)}
        return planes | facts | {"walk": torch.stack(walks), "sky": torch.stack(skies)}


def pictures(facts: dict[str, Tensor]) -> Shots:
    """The frames of what is kept of an episode."""
    planes = zip(facts["frames"].tolist(), facts["y"], facts["u"], facts["v"], strict=True)
    return {frame: Picture(y, u, v) for frame, y, u, v in planes}


class OutOfFocus:
    """The truth, blurred: what `subjects.Blurred` makes of the simulator, without drawing it again."""

    invents = False

    def __init__(self, truth: Truth, radius: int = BLUR):
        self._truth, self._radius = truth, radius

    def play(self, episode: Episode) -> Shots:
        return {frame: blur(shot, self._radius) for frame, shot in self._truth.play(episode).items()}

    def encoded(self, episode: Episode) -> Picture:
        return blur(self._truth.encoded(episode), self._radius)


class ThroughTokenizer:
    """The truth as a tokenizer leaves it (`reconstruct`: planes to planes): the ceiling of whoever decodes latents."""

    invents = False

    def __init__(self, truth: Truth, reconstruct: Callable[[Tensor], Tensor]):
        self._truth, self._reconstruct = truth, reconstruct

    def play(self, episode: Episode) -> Shots:
        facts = self._truth.facts(episode)
        planes = pack(facts["y"], facts["u"], facts["v"], facts["depth"])
        frames = facts["frames"].tolist()
        return {f: Picture.of_planes(self._reconstruct(p[None])) for f, p in zip(frames, planes, strict=True)}

    def encoded(self, episode: Episode) -> Picture:
        return self.play(episode)[0]


class Live:
    """A subject, played frame by frame from the truth's first picture; the last episodes are kept for other metrics.
    `tokenizer`: that of a subject that has one."""

    def __init__(self, subject: Subject, truth: Truth, tokenizer: ThroughTokenizer | None = None):
        self._subject, self._truth, self.invents = subject, truth, subject.invents
        self._tokenizer = tokenizer
        self._played: dict[str, Shots] = {}

    def play(self, episode: Episode) -> Shots:
        key = episode.key()
        if key not in self._played:
            for oldest in list(self._played)[: len(self._played) + 1 - KEPT]:
                del self._played[oldest]
            self._played[key] = self._play(episode)
        return self._played[key]

    def encoded(self, episode: Episode) -> Picture:
        return self._tokenizer.encoded(episode) if self._tokenizer is not None else self.play(episode)[0]

    def _play(self, episode: Episode) -> Shots:
        shots = {0: self._subject.reset(self._truth.beginning(episode))}
        looked = set(episode.looked)
        for frame, act in enumerate(episode.acts, 1):
            shown = self._subject.step(act, look=frame in looked)
            if frame in looked:
                shots[frame] = shown
        return shots


def frozen(truth: Truth) -> Live:
    """The floor: the first frame, copied for ever."""
    return Live(CopyLastFrame(), truth)
