"""The picture as networks and geometry see it: 4:2:0 planes and depth packed into seven channels of one grid.
Knows pixel order, scaling and BT.709 limited range; refuses to know cameras, networks or codecs."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

HEIGHT, WIDTH = 288, 512  # of luma, margin included
GRID_HEIGHT, GRID_WIDTH = HEIGHT // 2, WIDTH // 2  # of chroma, depth and the packed planes
CHANNELS = 7  # luma space-to-depth (dy dx), U, V, depth code
CROP_X, CROP_Y, CROP_WIDTH, CROP_HEIGHT = 16, 8, 480, 270  # what is streamed

DEPTH_SCALE_M = 1.2  # the code is sqrt(DEPTH_SCALE_M / (DEPTH_SCALE_M + distance))
FAR_M = 300.0  # distances are clamped here; the sky lies here
AFAR_M = 140.0  # from here on nobody sees by walking that something is not as far as the sky
AFAR_CODE, FAR_CODE = (math.sqrt(DEPTH_SCALE_M / (DEPTH_SCALE_M + metres)) for metres in (AFAR_M, FAR_M))

LUMA_RED, LUMA_GREEN, LUMA_BLUE = 0.2126, 0.7152, 0.0722  # ITU-R BT.709
BLUE_SPAN, RED_SPAN = 2 * (1 - LUMA_BLUE), 2 * (1 - LUMA_RED)  # of B-Y and R-Y


def pack(y: Tensor, u: Tensor, v: Tensor, depth: Tensor) -> Tensor:
    """uint8 y [..., 2h, 2w], u and v [..., h, w], uint16 depth code [..., h, w] -> float32 [..., 7, h, w] in [-1, 1].

    Luma goes to channels 0-3 by '(h dy) (w dx) -> (dy dx) h w'; blacker than black and whiter than white pass slightly
    beyond [-1, 1]. A uint16 depth may also come as int32.
    """
    if y.shape[-2] != 2 * u.shape[-2] or y.shape[-1] != 2 * u.shape[-1] or u.shape != v.shape or u.shape != depth.shape:
        raise ValueError(
            "expected u, v and depth of one shape, half of y's; "
            f"got y {tuple(y.shape)}, u {tuple(u.shape)}, v {tuple(v.shape)}, depth {tuple(depth.shape)}"
        )
    luma = fold((y.float() - 16) * (2 / 219) - 1)
    chroma = (torch.stack([u, v], -3).float() - 128) * (1 / 112)
    code = depth.to(torch.int32).float() * (2 / 65535) - 1
    return torch.cat([luma, chroma, code[..., None, :, :]], -3)


def unpack(planes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """[..., 7, h, w] -> uint8 y [..., 2h, 2w], u [..., h, w], v [..., h, w], rounded and held to limited range."""
    y = ((unfold(planes[..., :4, :, :].float()) + 1) * (219 / 2) + 16).round().clamp(16, 235).to(torch.uint8)
    chroma = (planes[..., 4:6, :, :].float() * 112 + 128).round().clamp(16, 240).to(torch.uint8)
    u, v = chroma.unbind(-3)
    return y, u.contiguous(), v.contiguous()


def fold(luma: Tensor) -> Tensor:
    """[..., 2h, 2w] -> [..., 4, h, w]: space to depth."""
    return F.pixel_unshuffle(luma[..., None, :, :], 2)


def unfold(luma: Tensor) -> Tensor:
    """[..., 4, h, w] -> [..., 2h, 2w]: depth to space."""
    return F.pixel_shuffle(luma, 2)[..., 0, :, :]


def depth_code(distance_m: Tensor) -> Tensor:
    """Distance along the ray in metres -> code in (0, 1], near is 1; beyond 300 m is as far as 300 m."""
    return (DEPTH_SCALE_M / (DEPTH_SCALE_M + distance_m.clamp(0, FAR_M))).sqrt()


def distance(code: Tensor) -> Tensor:
    """Code in (0, 1] -> metres in [0, 300]. A code outside its range is taken as the nearest one inside."""
    return (DEPTH_SCALE_M / code.square().clamp_min(1e-6) - DEPTH_SCALE_M).clamp(0, FAR_M)


def with_far_sky(planes: Tensor) -> Tensor:
    """Planes [B, 7, h, w] -> the same, all that is farther than AFAR_M as far as the sky: how far a network takes an
    open sky to be wavers, and what wavers would tear when somebody walks."""
    depth = planes[:, 6:7]
    return torch.cat([planes[:, :6], depth.masked_fill(depth < 2 * AFAR_CODE - 1, 2 * FAR_CODE - 1)], 1)


def metres(planes: Tensor) -> Tensor:
    """The distances [B, h, w] in metres that planes [B, 7, h, w] carry."""
    return distance((planes[:, 6].float() + 1) / 2)


def to_rgb(planes: Tensor) -> Tensor:
    """[B, 7, h, w] -> uint8 RGB [B, 2h, 2w, 3], full range; every chroma sample covers its 2x2 pixels."""
    y = (unfold(planes[..., :4, :, :].float()) + 1) / 2
    chroma = planes[..., 4:6, :, :].float().repeat_interleave(2, -1).repeat_interleave(2, -2) / 2
    blue_difference, red_difference = chroma.unbind(-3)
    red = y + RED_SPAN * red_difference
    blue = y + BLUE_SPAN * blue_difference
    green = (y - LUMA_RED * red - LUMA_BLUE * blue) / LUMA_GREEN
    return (torch.stack([red, green, blue], -1) * 255).round().clamp(0, 255).to(torch.uint8)


def from_rgb(rgb: Tensor, distance_m: Tensor | None = None) -> Tensor:
    """uint8 RGB [B, 2h, 2w, 3] -> planes [B, 7, h, w], not rounded to 8 bits; chroma is the mean of its 2x2.

    `distance_m` [B, h, w] in metres; without it everything is as far as the sky.
    """
    if rgb.ndim != 4 or rgb.shape[-1] != 3 or rgb.shape[1] % 2 or rgb.shape[2] % 2:
        raise ValueError(f"expected RGB [B, even, even, 3], got {tuple(rgb.shape)}")
    red, green, blue = (rgb.float() / 255).unbind(-1)
    y = LUMA_RED * red + LUMA_GREEN * green + LUMA_BLUE * blue
    chroma = F.avg_pool2d(torch.stack([(blue - y) / BLUE_SPAN, (red - y) / RED_SPAN], 1), 2)
    if distance_m is None:
        distance_m = torch.full_like(chroma[:, 0], FAR_M)
    return torch.cat([fold(2 * y - 1), 2 * chroma, 2 * depth_code(distance_m)[:, None] - 1], 1)
