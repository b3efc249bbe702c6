"""What the judge of motion learns from and is measured on: windows of pictures as matches, with what truly happened and
how much of it could be seen. Knows the simulator's labels; no network."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.evaluation.falling import without_falling
from model.evaluation.judges import GAP, LOOKED, MOTIONS, PARTS, SEEN
from model.evaluation.matching import EVERY, FIRST, Matches, match, sight
from model.evaluation.odometry import NAMES, between, visible
from model.evaluation.pictures import rgb
from model.evaluation.wear import worn
from model.evaluation.windows import Drawn, Windows, forward_m

IGNORED = -1  # a label that is in between, or that nobody could see
MOVES_M, STANDS_M = 1.2 * GAP / 24, 0.4 * GAP / 24  # over GAP frames: half of a walk's speed and less is in between
TURNS_RAD, STILL_RAD = 0.04, 0.015
SHARD = 16  # windows of a file
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
    return labels(*happened(Windows(pictures, metres, poses)))


def happened(windows: Windows) -> tuple[Tensor, Tensor]:
    """What `labels` wants to know of windows: the motions [N, 2, 5], and how much of the pictures shows them [N, 5]."""
    return _halves(windows), _shown(without_falling(windows.pictures.float() / 127.5 - 1, GAP), windows)


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
def examples(windows: Windows, chance: torch.Generator) -> dict[str, Tensor]:
    """Of windows, as a stream and a screen may leave them: `shown`, `coarse`, `fine` (`matching.Matches`) of each
    moment and the next [N, 2, ...], `inverse_m` [N, 2, 510] of the anchors, `pitch` [N, 2]; `motion` [N, 2, 5] and
    `visible` [N, 5]."""
    both_looks = windows.pictures.float().unflatten(1, (SEEN, 2)).flatten(0, 1).flatten(1, 2)  # are worn alike
    seen = worn(both_looks, chance).reshape(windows.pictures.shape)
    seen = without_falling(seen / 127.5 - 1, GAP)
    at = slice(round(FIRST + 0.5), None, EVERY)
    inverse_m = 1 / windows.forward_m[:, :-1, at, at].flatten(2)
    return _matched(seen)._asdict() | {
        "inverse_m": inverse_m.half(),
        "motion": _halves(windows),
        "pitch": windows.poses[:, :-1, 4].contiguous(),
        "visible": _shown(seen, windows),
    }


def _matched(seen: Tensor) -> Matches:
    """Of moments [N, SEEN, 3, 135, 240] in -1..1 the matches of each and the next, [N, 2, ...]; shifts in few bits."""
    moments = [sight(seen[:, i]) for i in range(SEEN)]
    found = (match(a, b) for a, b in pairwise(moments))
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
