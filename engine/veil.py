"""What is seen before one world's pictures and is no part of them: drops and flakes that fall, stars in its sky; pieces
of endless sheets, drawn by a network as they come into view. Knows skies, directions and seconds of the world; refuses
to know memory: nothing of it is kept."""

from __future__ import annotations

import ctypes
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from model import native
from model.borders import SKY
from model.conditioning import state
from model.planes import HEIGHT, WIDTH
from model.specks import (
    A_RADIAN,
    CELL,
    COLUMNS,
    KINDS,
    REACH,
    SHEETS,
    STARS,
    Specks,
    directions,
    offset,
    sampled,
    where_stars_are,
)

BAND = 128  # rows of a sheet that are drawn at once
KEPT = 8  # of them, of each sheet
COARSE = 8  # luma pixels between two directions that are computed
LEAST = 0.01  # of what is seen
STARS_OUT = math.sin(math.radians(12))  # the sun's depth below the horizon at which they are all out: nautical twilight
# of waves in the air, aside and along: pixels, how often in a sheet's width, pixels down from one to the next
EDDIES = (((3.0, 9, 73.0), (4.0, -5, 127.0)), ((3.0, -8, 67.0), (4.0, 4, 113.0)))
FALLS = {KINDS.index(name): state.SKY.index(name) for name in ("rain", "snow")}
Picture = list[Tensor]  # y [1, 288, 512], u and v [1, 144, 256] uint8


class Veil:
    """One world's. The same moment of the same sky always looks the same, whatever was shown before."""

    def __init__(self, specks: Specks):
        self._specks = specks
        self._bands: dict[tuple[int, int], Tensor] = {}  # by sheet and number, those used last at the end

    @torch.inference_mode()
    def over(self, picture: Picture, depth: Tensor, sky: Tensor, gaze: tuple[float, float], at_s: float) -> Picture:
        """The picture, depth's plane of it [1, 144, 256] in [-1, 1], with what is seen before it under a sky [6] at a
        time of the world by who looks there (yaw and pitch in radians); itself where nothing is."""
        light = state.light(sky).expand(len(KINDS), -1)
        colours = self._specks.colours(light, torch.arange(len(KINDS)))
        amounts = colours.seen.tolist()
        for kind, part in FALLS.items():
            amounts[kind] *= float(sky[part])
        amounts[STARS] *= min(max(-math.sin(2 * math.pi * float(sky[0])) / STARS_OUT, 0.0), 1.0)
        kinds = [kind for kind in reversed(range(len(KINDS))) if amounts[kind] > LEAST]  # the farthest ones first
        if not kinds:
            return picture
        picture = [part.clone() for part in picture]
        yaw, pitch = gaze
        looks = directions(HEIGHT // COARSE, WIDTH // COARSE, pitch)
        looks[0] += yaw
        for kind in kinds:
            open_ = torch.ones(HEIGHT, WIDTH)
            for number, sheet in enumerate(SHEETS):
                if sheet.name == KINDS[kind]:
                    self._cover(open_, looks, number, amounts[kind], at_s)
            if kind == STARS:
                high = where_stars_are(_enlarged(looks[1], open_.shape))
                land = (depth[0] >= SKY).repeat_interleave(2, 0).repeat_interleave(2, 1)
                open_ = torch.lerp(torch.ones(()), open_, high).masked_fill(land, 1)
            lay(picture, open_, colours.planes[kind])
        return picture

    def _cover(self, open_: Tensor, looks: Tensor, number: int, amount: float, at_s: float) -> None:
        right, up = offset(number, at_s)
        columns, rows = (looks[0] + right) * A_RADIAN, -(looks[1].double() + up) * A_RADIAN  # an hour of rain is long
        if SHEETS[number].sway_m:
            aside, along = eddies(columns.double(), rows, number)
            columns, rows = columns + aside.float(), rows + along
        slack = 2 * COARSE  # between the middles of blocks, and beyond them at the edges
        first, last = (
            math.floor((float(edge) + by) / BAND) for edge, by in ((rows.amin(), -slack), (rows.amax(), slack))
        )
        sheet = self._drawn(number, first, last)
        cover(open_, torch.stack([columns, (rows - first * BAND).float()]), sheet, amount)

    def _drawn(self, number: int, first: int, last: int) -> Tensor:
        """Rows of a sheet from one band to another, [rows, COLUMNS]."""
        wanted = [(number, band) for band in range(first, last + 1)]
        missing = [key for key in wanted if key not in self._bands]
        if missing:
            noise = torch.stack([noise_of(*key, self._specks.config.noise) for key in missing])
            shares = self._specks(noise, torch.full((len(missing),), number))
            self._bands |= zip(missing, shares[:, CELL * REACH : -CELL * REACH], strict=True)
        for key in wanted:
            self._bands[key] = self._bands.pop(key)
        own = [key for key in self._bands if key[0] == number]
        for key in own[: max(0, len(own) - max(KEPT, len(wanted)))]:
            del self._bands[key]
        return torch.cat([self._bands[key] for key in wanted])


def noise_of(number: int, band: int, channels: int) -> Tensor:
    """What a band of a sheet is drawn from, with what its edges depend on: [channels, rows, columns] of cells."""
    rows = BAND // CELL
    parts = []
    for each in (band - 1, band, band + 1):
        generator = torch.Generator().manual_seed((number * 1_000_003 + each * 7_919) % (2**63 - 1))
        parts.append(torch.randn(channels, rows, COLUMNS // CELL, generator=generator))
    return torch.cat([parts[0][:, -REACH:], parts[1], parts[2][:, :REACH]], 1)


def eddies(columns: Tensor, rows: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """How far air has carried aside and along what lies at these columns and rows of a sheet, in pixels of it: flakes
    neither stand in rows, nor are they of a size."""
    out = []
    for phase, terms in enumerate(EDDIES):
        parts = [
            size * torch.sin(2 * math.pi * (waves * columns / COLUMNS + rows / length) + 3 * number + phase)
            for size, waves, length in terms
        ]
        out.append(torch.stack(parts).sum(0))
    return out[0], out[1]


def cover(open_: Tensor, looks: Tensor, sheet: Tensor, amount: float) -> None:
    """Takes of `open_` [H, W] what a sheet [rows, COLUMNS] covers where its pixels look: columns and rows of the sheet
    in the middles of blocks [2, H / 8, W / 8]."""
    library = native.load("specks")
    if library is None:
        return _cover(open_, looks, sheet, amount)
    looks, sheet = looks.contiguous(), sheet.contiguous()
    places = (ctypes.c_void_p(each.data_ptr()) for each in (open_, looks, sheet))
    library.specks_cover(*places, ctypes.c_float(amount), *(ctypes.c_int(n) for n in (*open_.shape, *sheet.shape)))


def _cover(open_: Tensor, looks: Tensor, sheet: Tensor, amount: float) -> None:
    """The same in torch."""
    columns, rows = (_enlarged(part, open_.shape) for part in looks)
    wide = torch.cat([sheet, sheet[:, :1]], 1)
    covered = sampled(wide[None], rows.clamp(0, len(sheet) - 1.001)[None], (columns % COLUMNS)[None])[0]
    open_ *= 1 - amount * covered


def _enlarged(part: Tensor, shape: torch.Size) -> Tensor:
    """Values in the middles of blocks [h, w] -> of all pixels, on lines through their neighbours, beyond the edges
    too."""
    for axis in (0, 1):
        part = part.transpose(0, axis)
        place = (torch.arange(shape[axis]) - (COARSE - 1) / 2) / COARSE
        at = place.floor().long().clamp(0, len(part) - 2)
        part = torch.lerp(part[at], part[at + 1], (place - at)[:, None]).transpose(0, axis)
    return part


def lay(picture: Picture, open_: Tensor, colour: Tensor) -> None:
    """Lays a colour [3] of planes over a picture where it is not open [H, W]."""
    scale, middle = torch.tensor([219 / 2, 112.0, 112.0]), torch.tensor([16 + 219 / 2, 128.0, 128.0])
    told = (colour * scale + middle).contiguous()
    library = native.load("specks")
    if library is None:
        return _lay(picture, open_, told)
    places = (ctypes.c_void_p(each.data_ptr()) for each in (*picture, open_, told))
    library.specks_lay(*places, *(ctypes.c_int(n) for n in open_.shape))


def _lay(picture: Picture, open_: Tensor, colour: Tensor) -> None:
    """The same in torch."""
    coarse = F.avg_pool2d(open_[None], 2)
    for part, kept, own in zip(picture, (open_[None], coarse, coarse), colour, strict=True):
        part.copy_((torch.lerp(own.expand_as(kept), part.float(), kept) + 0.5).floor())
