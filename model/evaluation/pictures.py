"""Pictures as the harness hands them around: y, u, v of a frame, what of it is streamed, and how alike two are.
Knows pixels; nothing of who drew them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from model import planes

HEIGHT, WIDTH = planes.CROP_HEIGHT // 2, planes.CROP_WIDTH // 2  # what judges look at
MOST_DB = 60.0  # the PSNR of equal pictures


@dataclass(frozen=True)
class Picture:
    """One frame with its margin: y [288, 512], u and v [144, 256] uint8 (BT.709, limited range)."""

    y: Tensor
    u: Tensor
    v: Tensor

    def __post_init__(self) -> None:
        half = (planes.GRID_HEIGHT, planes.GRID_WIDTH)
        wanted = ((planes.HEIGHT, planes.WIDTH), half, half)
        got = tuple(tuple(part.shape) for part in (self.y, self.u, self.v))
        if got != wanted or self.y.dtype != torch.uint8:
            raise ValueError(f"expected y, u, v of {wanted} in uint8, got {got} in {self.y.dtype}")

    @classmethod
    def of_planes(cls, packed: Tensor) -> Picture:
        """From planes [1, 7, 144, 256] or [7, 144, 256]."""
        return cls(*planes.unpack(packed.reshape(planes.CHANNELS, planes.GRID_HEIGHT, planes.GRID_WIDTH)))


def digest(picture: Picture) -> bytes:
    """A short name for its content."""
    found = hashlib.blake2b(digest_size=16)
    for plane in (picture.y, picture.u, picture.v):
        found.update(plane.contiguous().numpy().data)
    return found.digest()


def streamed_luma(picture: Picture) -> Tensor:
    """[270, 480] in 0..1 of the streamed part."""
    rows = slice(planes.CROP_Y, planes.CROP_Y + planes.CROP_HEIGHT)
    columns = slice(planes.CROP_X, planes.CROP_X + planes.CROP_WIDTH)
    return ((picture.y[rows, columns].float() - 16) / 219).clamp(0, 1)


def rgb(y: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Planes [..., 288, 512], [..., 144, 256] uint8 -> what is streamed of it, halved, [..., 3, 135, 240] in 0..255."""
    top, left = planes.CROP_Y // 2, planes.CROP_X // 2
    half = F.avg_pool2d(y.float().reshape(-1, 1, *y.shape[-2:]), 2).reshape(u.shape)
    cut = (..., slice(top, top + HEIGHT), slice(left, left + WIDTH))
    luma, blue, red = (half[cut] - 16) / 219, (u[cut].float() - 128) / 224, (v[cut].float() - 128) / 224
    blue, red = blue * planes.BLUE_SPAN, red * planes.RED_SPAN
    green = -(planes.LUMA_RED * red + planes.LUMA_BLUE * blue) / planes.LUMA_GREEN
    return ((luma[..., None, :, :] + torch.stack([red, green, blue], -3)) * 255).clamp(0, 255)


def look(pictures: list[Picture]) -> Tensor:
    """What judges see: [N, 3, 135, 240] in -1..1."""
    y, u, v = (torch.stack([getattr(picture, name) for picture in pictures]) for name in ("y", "u", "v"))
    return rgb(y, u, v) / 127.5 - 1


def psnr_db(a: Picture, b: Picture, mask: Tensor | None = None) -> float:
    """Of the streamed luma, at most MOST_DB; with a mask [144, 256] of 0 and 1 only where it is 1."""
    error = (streamed_luma(a) - streamed_luma(b)).square()
    if mask is not None:
        error = error[luma_mask(mask) > 0]
        if not len(error):
            raise ValueError("expected a mask with something in it, got an empty one")
    return float((-10 * error.mean().clamp_min(1e-12).log10()).clamp(max=MOST_DB))


def luma_mask(mask: Tensor) -> Tensor:
    """[144, 256] of the frame -> [270, 480] of the streamed luma."""
    whole = mask.repeat_interleave(2, 0).repeat_interleave(2, 1)
    return whole[planes.CROP_Y : planes.CROP_Y + planes.CROP_HEIGHT, planes.CROP_X : planes.CROP_X + planes.CROP_WIDTH]


def ssim(a: Picture, b: Picture) -> float:
    """Structural similarity of the streamed luma in Gaussian windows of 11 (Wang et al. 2004)."""
    x, y = (streamed_luma(picture)[None, None] for picture in (a, b))
    at = torch.arange(11) - 5.0
    kernel = (-at.square() / (2 * 1.5**2)).exp()
    kernel = kernel / kernel.sum()

    def mean(of: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(of, kernel.reshape(1, 1, -1, 1)), kernel.reshape(1, 1, 1, -1))

    mx, my = mean(x), mean(y)
    xx, yy, xy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    alike = (2 * mx * my + 0.01**2) * (2 * xy + 0.03**2)
    return float((alike / ((mx * mx + my * my + 0.01**2) * (xx + yy + 0.03**2))).mean())
