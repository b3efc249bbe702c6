"""What the judge of single pictures learns from and is measured on: simulator frames and their truth, as drawn and
through the tokenizer. Knows stills and the tokenizer; nothing of the judges' networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from configs.paths import WEIGHTS
from model import native
from model.evaluation.judges import ATTRIBUTES
from model.evaluation.motion_examples import IGNORED
from model.evaluation.pictures import rgb
from model.evaluation.stills import A_WORLD
from model.planes import pack, unpack
from model.tokenizer.frame import FrameTokenizer
from model.tokenizer.native import NativeTokenizer

TIME, WEATHER, PLACE = (ATTRIBUTES[name] for name in ("time", "weather", "place"))
WET, DRY = 0.03, 0.004  # shares of a view that are water: enough to be seen, and as good as none
LEVEL_RAD = 0.45  # steeper views show nothing but sky, or nothing but ground


@dataclass
class Examples:
    """Pictures by row, and the class of each judgement (or IGNORED), [N] each."""

    inputs: Tensor  # uint8 [N, 3, 135, 240]
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
    """Stills with the labels that a person could see."""
    rows = torch.arange(len(stills["pitch"]))
    return Examples(pictures(stills, reconstruction), labels_of(stills), rows // A_WORLD)


def labels_of(stills: dict[str, Tensor]) -> dict[str, Tensor]:
    """What stills show, the class of each attribute [N], or IGNORED where nobody could see it (see `visible`); nothing
    of the sky in steep views."""
    labels = {name: stills[name].long().clone() for name in ATTRIBUTES}
    steep = stills["pitch"].abs() > LEVEL_RAD
    seen = visible(labels["time"], labels["weather"])
    seen["place"] &= told_apart(labels["place"], stills["water"])
    return {name: torch.where(seen[name] & ~steep, labels[name], IGNORED) for name in ATTRIBUTES}


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


def joined(parts: list[Examples]) -> Examples:
    """All rows of several."""
    labels = {name: torch.cat([part.labels[name] for part in parts]) for name in parts[0].labels}
    return Examples(torch.cat([p.inputs for p in parts]), labels, torch.cat([p.case for p in parts]))
