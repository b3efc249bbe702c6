"""What the judges learn from and are measured on: simulator frames and their truth, as drawn and through the tokenizer.
Knows stills, walks and the tokenizer; nothing of the judges' networks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from configs.paths import WEIGHTS
from model import native
from model.evaluation.alignment import between
from model.evaluation.judges import ATTRIBUTES, GAP, MOTIONS, clear
from model.evaluation.pictures import rgb
from model.evaluation.stills import A_WORLD
from model.planes import pack, unpack
from model.tokenizer.frame import FrameTokenizer
from model.tokenizer.native import NativeTokenizer

TIME, WEATHER, PLACE = (ATTRIBUTES[name] for name in ("time", "weather", "place"))
IGNORED = -1  # a label that is in between, or that nobody could see
WET, DRY = 0.03, 0.004  # shares of a view that are water: enough to be seen, and as good as none
LEVEL_RAD = 0.45  # steeper views show nothing but sky, or nothing but ground
MOVES_M_S, STANDS_M_S = 1.2, 0.4
TURNS_RAD, STILL_RAD = 0.04, 0.015  # over GAP frames


@dataclass
class Examples:
    """Inputs by row, and the class of each judgement (or IGNORED), [N] each."""

    inputs: Tensor  # uint8 pictures [N, 3, 135, 240], or alignments [N, 23]
    labels: dict[str, Tensor]
    case: Tensor  # the world of each row, [N]: rows of one world are no independent evidence


class Reconstruction:
    """What is left of a frame after the tokenizer, one frame at a time."""

    def __init__(self, path: Path = WEIGHTS / "tokenizer.safetensors"):
        tokenizer = FrameTokenizer.load(path)
        try:
            self._tokenizer: FrameTokenizer | NativeTokenizer = NativeTokenizer(tokenizer)
        except native.Unsupported:
            self._tokenizer = tokenizer

    @torch.inference_mode()
    def __call__(self, planes: Tensor) -> Tensor:
        """Planes [N, 7, 144, 256] -> the same, encoded and decoded."""
        decode, encode = self._tokenizer.decode, self._tokenizer.encode
        return torch.cat([decode(encode(one.contiguous())).clamp(-1, 1) for one in planes.split(1)])


def pictures(shown: dict[str, Tensor], reconstruction: Reconstruction | None) -> Tensor:
    """[N, 3, 135, 240] uint8 of planes y, u, v and depth [N, ...]; through the tokenizer where one is given."""
    y, u, v = shown["y"], shown["u"], shown["v"]
    if reconstruction is not None:
        split = [part.split(8) for part in (y, u, v, shown["depth"])]
        parts = [unpack(reconstruction(pack(*some))) for some in zip(*split, strict=True)]
        y, u, v = (torch.cat(column) for column in zip(*parts, strict=True))
    return rgb(y, u, v).round().to(torch.uint8)


def attribute_examples(stills: dict[str, Tensor], reconstruction: Reconstruction | None) -> Examples:
    """Stills with the labels that a person could see (see `visible`); nothing of the sky in steep views."""
    labels = {name: stills[name].long().clone() for name in ATTRIBUTES}
    steep = stills["pitch"].abs() > LEVEL_RAD
    seen = visible(labels["time"], labels["weather"])
    seen["place"] &= told_apart(labels["place"], stills["water"])
    for name in ATTRIBUTES:
        labels[name] = torch.where(seen[name] & ~steep, labels[name], IGNORED)
    rows = torch.arange(len(steep))
    return Examples(pictures(stills, reconstruction), labels, rows // A_WORLD)


def visible(time: Tensor, weather: Tensor) -> dict[str, Tensor]:
    """Which attributes can be seen under these times and weathers [N]: no clear-or-overcast at night; no telling dawn
    from dusk but by the colours of a clear sky; no place in fog, snow or the dark."""
    night, low = time == TIME.index("night"), (time == TIME.index("dawn")) | (time == TIME.index("dusk"))
    open_sky = weather == WEATHER.index("clear")
    plain = open_sky | (weather == WEATHER.index("overcast"))
    hidden = (weather == WEATHER.index("fog")) | (weather == WEATHER.index("snow"))
    return {"time": ~low | open_sky, "weather": ~(night & plain), "place": ~hidden & ~night}


def told_apart(place: Tensor, water: Tensor) -> Tensor:
    """Whether a view shows what its place [N] differs by, given the share of it that is water [N]: a coast where
    its water is out of view is a meadow, and a meadow by a lake is a coast."""
    coast, meadow = place == PLACE.index("coast"), place == PLACE.index("meadow")
    return (~coast | (water >= WET)) & (~meadow | (water <= DRY))


@torch.inference_mode()
def motion_examples(walks: dict[str, Tensor], reconstruction: Reconstruction | None) -> Examples:
    """Both pairs GAP frames apart of each walk (see `moves`); the speeds in metres a second beside the labels."""
    inputs, case = [], []
    labels: dict[str, list[Tensor]] = {name: [] for name in (*MOTIONS, "speeds")}
    for i, walk in enumerate(walks["walk"]):
        shown = {name: walks[name][i] for name in ("y", "u", "v", "depth")}
        seen = pictures(shown, reconstruction).float() / 127.5 - 1
        inputs.append(between(seen[:-1], seen[1:]))
        visibly, at = clear(inputs[-1]), torch.arange(0, len(seen) - 1) * GAP
        truth = motion_labels(walk)
        for name in MOTIONS:
            labels[name].append(torch.where(visibly, truth[name][at], IGNORED))
        labels["speeds"].append(torch.where(visibly[:, None], speeds_m_s(walk)[0][at], math.nan))
        case.append(walks["world"][i].expand(len(at)))
    return Examples(torch.cat(inputs), {k: torch.cat(v) for k, v in labels.items()}, torch.cat(case))


def joined(parts: list[Examples]) -> Examples:
    """All rows of several."""
    labels = {name: torch.cat([part.labels[name] for part in parts]) for name in parts[0].labels}
    return Examples(torch.cat([p.inputs for p in parts]), labels, torch.cat([p.case for p in parts]))


def speeds_m_s(walk: Tensor) -> tuple[Tensor, Tensor]:
    """Walks [T, 9] frame by frame (x, y, z, yaw, pitch, velocity, ground) -> metres a second ahead, aside and up
    between the frames t and t + GAP, [T - GAP, 3], and radians turned to the right [T - GAP]."""
    before, after = walk[:-GAP], walk[GAP:]
    moved = (after[:, :3] - before[:, :3]) * (24 / GAP)
    turn = torch.remainder(after[:, 3] - before[:, 3] + math.pi, 2 * math.pi) - math.pi
    yaw = before[:, 3] + turn / 2
    ahead = moved[:, 0] * yaw.sin() + moved[:, 2] * yaw.cos()
    aside = moved[:, 0] * yaw.cos() - moved[:, 2] * yaw.sin()
    return torch.stack([ahead, aside, moved[:, 1]], 1), turn


def motion_labels(walk: Tensor) -> dict[str, Tensor]:
    """Walks [T, 9] -> classes of what the frames t and t + GAP show of the way between, [T - GAP] each. What neither
    moves nor stands is IGNORED."""
    speeds, turn = speeds_m_s(walk)
    tilt = walk[GAP:, 4] - walk[:-GAP, 4]
    named = {name: three(speeds[:, i], MOVES_M_S, STANDS_M_S) for i, name in enumerate(("ahead", "aside", "rise"))}
    return {
        "ahead": named["ahead"],
        "aside": named["aside"],
        "turn": three(turn, TURNS_RAD, STILL_RAD),
        "tilt": three(tilt, TURNS_RAD, STILL_RAD),
        "rise": named["rise"],
    }


def three(value: Tensor, least: float, most_still: float) -> Tensor:
    """0, 1, 2 for values below -least, within +-most_still, above least; IGNORED in between."""
    side = torch.where(value > least, 2, torch.where(value < -least, 0, 1))
    return torch.where((side == 1) & (value.abs() > most_still), IGNORED, side)
