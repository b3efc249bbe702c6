"""The real worker with the bundled networks; but a corner of each picture is lit, and 1 kHz is all that is heard, as
long as somebody holds a button. A frame costs here what it costs anybody."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine import worker
from engine.messages import AUDIO_RATE, Open
from engine.models import Models
from engine.session import OpenWorld
from engine.sounding import OpenSound, Sounded, Soundscape
from engine.steppable import Steppable
from engine.world import Frame, Inputs, Moved, World, untold
from model.conditioning.state import WorldState
from model.sound.networks import FILE, SoundNetworks

DARK, LIT, CORNER = 30, 200, 96
TONE_HZ = 1000
open_worlds = worker.opener


class LitWorld:
    """A world with a lamp."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def state(self) -> WorldState:
        return self._world.state

    @property
    def index(self) -> int:
        return self._world.index

    def say(self, text: str) -> None:
        self._world.say(text)

    def step(self, inputs: Inputs, moved: Moved = untold) -> Frame:
        frame = self._world.step(inputs, moved)
        y = frame.y.copy()
        y[:CORNER, :CORNER] = LIT if inputs.buttons else DARK
        return replace(frame, y=y)


class Tone(Soundscape):
    """The sound of a world, drawn and not heard."""

    samples = 0

    def sound(self, state: WorldState, buttons: int, look: tuple[float, float], frames: int) -> Sounded:
        drawn = super().sound(state, buttons, look, frames)
        seconds = (self.samples + np.arange(drawn.pcm.size)) / AUDIO_RATE
        self.samples += drawn.pcm.size
        tone = 0.5 * np.sin(2 * np.pi * TONE_HZ * seconds) * (buttons != 0)
        return Sounded(tone.astype(np.float32), drawn.heard)


def open_lit(models: Models) -> OpenWorld:
    open_world = open_worlds(models)

    def opened(wish: Open) -> Steppable:
        world = open_world(wish)
        assert isinstance(world, World)
        return LitWorld(world)

    return opened


def open_tones(weights: Path) -> OpenSound:
    networks = SoundNetworks.load(weights / FILE)
    return lambda seed: Tone(networks, seed)


if __name__ == "__main__":
    worker.opener, worker.sound_opener = open_lit, open_tones
    worker.main(sys.argv[1:])
