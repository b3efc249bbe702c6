"""What the judge of motion learns from and is measured on: windows of pictures as matches, with what truly happened and
how much of it could be seen. Knows the simulator's labels; no network."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.evaluation.falling import without_falling
from model.evaluation.judges import GAP, LOOKED, MOTIONS, PAIRS, SEEN
from model.evaluation.matching import EVERY, FIRST, Matches, match
from model.evaluation.odometry import NAMES, between, visible
from model.evaluation.pictures import rgb
from model.evaluation.wear import worn
from model.evaluation.windows import Drawn, Windows, forward_m

IGNORED = -1  # a label that is in between, or that nobody could see
MOVES_M, STANDS_M = 1.2 * GAP / 24, 0.4 * GAP / 24  # over GAP frames: half of a walk's speed and less is in between
TURNS_RAD, STILL_RAD = 0.04, 0.015
SHARD = 16  # windows of a file
PARTS = {"ahead": "ahead", "aside": "aside", "turn": "turn", "tilt": "tilt", "rise": "up"}  # of a motion, by judgement
VISIBLE = 0.01  # the least share of a picture that must show a motion


def labels(motion: Tensor, shown: Tensor) -> dict[str, Tensor]:
    """True motions [N, 2, 5] over GAP frames each, and how much of the pictures shows them [N, 5] (`odometry.visible`)
    -> classes of MOTIONS [N]. IGNORED: what neither moves nor stands, what changes in between, what cannot be seen."""
    found = {}
    for name in MOTIONS:
        part = NAMES.index(PARTS[name])
        least, most_still = (TURNS_RAD, STILL_RAD) if part < 2 else (MOVES_M, STANDS_M)
        first, second = (three(motion[:, i, part], least, most_still) for i in range(2))
        found[name] = torch.where((first == second) & (shown[:, part] >= VISIBLE), first, IGNORED)
    return found


def three(value: Tensor, least: float, most_still: float) -> Tensor:
    """0, 1, 2 for values below -least, within +-most_still, above least; IGNORED in between."""
    side = torch.where(value > least, 2, torch.where(value < -least, 0, 1))
    return torch.where((side == 1) & (value.abs() > most_still), IGNORED, side)


def labels_of(facts: dict[str, Tensor], frames: list[int]) -> dict[str, Tensor]:
    """The labels of the windows that begin with these frames of an episode's truth (`episodes.Truth.facts`)."""
    order = facts["frames"].tolist()
    steps = [[f + later for f in frames] for later in LOOKED]
    at = [[order.index(f) for f in step] for step in steps]
    pictures = torch.stack([rgb(*(facts[name][i] for name in "yuv")) for i in at], 1)
    metres = torch.stack([forward_m(facts["depth"][i]) for i in at[::2]], 1)
    poses = torch.stack([facts["walk"][step, :5] for step in steps[::2]], 1)
    windows = Windows(pictures, metres, poses)
    return labels(_halves(windows), _shown(without_falling(pictures / 127.5 - 1, GAP), windows))


def _halves(windows: Windows) -> Tensor:
    """The motions [N, 2, 5] from each picture to the next."""
    return torch.stack([between(windows.poses[:, i], windows.poses[:, i + 1]) for i in range(SEEN - 1)], 1)


def _shown(pictures: Tensor, windows: Windows) -> Tensor:
    """How much of pictures [N, SEEN, 3, 135, 240] in -1..1 shows each part of the motions, the mean of both halves,
    [N, 5]."""
    halves = [
        visible(pictures.roll(-i, 1), windows.forward_m[:, i], windows.poses.roll(-i, 1)) for i in range(SEEN - 1)
    ]
    return torch.stack(halves).mean(0)


@torch.inference_mode()
def examples(windows: Windows, chance: torch.Generator | None = None) -> dict[str, Tensor]:
    """Of windows: `shown`, `coarse`, `fine` (`matching.Matches`) of PAIRS [N, 3, ...], `inverse_m` [N, 3, 510] of the
    anchors, `motion` [N, 3, 5], `pitch` [N, 3]; `halves` [N, 2, 5] and `visible` [N, 5]. With `chance` the pictures are
    as a stream and a screen may leave them."""
    seen = windows.pictures.float()
    if chance is not None:  # both looks at a moment alike
        seen = worn(seen.unflatten(1, (SEEN, 2)).flatten(0, 1).flatten(1, 2), chance).reshape(seen.shape)
    seen = without_falling(seen / 127.5 - 1, GAP)
    at = slice(round(FIRST + 0.5), None, EVERY)
    inverse_m = 1 / windows.forward_m[:, :, at, at].flatten(2)
    poses = windows.poses
    return _matched(seen)._asdict() | {
        "inverse_m": torch.stack([inverse_m[:, a] for a, _ in PAIRS], 1).half(),
        "motion": torch.stack([between(poses[:, a], poses[:, b]) for a, b in PAIRS], 1),
        "pitch": torch.stack([poses[:, a, 4] for a, _ in PAIRS], 1),
        "halves": _halves(windows),
        "visible": _shown(seen, windows),
    }


@torch.inference_mode()
def backward(windows: Windows) -> Matches:
    """PAIRS of the same windows from their end to their beginning, [N, 3, ...]."""
    return _matched(without_falling(windows.pictures.flip(1).float() / 127.5 - 1, GAP))


def _matched(seen: Tensor) -> Matches:
    """Of moments [N, SEEN, 3, 135, 240] in -1..1 the matches of PAIRS, [N, 3, ...]; shifts in few bits."""
    found = (match(seen[:, a], seen[:, b]) for a, b in PAIRS)
    shown, coarse, fine = (torch.stack(parts, 1) for parts in zip(*found, strict=True))
    return Matches(shown, coarse.to(torch.int16), fine.to(torch.int16))


def gathered(folder: Path, drawn: Drawn, count: int) -> dict[str, Tensor]:
    """At least `count` examples to learn from, made where the folder lacks them."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for number in range(-(-count // SHARD)):
        path = folder / f"{number:06d}.safetensors"
        if not path.is_file():
            chance = torch.Generator().manual_seed(number)
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            save_file(examples(drawn.batch(number, SHARD), chance), temporary)
            temporary.rename(path)
            if number % 20 == 0:
                print(f"windows of pictures matched: {SHARD * (number + 1)} of {count}", flush=True)
        parts.append(load_file(path))
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
