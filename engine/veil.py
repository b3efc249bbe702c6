"""What is seen before one world's pictures and is no part of them: drops and flakes that fall, stars in its sky; pieces
of sheets without an end that networks drew. Knows skies, directions and seconds of the world; refuses to know memory:
nothing of it is kept."""

from __future__ import annotations

import ctypes
import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from model import native
from model.borders import SKY
from model.camera import corner_rays
from model.conditioning import state
from model.planes import HEIGHT, WIDTH
from model.specks import (
    A_RADIAN,
    COLUMNS,
    KINDS,
    OF_KIND,
    ROWS,
    SHEETS,
    STARS,
    STARS_FROM_RAD,
    Specks,
    directions,
    offset,
    sampled,
)

BLOCK = 8  # luma pixels between two directions that are computed
CORNERS = corner_rays(HEIGHT, WIDTH, BLOCK)
AROUND = torch.tensor([COLUMNS, ROWS], dtype=torch.float64)  # of places, which then begin again
PLACE = 65536  # parts of a pixel of a sheet, for the kernel
LEAST = 0.01  # of what is seen
SCALE, MIDDLE = torch.tensor([219 / 2, 112.0, 112.0]), torch.tensor([16 + 219 / 2, 128.0, 128.0])  # of planes in bytes
HIDDEN = 1  # of 255: a pixel that is covered no more than that is not covered
STARS_OUT = math.sin(math.radians(12))  # the sun's depth below the horizon at which they are all out: nautical twilight
# of two waves in the air, each aside and along: pixels, how often in a sheet's width and in its height, and turns a
# second; so long that they carry flakes and do not bend them
EDDIES = (((5.0, 3.0), (2, -1), (3, 2), (0.11, 0.07)), ((4.0, 3.0), (-1, 2), (-2, 3), (-0.17, 0.13)))
Picture = list[Tensor]  # y [1, 288, 512], u and v [1, 144, 256] uint8


class Sheets:
    """All that networks drew, for the worlds of a process: shares of pixels in bytes, uint8 [SHEETS, ROWS, COLUMNS];
    and the same in groups of four for the kernel: a pixel's, its right neighbour's, and those of the row below."""

    def __init__(self, specks: Specks):
        drawn = specks.drawn()
        self.shares = drawn.masked_fill(drawn <= HIDDEN, 0)
        right = self.shares.roll(-1, 2)
        self.groups = torch.stack([part.roll(-n, 1) for n in (0, 1) for part in (self.shares, right)], -1)
        self.colours = specks.colours


class Falls(NamedTuple):
    """Of one of KINDS: its sheets' numbers, how much of them is seen, and their colour in bytes of y, u and v [3]."""

    sheets: tuple[int, ...]
    amount: float
    colour: Tensor


class OpenSky(NamedTuple):
    """Where stars are seen: how much of them at corners of blocks, which may lie beyond 0..1 [H / 8 + 1, W / 8 + 1],
    and whether nothing is before them [H / 2, W / 2]."""

    high: Tensor
    free: Tensor


class Veil:
    """One world's. The same moment of the same sky always looks the same, whatever was shown before."""

    def __init__(self, sheets: Sheets):
        self._sheets = sheets

    @torch.inference_mode()
    def over(self, picture: Picture, depth: Tensor, sky: Tensor, gaze: tuple[float, float], at_s: float) -> Picture:
        """The picture, depth's plane of it [1, 144, 256] in [-1, 1], with what is seen before it under a sky [6] at a
        time of the world by who looks there (yaw and pitch in radians); itself where nothing is."""
        amounts = in_the_air(sky.tolist())
        if max(amounts) <= LEAST:
            return picture
        colours = self._sheets.colours(state.light(as_learned(sky)), torch.arange(len(KINDS)))
        amounts = [amount * seen for amount, seen in zip(amounts, colours.seen.tolist(), strict=True)]
        kinds = [kind for kind in reversed(range(len(KINDS))) if amounts[kind] > LEAST]  # the farthest ones first
        if not kinds:
            return picture
        picture = [part.clone() for part in picture]
        yaw, pitch = torch.tensor(gaze).tolist()  # as exact as they are saved, so that who comes back sees the same
        looks = directions(CORNERS, pitch)
        told = (colours.planes * SCALE + MIDDLE).round().to(torch.uint8)
        for kind in kinds:
            falls = Falls(OF_KIND[kind], amounts[kind], told[kind])
            places = places_of(looks, yaw, falls.sheets, at_s)
            free = OpenSky(looks[1] / STARS_FROM_RAD, depth[0] < SKY) if kind == STARS else None
            lay(picture, self._sheets, falls, places, free)
        return picture


def in_the_air(sky: list[float]) -> list[float]:
    """How much there may be of each of KINDS under a sky [6], before clouds; of stars, none behind rain or in fog."""
    falls = [sky[state.SKY.index(name)] if name in state.SKY else 0.0 for name in KINDS]
    dark = -math.sin(2 * math.pi * sky[0]) / STARS_OUT
    falls[STARS] = min(max(dark, 0.0), 1.0) * max(1 - sum(falls), 0.0) * (1 - sky[state.SKY.index("fog")])
    return falls


def as_learned(sky: Tensor) -> Tensor:
    """The skies [KINDS, 6] at the same hour in which colours of KINDS were learned: as it rains and snows while it does
    nothing else, and with stars behind clouds alone. What passes between two weathers would get any colour."""
    skies = torch.zeros(len(KINDS), len(sky))
    for kind, name in enumerate(KINDS):
        if name in state.TYPICAL_WEATHER:
            skies[kind, 1:] = torch.tensor(state.TYPICAL_WEATHER[name])
    skies[STARS, 1] = sky[1]
    skies[:, 0] = sky[0]
    return skies


def places_of(looks: Tensor, yaw: float, sheets: tuple[int, ...], at_s: float) -> Tensor:
    """Columns and rows of sheets where somebody looks [2, h, w] at a time, in parts of a pixel, int32
    [sheets, 2, h, w]."""
    moved = torch.tensor([offset(number, at_s) for number in sheets], dtype=torch.float64)[..., None, None]
    moved[:, 0] += yaw
    scale = torch.tensor([[A_RADIAN, -A_RADIAN / SHEETS[number].high] for number in sheets], dtype=torch.float64)
    places = (looks + moved) * scale[..., None, None] % AROUND[:, None, None]  # an hour of rain is long
    if any(SHEETS[number].sway_m for number in sheets):
        places = (places + eddies(places.float(), sheets, at_s)) % AROUND[:, None, None]
    return places.mul_(PLACE).to(torch.int32)


def eddies(places: Tensor, sheets: tuple[int, ...], at_s: float) -> Tensor:
    """How far air has carried aside and along by a time what lies at these columns and rows of sheets [sheets, 2, h,
    w], in pixels of them: each flake wanders, and not as those above it do."""
    sizes, aside, down, rates = (torch.tensor(part)[..., None, None, None] for part in zip(*EDDIES, strict=True))
    begun = 3 * torch.tensor(sheets)[:, None, None] + 2 * math.pi * (rates * at_s % 1)
    turns = aside * (places[:, 0] / COLUMNS) + down * (places[:, 1] / ROWS)  # [terms, 2, sheets, h, w]
    return (sizes * (2 * math.pi * turns + begun).sin()).sum(0).transpose(0, 1)


def lay(picture: Picture, sheets: Sheets, falls: Falls, places: Tensor, free: OpenSky | None) -> None:
    """Lays what falls over a picture: `places` [sheets, 2, H / 8 + 1, W / 8 + 1] of it at corners of blocks; of stars,
    only where the sky is free."""
    library = native.load("specks")
    if library is None:
        return _lay(picture, sheets, falls, places, free)
    high = (free.high * PLACE).to(torch.int32) if free else None
    own = sheets.groups[falls.sheets[0] :]
    given = (*picture, own, places.contiguous(), high, free.free.contiguous() if free else None, falls.colour)
    pointers = (ctypes.c_void_p(None if each is None else each.data_ptr()) for each in given)
    sizes = (round(falls.amount * 256), len(places), HEIGHT, WIDTH, ROWS, COLUMNS)
    library.specks_lay(*pointers, *(ctypes.c_int(size) for size in sizes))


def _lay(picture: Picture, sheets: Sheets, falls: Falls, places: Tensor, free: OpenSky | None) -> None:
    """The same in torch."""
    open_ = torch.ones(HEIGHT, WIDTH)
    for number, (columns, rows) in zip(falls.sheets, places / PLACE, strict=True):
        where = _enlarged(rows, ROWS), _enlarged(columns, COLUMNS)
        open_ *= 1 - falls.amount * sampled(sheets.shares[number], *where) / 255
    if free is not None:
        seen = _enlarged(free.high, None).clamp(0, 1) * free.free.repeat_interleave(2, 0).repeat_interleave(2, 1)
        open_ = torch.lerp(torch.ones(()), open_, seen)
    coarse = F.avg_pool2d(open_[None], 2)
    for part, kept, own in zip(picture, (open_[None], coarse, coarse), falls.colour.float(), strict=True):
        part.copy_((torch.lerp(own.expand_as(kept), part.float(), kept) + 0.5).floor())


def _enlarged(part: Tensor, around: int | None) -> Tensor:
    """Values at corners of blocks [h + 1, w + 1] -> of all pixels, on lines between them; the shorter way, where so
    much is once around."""
    for axis in (0, 1):
        part = part.transpose(0, axis)
        step = part[1:] - part[:-1]
        if around is not None:
            step = (step + around / 2) % around - around / 2
        on = (torch.arange(BLOCK) + 0.5)[:, None] / BLOCK
        part = (part[:-1, None] + on * step[:, None]).flatten(0, 1).transpose(0, axis)
    return part
