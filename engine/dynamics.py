"""The past of one world and the few-step sampling over it: what is given of a frame in, its latents out.
Knows the Omni, its window and the schedule; nothing of prompts, cameras and pictures."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from engine import sampler
from engine.cache import Window
from engine.device import HERE, Place
from model.attention import Past
from model.omni import BLOCK, FIRST_CARRIED, Given, OmniConfig, Seen, patch, unpatch

STEPS = 2
BOUND = 3.0  # of latents, either way
Network = Callable[[Tensor, Given, Tensor, list[Past]], Seen]


class Dynamics:
    """One world's window of committed frames, and how the next one is sampled."""

    def __init__(self, network: Network, config: OmniConfig, place: Place = HERE):
        self.steps = STEPS
        self._network = network
        slots, head_width = BLOCK - FIRST_CARRIED, config.width // config.heads
        self._window = Window(config.time_layers, config.window, (slots, config.heads, head_width), place)

    def denoise(self, noisy: Tensor, given: Given) -> tuple[Tensor, Seen]:
        """Noise [1, 1, 144, 64] -> a frame's latents [1, 16, 18, 32]; what the last step saw is committed."""
        seen: Seen | None = None
        for tau, size in sampler.levels(self.steps):
            seen = self._see(noisy, given, tau, size)
            noisy = sampler.move(noisy, seen.clean.float(), tau, self.steps)
        assert seen is not None
        self._window.commit(seen.kept, 0)
        return unpatch(noisy[:, 0]).clamp(-BOUND, BOUND), seen

    def enter(self, latents: Tensor, noise: Tensor, given: Given) -> tuple[Tensor, Seen]:
        """Latents that are known enter as a frame, with a little of the noise [1, 1, 144, 64]."""
        noisy = sampler.with_noise(patch(latents)[:, None], noise, sampler.ENTRY_SIGNAL)
        seen = self._see(noisy, given, sampler.ENTRY_SIGNAL, 1 - sampler.ENTRY_SIGNAL)
        self._window.commit(seen.kept, 0)
        return latents, seen

    def _see(self, noisy: Tensor, given: Given, tau: float, size: float) -> Seen:
        """One call of the network, with the past."""
        here = given._replace(signal=torch.tensor([[tau]]), step=torch.tensor([[size]]))
        return self._network(noisy, here, self._window.mask(1), self._window.pairs())
