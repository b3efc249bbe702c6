"""What travels on the data channels `control` and `events`: typed JSON, checked before anybody sees it.
Knows no connection and no session."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from configs.paths import vocabulary
from engine.messages import MAX_PROMPT_CHARS

MAX_CONTROL_BYTES = 512
MAX_EVENT_BYTES = 8192
MAX_TOTAL_RAD = 1e6
UNREADABLE = (msgspec.MsgspecError, UnicodeEncodeError, RecursionError)  # the last: brackets in brackets

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Total = Annotated[float, msgspec.Meta(ge=-MAX_TOTAL_RAD, le=MAX_TOTAL_RAD)]


class Junk(Exception):
    """What arrived is not a message of its channel; the text is for the sender."""


class Controls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A full snapshot: held buttons as a bitmap, look as running totals in radians."""

    seq: Count
    buttons: Count
    look_x: Total = 0.0
    look_y: Total = 0.0
    t: float = 0.0


class Say(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="text"):
    """A prompt; `ref` comes back with the answer."""

    text: str
    ref: Count = 0


class Ping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="ping"):
    """The heartbeat, with the browser's clock in milliseconds."""

    t: float


class Vote(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="vote"):
    """For a suggestion."""

    suggestion: Count


class Accept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="accept"):
    """The world shall obey a suggestion."""

    suggestion: Count


class Dismiss(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="dismiss"):
    """Nobody shall see a suggestion any more."""

    suggestion: Count


class Voting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="voting"):
    """The most voted suggestion is taken every so many seconds; 0: never."""

    every_s: Annotated[float, msgspec.Meta(ge=0, le=3600)]


class HandOver(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="hand_over"):
    """That peer alone drives from now on."""

    to: Annotated[str, msgspec.Meta(max_length=64)]


class TakeBack(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="take_back"):
    """The controls return to the owner and to who has a driver's link."""


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="rung"):
    """Pictures of this rung from now on; "": of the highest that keeps up."""

    rung: Literal["", "270p", "540p", "1080p"] = ""


class LateLook(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="late_look"):
    """Whether a picture follows the looks that came after its frame was begun."""

    on: bool


class Film(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="camera"):
    """The world is seen through this camera from now on."""

    camera: Annotated[str, msgspec.Meta(max_length=16)]


Times = Annotated[list[Annotated[float, msgspec.Meta(ge=0, le=60_000)]], msgspec.Meta(max_length=64)]


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="measured"):
    """How long each of a driver's last presses, and looks, took from the hand to the eye, in milliseconds."""

    photon_ms: Times = []
    look_ms: Times = []


class Steer(Controls, frozen=True, forbid_unknown_fields=True, tag="control"):
    """A snapshot where there is one channel for all: the WebSocket."""


Asked = Say | Ping | Vote | Accept | Dismiss | Voting | HandOver | TakeBack | Pin | LateLook | Film | Measured


class PromptUnfit(Exception):
    """A text that no world is asked to obey; the text says why, `slug` names the problem."""

    def __init__(self, slug: str, reason: str) -> None:
        super().__init__(reason)
        self.slug, self.reason = slug, reason


_controls = msgspec.json.Decoder(Controls)
_events: msgspec.json.Decoder[Asked] = msgspec.json.Decoder(Asked)
_frames: msgspec.json.Decoder[Asked | Steer] = msgspec.json.Decoder(Asked | Steer)
_encoder = msgspec.json.Encoder()


def read_controls(raw: str | bytes) -> Controls:
    """A message of the `control` channel. Raises Junk."""
    if not isinstance(raw, str) or len(raw) > MAX_CONTROL_BYTES:
        raise Junk(f"the control channel expects JSON text of at most {MAX_CONTROL_BYTES} characters")
    try:
        controls = _controls.decode(raw)
    except UNREADABLE as error:
        raise Junk(f"the control channel expects a snapshot: {error}") from error
    return _known(controls, "the control channel")


def _known(controls: Controls, where: str) -> Controls:
    known = (1 << len(vocabulary()["buttons"])) - 1
    if controls.buttons > known:
        raise Junk(f"{where} expects buttons up to {known}, got {controls.buttons}")
    return controls


def read_frame(raw: str) -> Asked | Controls:
    """A text frame of the WebSocket. Raises Junk."""
    if len(raw) > MAX_EVENT_BYTES:
        raise Junk(f"the socket expects JSON text of at most {MAX_EVENT_BYTES} characters")
    try:
        message = _frames.decode(raw)
    except UNREADABLE as error:
        raise Junk(f"the socket expects a message of the channels: {error}") from error
    return _known(message, "the socket") if isinstance(message, Controls) else message


def read_event(raw: str | bytes) -> Asked:
    """A message of the `events` channel. Raises Junk."""
    if not isinstance(raw, str) or len(raw) > MAX_EVENT_BYTES:
        raise Junk(f"the events channel expects JSON text of at most {MAX_EVENT_BYTES} characters")
    try:
        return _events.decode(raw)
    except UNREADABLE as error:
        raise Junk(f"the events channel expects one of its messages: {error}") from error


def fit_prompt(text: str) -> str:
    """The text without outer blanks, or PromptUnfit with the reason."""
    text = text.strip()
    if not text:
        raise PromptUnfit("prompt-refused", "The text is empty.")
    if len(text) > MAX_PROMPT_CHARS:
        raise PromptUnfit("prompt-too-long", f"A text may have {MAX_PROMPT_CHARS} characters, this has {len(text)}.")
    if any((ord(letter) < 32 and letter not in "\n\t") or 0xD800 <= ord(letter) < 0xE000 for letter in text):
        raise PromptUnfit("prompt-refused", "The text has characters that nobody can read.")
    return text


def event(kind: str, /, **values: Any) -> str:
    """A message to a browser's `events` channel."""
    return _encoder.encode({"type": kind, **values}).decode()
