"""What makes one picture close to another: differences over scales, gradients, and block frequencies.
Knows packed planes; refuses to know networks, optimizers and data."""

from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from model.planes import unfold

BLOCK = 8  # luma pixels a side of the frequency loss


def charbonnier(difference: Tensor, epsilon: float = 0.01) -> Tensor:
    """A smooth L1, elementwise; zero at zero."""
    return (difference.square() + epsilon**2).sqrt() - epsilon


def pyramid(difference: Tensor, levels: int) -> Tensor:
    """Mean absolute value of [B, C, h, w] at `levels` scales, each half of the one before."""
    total = charbonnier(difference).mean()
    for _ in range(levels - 1):
        difference = F.avg_pool2d(difference, 2)
        total = total + charbonnier(difference).mean()
    return total / levels


def gradients(difference: Tensor, scales: int) -> Tensor:
    """Mean absolute horizontal and vertical gradient of a difference [B, C, h, w] at `scales` scales."""
    total = difference.new_zeros(())
    for scale in range(scales):
        if scale:
            difference = F.avg_pool2d(difference, 2)
        total = total + difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()
    return total / scales


@cache
def _dct_basis() -> Tensor:
    """[64, 64]: rows are the two-dimensional cosine functions of an 8x8 block, orthonormal."""
    k = torch.arange(BLOCK, dtype=torch.float64)
    rows = torch.cos(math.pi / BLOCK * (k[None] + 0.5) * k[:, None]) * math.sqrt(2 / BLOCK)
    rows[0] /= math.sqrt(2)
    return torch.kron(rows, rows).float()


@cache
def _sensitivity() -> Tensor:
    """[64]: how much an error of each cosine function is seen; falls with frequency, none for the mean."""
    k = torch.arange(BLOCK, dtype=torch.float32)
    radius = (k[:, None].square() + k[None].square()).sqrt()
    weight = 1 / (1 + (radius / 5).square())
    weight[0, 0] = 0
    return weight.flatten()


def frequencies(luma: Tensor, truth: Tensor) -> Tensor:
    """Watson-like: errors of 8x8 cosine coefficients, divided by what the block's own contrast hides, plus the
    log ratio of their magnitudes, which asks for texture of the right strength wherever it lies. [B, 1, H, W]."""
    y, x = luma.shape[-2] % BLOCK, luma.shape[-1] % BLOCK
    blocks = [F.unfold(t[..., y:, x:], BLOCK, stride=BLOCK).transpose(1, 2) @ _dct_basis().T for t in (luma, truth)]
    predicted, wanted = blocks
    masking = 0.05 + wanted.abs()
    error = (charbonnier(predicted - wanted, 0.02) * masking.pow(-0.5) * _sensitivity()).mean()
    strength = ((predicted.square() + 1e-3).log() - (wanted.square() + 1e-3).log()).abs()
    return error + 0.02 * (strength * _sensitivity()).mean()


def depth_edges(code: Tensor) -> Tensor:
    """Weights [B, 1, h, w] for a scaled depth code [B, 1, h, w]: 1 in the open, up to 4 beside silhouettes."""
    near = F.max_pool2d(code, 3, 1, 1)
    far = -F.max_pool2d(-code, 3, 1, 1)
    return 1 + 3 * ((near - far) * 15).clamp(max=1)


def faintness(luma: Tensor) -> Tensor:
    """Weights [B, 1, 1, 1] for luma [B, 1, H, W]: about 1 by day, up to 3 at night and in fog, where little contrast
    must carry the whole picture."""
    return (0.45 / (luma.std((1, 2, 3), keepdim=True) + 0.1)).clamp(0.7, 3)


def picture(planes: Tensor, truth: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of predicted planes [B, 7, h, w] and its parts, detached."""
    luma, wanted = unfold(planes[:, :4])[:, None], unfold(truth[:, :4])[:, None]
    faint = faintness(wanted)
    luma_difference = faint * (luma - wanted)
    chroma = faint * (planes[:, 4:6] - truth[:, 4:6])
    depth = planes[:, 6:7] - truth[:, 6:7]
    weights = depth_edges(truth[:, 6:7])
    parts = {
        "luma": pyramid(luma_difference, 4),
        "chroma": pyramid(chroma, 3),
        "depth": (weights * charbonnier(depth, 0.003)).mean(),
        "gradient": gradients(luma_difference, 3) + 0.5 * gradients(depth, 1),
        "frequency": frequencies(luma, wanted),
    }
    scale = {"luma": 2.0, "chroma": 2.0, "depth": 1.5, "gradient": 1.5, "frequency": 1.0}
    total = sum((scale[name] * part for name, part in parts.items()), luma.new_zeros(()))
    return total, {name: part.detach() for name, part in parts.items()}


def psnr(prediction: Tensor, truth: Tensor, span: float = 2.0) -> Tensor:
    """Peak signal to noise in dB of values that span `span`, one figure for all of it."""
    return 10 * torch.log10(span**2 / (prediction - truth).square().mean().clamp_min(1e-12))
