"""Shortcut forcing with x-prediction (Dreamer 4, arXiv 2509.24527): levels, targets, weights.
Knows the Omni's interface; nothing of clips."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from model.attention import window_mask
from model.omni import PATCH, Given, Seen

FINEST = 8  # 1 / FINEST is the smallest step
STEEPEST = 16.0
SMALLEST = 0.03  # errors of latents below this are as good as none
CONTEXT_SIGNAL = 1 - 1 / FINEST  # at which frames that are known enter


def draw_levels(isolated: Tensor, frames: int, shortcut: bool, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """tau and d, [B, T] each, for rows that are `isolated` [B] or not: of a sequence, tau is on the grid of d.

    With shortcut d is 1/4, 1/2 or 1. Without it a row of unrelated frames has d = 1/8 and any level, as a first frame
    is sampled; in a sequence a third of the frames are nearly clean, as the context is, and half take one of the two
    steps that the engine takes (d = 1/2, toward the truth itself: with a view, truth is nearly determined).
    """
    shape = (len(isolated), frames)
    chance = torch.rand(shape, generator=generator)
    if shortcut:
        size = 2.0 ** -torch.randint(0, 3, shape, generator=generator)
        size = torch.where(chance < 0.4, torch.tensor(0.5), size)
        return torch.floor(torch.rand(shape, generator=generator) / size) * size, size
    alone = isolated[:, None]
    fine = torch.rand(shape, generator=generator)
    fine = torch.where(alone, fine, (fine * FINEST).floor() / FINEST)
    context, served = (chance < 0.3) & ~alone, (chance > 0.5) & ~alone
    half = torch.where(chance < 0.8, 0.0, 0.5)
    level = torch.where(context, torch.tensor(CONTEXT_SIGNAL), torch.where(served, half, fine))
    return level, torch.where(served, 0.5, torch.tensor(1 / FINEST))


def served_levels(isolated: Tensor, known: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """tau, d and which frames are sampled as the engine does, [B, T] each: of an isolated row those that are mostly
    `known` [B, T] (the others, which the engine samples in many steps, have any level), of a sequence half; the others
    are their context: as they were in the engine's last step, or nearly clean, as pictures come in."""
    served = torch.where(isolated[:, None], known, torch.rand(known.shape, generator=generator) < 0.5)
    entered = torch.rand(len(isolated), 1, generator=generator) < 0.3
    context = torch.where(entered, CONTEXT_SIGNAL, 0.5).expand(known.shape)
    fine = torch.randint(0, FINEST, known.shape, generator=generator) / FINEST
    level = torch.where(isolated[:, None], fine, context)
    size = torch.where(isolated[:, None], 1 / FINEST, 1 - context)
    return torch.where(served, 0.0, level), torch.where(served, 0.5, size), served


def mix(clean: Tensor, noise: Tensor, signal: Tensor) -> Tensor:
    """(1 - tau) z0 + tau z1, for [B, T, N, C] and [B, T]."""
    tau = signal[..., None, None].to(clean.dtype)
    return (1 - tau) * noise + tau * clean


def row_mask(isolated: Tensor, frames: int, window: int) -> Tensor:
    """[B, T, T]: causal within the window, or, for rows of unrelated frames, each frame alone."""
    alone = torch.eye(frames, dtype=torch.bool, device=isolated.device)[None]
    return torch.where(isolated[:, None, None], alone, window_mask(frames, window, isolated.device))


@torch.no_grad()
def shortcut_target(omni: Callable[..., Seen], noisy: Tensor, given: Given, mask: Tensor) -> Tensor:
    """What two steps of half the size make of the noisy latents, as a clean target for one whole step."""
    half = given.step / 2
    tau = given.signal[..., None, None]
    first = omni(noisy, given._replace(step=half), mask).clean.float()
    rate = (first - noisy) / (1 - tau)
    between = noisy + rate * half[..., None, None]
    after = given.signal + half
    second = omni(between, given._replace(step=half, signal=after), mask).clean.float()
    rate_after = (second - between) / (1 - after[..., None, None])
    return noisy + (1 - tau) * (rate + rate_after) / 2


@torch.no_grad()
def first_step(
    omni: Callable[..., Seen], noisy: Tensor, given: Given, mask: Tensor, served: Tensor
) -> tuple[Tensor, Given]:
    """Takes the first of the engine's two steps for the served frames: the latents half way, and their levels."""
    half = noisy + (omni(noisy, given, mask).clean.float() - noisy) / 2
    halfway = torch.where(served[..., None, None], half, noisy)
    return halfway, given._replace(signal=torch.where(served, 0.5, given.signal))


def weights(signal: Tensor) -> Tensor:
    """Ramp: what is nearly clean counts more (Dreamer 4); flatter than there, since here a view replaces much noise."""
    return 0.6 * signal + 0.4


def rate_weights(signal: Tensor) -> Tensor:
    """As if the rate of flow and not the clean latents were compared (arXiv 2210.02747), which makes what is nearly
    done count, up to a limit; a quarter of it, about as much as `weights`."""
    return (1 - signal).square().reciprocal().clamp_max(STEEPEST) / 4


def picture_loss(seen: Seen, target: Tensor, given: Given, torn: Tensor | None = None) -> Tensor:
    """Weighted mean over [B, T, 144] of each token's error: its root mean square where the view is known, not squared,
    else what must be relit drowns what need only be kept, and the network never learns to keep it exactly; its mean
    square where nothing is known, for only that makes denoising steps draw samples and not medians. Of frames that
    are `torn` [B, T] no cell counts as known, since it is not known what of it is true."""
    known = given.view[..., PATCH : PATCH + 4].mean(-1)
    known = known if torn is None else known.masked_fill(torn[..., None], 0)
    square = (seen.clean.float() - target).square().mean(-1)
    kept = weights(given.signal)[..., None] * known * (square + SMALLEST**2).sqrt()
    invented = rate_weights(given.signal)[..., None] * (1 - known) * square
    return (kept + invented).mean()
