"""One session's sound on its way out: drawn where its world steps, as the messages that say it to the gateway.
Knows the session's name and its one encoder; nothing of pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from engine.messages import AudioPacket, Open, Sounds
from engine.opus import OpusEncoder
from engine.sounding import Soundscape
from engine.world import Frame, Inputs, Moved
from model.conditioning.state import WorldState


@runtime_checkable
class Stateful(Protocol):
    """A world whose state can be sounded. `index`: of the frame that it steps."""

    index: int

    def step(self, inputs: Inputs, moved: Moved) -> Frame:
        """The next frame; `moved` is told its state as soon as that is known."""


@dataclass(frozen=True)
class Due:
    """What a step has to sound: frames up to the one of `pts` (VIDEO_CLOCK), more than one where some were skipped."""

    pts: int
    frames: int


class Loudspeaker:
    """For one thread at a time."""

    def __init__(self, opened: Open, soundscape: Soundscape) -> None:
        self._session, self._epoch = opened.session, opened.epoch
        self._soundscape, self._opus = soundscape, OpusEncoder()

    def sound(self, frame: int, state: WorldState, inputs: Inputs, due: Due) -> list[AudioPacket | Sounds]:
        """What is to be sent: the sound of the frames that are due, and what is to be heard where that changed."""
        sounded = self._soundscape.sound(state, inputs.buttons, (inputs.look_x, inputs.look_y), due.frames)
        session, epoch = self._session, self._epoch
        begins, packets = self._opus.encode(sounded.pcm, due.pts)
        said: list[AudioPacket | Sounds] = [
            AudioPacket(session=session, epoch=epoch, frame=frame, pts=begins, packets=packets)
        ]
        if sounded.heard is not None:
            said.append(Sounds(session=session, epoch=epoch, frame=frame, heard=list(sounded.heard)))
        return said
