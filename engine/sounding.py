"""How a world sounds: the sound networks follow its state and the controls, a frame at a time, and say what is heard.
Knows networks, buttons and names; nothing of packets. Every sample is drawn by a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.paths import WEIGHTS
from engine.cameras import FIRST
from model.conditioning import control
from model.conditioning.state import WorldState
from model.sound.networks import FILE, Sounding, SoundNetworks

HEARD, GONE = 0.6, 0.3  # how likely a source must be to be captioned, and to be no longer
HOLD_FRAMES = 18  # a caption stays for at least so long: steps come and go
MOST_FRAMES = 6  # that are sounded in one tick, where pictures were skipped

Pcm = NDArray[np.float32]


class Captions:
    """Which sources are heard, without flicker."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        self._sources = sources
        self._since = [-1] * len(sources)  # frames since it was last heard; -1: not at all
        self.heard: tuple[str, ...] = ()

    def take(self, likely: list[float]) -> bool:
        """Count a frame; whether `heard` changed by it."""
        for index, value in enumerate(likely):
            on = self._since[index] >= 0
            if value > (GONE if on else HEARD):
                self._since[index] = 0
            elif on:
                self._since[index] = -1 if self._since[index] >= HOLD_FRAMES else self._since[index] + 1
        now = tuple(name for name, since in zip(self._sources, self._since, strict=True) if since >= 0)
        changed, self.heard = now != self.heard, now
        return changed


@dataclass(frozen=True)
class Sounded:
    """pcm [frames * 1000] in [-1, 1] at 24 kHz; `heard`: what is to be heard from now on, where that changed."""

    pcm: Pcm
    heard: tuple[str, ...] | None


class Soundscape:
    """One world's sound and its captions. For one thread at a time."""

    def __init__(self, networks: SoundNetworks, seed: int) -> None:
        self._sounding = Sounding(networks, seed)
        self._captions = Captions(self._sounding.sources)

    def sound(self, state: WorldState, buttons: int, look: tuple[float, float], frames: int) -> Sounded:
        """The next `frames` frames in this state, MOST_FRAMES at most."""
        told = _controls(buttons if state.camera == FIRST else 0, look)  # who flies has no feet
        tokens, made, changed = state.tokens(), [], False
        for _ in range(min(max(frames, 1), MOST_FRAMES)):
            pcm, likely = self._sounding.step(tokens, told)
            made.append(pcm)
            changed |= self._captions.take(likely.tolist())
        return Sounded(np.asarray(torch.cat(made).numpy(), np.float32), self._captions.heard if changed else None)


def _controls(buttons: int, look: tuple[float, float]) -> Tensor:
    held = [float(buttons >> index & 1) for index in range(len(control.HELD))]
    return control.features(torch.tensor([*held, *look]))


OpenSound = Callable[[int], Soundscape]


def sound_opener(weights: Path = WEIGHTS) -> OpenSound | None:
    """Soundscapes of a seed, by the bundled networks; None where a folder of weights has no sound: then its worlds are
    silent. Raises CheckpointError on weights that do not fit."""
    if not (weights / FILE).exists():
        return None
    networks = SoundNetworks.load(weights / FILE)
    return lambda seed: Soundscape(networks, seed)
