"""Few-step sampling as plain functions: which levels a frame passes, and how one denoising step moves it.
Knows nothing of worlds, caches or networks."""

from __future__ import annotations

from torch import Tensor

FINEST = 8
ENTRY_SIGNAL = 1 - 1 / FINEST  # pictures come in with a little noise, as frames nearly done


def levels(steps: int) -> list[tuple[float, float]]:
    """(tau, d) of each of `steps` denoising steps. Steps beyond FINEST keep d at 1 / FINEST, as trained."""
    if steps < 1 or steps & (steps - 1):
        raise ValueError(f"steps must be a power of two; got {steps}")
    return [(i / steps, max(1 / steps, 1 / FINEST)) for i in range(steps)]


def move(noisy: Tensor, clean: Tensor, tau: float, steps: int) -> Tensor:
    """One step of size 1 / steps from `noisy` at signal level tau toward the predicted `clean`."""
    if tau + 1 / steps >= 1:
        return clean
    return noisy + (clean - noisy) / (1 - tau) / steps


def guided(clean: Tensor, poorer: Tensor, share: float) -> Tensor:
    """`clean` moved away from what a poorer network takes the same for, by a share of how they differ: both err the
    same way, the poorer one farther (autoguidance, arXiv 2406.02507)."""
    return clean + share * (clean - poorer)


def stirred(noisy: Tensor, clean: Tensor, tau: float, fresh: Tensor, share: float) -> Tensor:
    """`noisy` at signal level tau, whose clean frame is `clean`, with a share of its noise's deviation from fresh
    noise: what earlier steps did wrong is forgotten with the noise that told them so (compare arXiv 2206.00364)."""
    noise = (noisy - tau * clean) / (1 - tau)
    return with_noise(clean, (1 - share**2) ** 0.5 * noise + share * fresh, tau)


def with_noise(clean: Tensor, noise: Tensor, tau: float) -> Tensor:
    """(1 - tau) noise + tau clean."""
    return (1 - tau) * noise + tau * clean
