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


def with_noise(clean: Tensor, noise: Tensor, tau: float) -> Tensor:
    """(1 - tau) noise + tau clean."""
    return (1 - tau) * noise + tau * clean
