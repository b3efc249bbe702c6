"""What people did since the last tick, gathered message by message and drained once a frame.
Knows the rules (last state, sum, newest, last samples) and nothing of sockets or networks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.paths import vocabulary
from engine.messages import AUDIO_RATE, AUDIO_SAMPLES, CAMERAS, MAX_PROMPT_CHARS, Audio, Camera, Control, Text

MAX_LOOK_RAD = 0.15  # a frame: 3.6 rad/s, faster than a hand turns a mouse on purpose
REMEMBERED = 64  # looks, of a frame that is on its way
STALE_TICKS = 1  # a microphone packet may come this many ticks late before the frame hears silence

Pcm = NDArray[np.float32]  # [AUDIO_SAMPLES] at AUDIO_RATE, -1..1


class BadInput(Exception):
    """A message of the right type with a value that no person can have meant."""


@dataclass(frozen=True)
class Look:
    """How far a snapshot turns the view beyond a frame, in radians."""

    seq: int
    right_rad: float
    up_rad: float


@dataclass(frozen=True)
class Drained:
    """The inputs of one frame. `look_x`, `look_y`: this frame's radians. `pcm`: None is silence.
    `text`: a new prompt, if one came. `control_seq`: the newest snapshot obeyed, -1 for none yet.
    `heard`: how many snapshots came before; `turned`: all looks obeyed up to now, right and up.
    `camera`: through which the world is seen from now on, if one was chosen."""

    buttons: int
    look_x: float
    look_y: float
    pcm: Pcm | None
    text: Text | None
    control_seq: int
    heard: int
    turned: tuple[float, float]
    camera: str = ""


def clamp_look(radians: float) -> float:
    """One frame's share of a look: what exceeds MAX_LOOK_RAD is dropped, so that the view stops when the hand does."""
    return min(max(radians, -MAX_LOOK_RAD), MAX_LOOK_RAD)


class Microphone:
    """The last AUDIO_SAMPLES samples of what was heard."""

    def __init__(self) -> None:
        self._ring: Pcm = np.zeros(AUDIO_SAMPLES, np.float32)
        self._stale_ticks = STALE_TICKS + 1

    def hear(self, pcm: bytes) -> None:
        """Take s16le mono at AUDIO_RATE, up to a second. Raises BadInput."""
        if len(pcm) % 2 or len(pcm) > 2 * AUDIO_RATE:
            raise BadInput(f"sound is whole s16le samples, at most {2 * AUDIO_RATE} bytes; this has {len(pcm)} bytes")
        if not pcm:
            return
        samples = np.frombuffer(pcm, "<i2")[-AUDIO_SAMPLES:].astype(np.float32) / 32768
        self._ring = np.concatenate([self._ring[len(samples) :], samples])
        self._stale_ticks = 0

    def drain(self) -> Pcm | None:
        """The last 1/24 s, or None when nothing came for more than STALE_TICKS ticks."""
        self._stale_ticks += 1
        if self._stale_ticks <= STALE_TICKS + 1:
            return self._ring
        self._ring = np.zeros(AUDIO_SAMPLES, np.float32)
        return None


class Gathered:
    """Buttons, look, text and sound for one world, between two ticks."""

    def __init__(self) -> None:
        self._all_buttons = (1 << len(vocabulary()["buttons"])) - 1
        self._control: Control | None = None
        self._look_drained = self._turned = (0.0, 0.0)
        self._heard = 0
        self._looks: tuple[tuple[int, Look], ...] = ()  # never changed, only replaced: another thread reads it
        self._text: Text | None = None
        self._camera = ""
        self._microphone = Microphone()

    def control(self, message: Control) -> None:
        """Take a snapshot. A sequence number that falls is a new driver, whose totals start a new count."""
        if not 0 <= message.buttons <= self._all_buttons:
            raise BadInput(f"buttons is a bitmap 0..{self._all_buttons}, not {message.buttons}")
        if not (math.isfinite(message.look_x) and math.isfinite(message.look_y)):
            raise BadInput(f"look totals are finite radians, not {message.look_x}, {message.look_y}")
        if self._control is None or message.seq < self._control.seq:
            self._look_drained = (message.look_x, message.look_y)
        self._control = message
        self._heard += 1
        due = self._due(message)
        look = Look(message.seq, self._turned[0] + due[0], self._turned[1] + due[1])
        self._looks = (*self._looks[1 - REMEMBERED :], (self._heard, look))

    def _due(self, control: Control) -> tuple[float, float]:
        """What the next frame turns by, if nothing else comes."""
        before = self._look_drained
        return clamp_look(control.look_x - before[0]), clamp_look(control.look_y - before[1])

    def text(self, message: Text) -> None:
        """Take a prompt; it replaces one that is still waiting."""
        if not 0 < len(message.text.strip()) <= MAX_PROMPT_CHARS:
            raise BadInput(f"a prompt has 1..{MAX_PROMPT_CHARS} characters, this one has {len(message.text.strip())}")
        self._text = message

    def camera(self, message: Camera) -> None:
        """Take a choice of camera; the last one counts."""
        if message.camera not in CAMERAS:
            raise BadInput(f"a camera is one of {', '.join(CAMERAS)}; this is {message.camera!r}")
        self._camera = message.camera

    def audio(self, message: Audio) -> None:
        """Take microphone sound."""
        self._microphone.hear(message.pcm)

    def drain(self) -> Drained:
        """The inputs of the frame that is sampled next; what was drained does not come again."""
        text, self._text = self._text, None
        camera, self._camera = self._camera, ""
        pcm = self._microphone.drain()
        if self._control is None:
            return Drained(0, 0.0, 0.0, pcm, text, -1, 0, self._turned, camera)
        now = self._control
        look_x, look_y = self._due(now)
        self._look_drained = (now.look_x, now.look_y)
        self._turned = (self._turned[0] + look_x, self._turned[1] + look_y)
        return Drained(now.buttons, look_x, look_y, pcm, text, now.seq, self._heard, self._turned, camera)

    def beyond(self, frame: Drained) -> list[Look]:
        """The looks that came after what a frame obeyed, seen from it, oldest first. Any thread may ask."""
        return [
            Look(look.seq, look.right_rad - frame.turned[0], look.up_rad - frame.turned[1])
            for number, look in self._looks
            if number > frame.heard
        ]
