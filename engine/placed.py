"""The networks on a device: same in and out as on the host, with the past of worlds on the device. Geometry, small
heads and sound stay on the host's cores. Knows the networks' shapes; nothing of worlds' lives."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from engine.device import Place
from engine.fixed import Call, Fixed
from model.attention import Past
from model.ladder.network import SCALES, Ladder, Planes, check_scale
from model.omni import Given, Omni, Seen
from model.tokenizer.frame import FrameTokenizer

GIVEN = len(Given._fields)


class PlacedOmni:
    """Called as `Omni` is, of any number of worlds; `past` and what is kept lie on the device."""

    def __init__(self, omni: Omni, place: Place):
        self.config = omni.config
        self.resample, self.move = omni.resample, omni.move
        self.drift, self.name = omni.drift, omni.name
        self._network = deepcopy(omni).to(place.device, place.dtype)
        self._fixed = Fixed(self._call, place)

    @property
    def sizes(self) -> list[int]:
        """Worlds that its buffers were made for."""
        return self._fixed.sizes

    def __call__(self, noisy: Tensor, given: Given, mask: Tensor, past: list[Past] | None = None) -> Seen:
        """As `Omni.forward`."""
        mask = mask.expand(len(noisy), -1, -1)
        pairs = [part for pair in past or [] for part in pair]
        (clean, hidden, trust), kept = self._fixed(noisy, *given, mask, *pairs)
        return Seen(clean, hidden, list(zip(kept[::2], kept[1::2], strict=True)), trust)

    def _call(self, noisy: Tensor, *rest: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        given, mask, pairs = Given(*rest[:GIVEN]), rest[GIVEN], rest[GIVEN + 1 :]
        past = list(zip(pairs[::2], pairs[1::2], strict=True))
        seen: Seen = self._network(noisy, given, mask, past or None)
        return [seen.clean, seen.hidden, seen.trust], [part for pair in seen.kept for part in pair]


class PlacedTokenizer:
    """Encodes and decodes as `FrameTokenizer` does; planes and latents come from the host and go there, each way by a
    stream of its own, so that one world's picture is drawn while others are sampled."""

    def __init__(self, tokenizer: FrameTokenizer, place: Place):
        self.config = tokenizer.config
        network = deepcopy(tokenizer).to(place.device, place.dtype)
        self._encoding = Fixed(lambda planes: ([network.encode(planes)], []), place)
        self._decoding = Fixed(lambda latents: ([network.decode(latents)], []), place)

    def encode(self, planes: Tensor) -> Tensor:
        """Planes [B, 7, 8h, 8w] -> latents [B, 16, h, w]."""
        return self._encoding(planes)[0][0]

    def decode(self, latents: Tensor) -> Tensor:
        """Latents [B, 16, h, w] -> planes [B, 7, 8h, 8w]."""
        return self._decoding(latents)[0][0]


class PlacedPlanes:
    """A network that is given planes and tells something of each of their pixels, as `Surfaces` and `Detail`; at once,
    also where the host works in pieces."""

    def __init__(self, network: nn.Module, place: Place):
        network = deepcopy(network).to(place.device, place.dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._fixed = Fixed(lambda planes: ([network(planes)], []), place)

    def __call__(self, planes: Tensor) -> Tensor:
        """Planes [B, 7, h, w] -> what `network` tells of them [B, C, h, w]."""
        return self._fixed(planes)[0][0]


class PlacedLadder:
    """Enlarges as `Ladder` does, to a byte or two; bytes come from the host and go there."""

    def __init__(self, ladder: Ladder, place: Place):
        network = deepcopy(ladder).to(place.device, place.dtype)
        self._scales = {scale: Fixed(_enlarging(network, scale), place) for scale in SCALES}

    def enlarge(self, y: Tensor, u: Tensor, v: Tensor, scale: int) -> Planes:
        """Bytes y [B, 2h, 2w], u, v [B, h, w] -> the same `scale` times as high and wide."""
        check_scale(scale)
        y, u, v = self._scales[scale](y, u, v)[0]
        return y, u, v


def _enlarging(network: Ladder, scale: int) -> Call:
    return lambda y, u, v: (network.enlarge(y, u, v, scale), [])
