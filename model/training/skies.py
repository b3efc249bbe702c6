"""Where the sky moves when something is said: the simulator's rule as targets for the sky head.
Knows names, ranges and rates; nothing of pictures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model.conditioning import state
from model.omni import Omni
from model.training.sentences import Said, Sentences
from model.worlds.weather import RANGES, TURNS


def random_skies(count: int, generator: torch.Generator) -> Tensor:
    """[count, 6]: half of them anywhere, half with rain, snow and cover fully off or on, as skies at rest are; the sun
    in half of them near where a time of day begins or ends."""
    sky = torch.rand(count, 6, generator=generator)
    edges = torch.tensor([edge for bounds in TURNS.values() for edge in bounds])
    near = edges[torch.randint(len(edges), (count,), generator=generator)]
    near = (near + 0.03 * torch.randn(count, generator=generator)) % 1
    sky[:, 0] = torch.where(torch.rand(count, generator=generator) < 0.5, near, sky[:, 0])
    resting = torch.rand(count, 1, generator=generator) < 0.5
    fog = sky[:, 2] * (torch.rand(count, generator=generator) < 0.5)
    rest = torch.cat([sky[:, :2], fog[:, None], sky[:, 3:].round()], 1)
    return torch.where(resting, rest, sky)


def wanted(said: Said, sky: Tensor) -> Tensor:
    """Rates [6] in nominal units that bring a sky [6] into the range of what was said; what was not named rests."""
    _, time, weather = said
    rates = torch.zeros(6)
    if time < len(state.TIMES):
        low, high = TURNS[state.TIMES[time]]
        if not low <= sky[0] <= high:
            rates[0] = (low - float(sky[0])) % 1
    if weather < len(state.WEATHERS):
        for i, (low, high) in enumerate(RANGES[state.WEATHERS[weather]], start=1):
            rates[i] = min(max(float(sky[i]), low), high) - sky[i]
    return (rates / state.NOMINAL).clamp(-1, 1)


def sky_loss(
    omni: Omni, sentences: Sentences, count: int, generator: torch.Generator, device: torch.device | str = "cpu"
) -> Tensor:
    """How far the sky head is from the simulator's rule, on `count` drawn sentences and skies."""
    which = torch.randint(len(sentences.texts), (count,), generator=generator)
    skies = random_skies(count, generator)
    target = torch.stack([wanted(sentences.said(i), sky) for i, sky in zip(which.tolist(), skies, strict=True)])
    rates = omni.drift(omni.resample(*sentences.take(which)), skies.to(device))
    return F.smooth_l1_loss(rates, target.to(device), beta=0.2)
