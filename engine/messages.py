"""The contract between a worker and a gateway: typed, versioned messages, length-prefixed msgpack.
Knows nothing of networks, codecs, HTTP or torch; never uses pickle."""

from __future__ import annotations

import asyncio
import struct

import msgspec

VERSION = 7
FRAME_RATE = 24
AUDIO_RATE = 24_000
AUDIO_SAMPLES = AUDIO_RATE // FRAME_RATE  # 1000 samples of mono s16le a frame
VIDEO_CLOCK = 90_000
RUNGS = ("270p", "540p", "1080p")  # of the resolution ladder, by the lines that are streamed, from below
CAMERAS = ("first", "drone", "orbit")  # of the vocabulary's: the others show a subject, and there is none yet
BUSY_BYTES = 8  # a worker, in the file by which a gateway's workers tell each other that they are busy
MOST_WORKERS = 64  # of one gateway
MAX_PROMPT_CHARS = 400
MAX_SAVED_BYTES = 16 << 20
PICTURE_WIDTH, PICTURE_HEIGHT = 512, 288  # of a picture that a world begins from
MAX_MESSAGE_BYTES = MAX_SAVED_BYTES + (1 << 20)
_PREFIX = struct.Struct(">I")


class ProtocolError(Exception):
    """What arrived is not a message of this version."""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """Base of all messages. `session` names a world, `epoch` its lease; an old epoch is refused."""

    session: str = ""
    epoch: int = 0


# --- into the worker -------------------------------------------------------------------------


class Open(Message, frozen=True, kw_only=True):
    """Start a world. Its first frame comes from `prompt` and `seed`, or from a template's start picture, or is
    `picture`, a PNG of PICTURE_WIDTH x PICTURE_HEIGHT; with `saved`, what a Saved carried, the world goes on from there
    instead. `speech_needs_leave`: what is said aloud is not obeyed before its Spoke was answered."""

    seed: int
    prompt: str = ""
    template: str = ""
    picture: bytes = b""
    saved: bytes = b""
    speech_needs_leave: bool = False


class Close(Message, frozen=True, kw_only=True):
    """End a world and free what it holds."""


class Control(Message, frozen=True, kw_only=True):
    """The driver's newest snapshot. `buttons`: bit i is the i-th of vocabulary.json's buttons.
    `look_x`, `look_y`: running totals in radians, right and up positive."""

    seq: int
    buttons: int
    look_x: float
    look_y: float


class Text(Message, frozen=True, kw_only=True):
    """A prompt that replaces the one in force."""

    text_id: int
    text: str


class Audio(Message, frozen=True, kw_only=True):
    """Microphone sound: s16le mono at AUDIO_RATE, any length up to a second."""

    pcm: bytes


class Leave(Message, frozen=True, kw_only=True):
    """Whether what a Spoke told of may be obeyed; else it is forgotten."""

    said_id: int
    given: bool


class KeyframeWanted(Message, frozen=True, kw_only=True):
    """Somebody joined or lost packets: make the next frame an IDR (at most one per 0.5 s)."""


class Bitrate(Message, frozen=True, kw_only=True):
    """Target of the session's one encoder."""

    bits_per_second: int


class Rung(Message, frozen=True, kw_only=True):
    """Draw the world at this rung from the next frame on; "": at the highest that keeps up."""

    rung: str = ""


class LateLook(Message, frozen=True, kw_only=True):
    """Whether what is streamed of a frame follows the looks that come while it is sampled; it does until told else."""

    on: bool


class Camera(Message, frozen=True, kw_only=True):
    """See the world through this one of CAMERAS from the next frame on."""

    camera: str


class Save(Message, frozen=True, kw_only=True):
    """Say the world as bytes, between two frames; the answer is a Saved with the same `save_id`, or Refused."""

    save_id: int


# --- out of the worker -----------------------------------------------------------------------


class Ready(Message, frozen=True, kw_only=True):
    """The worker has loaded its model, which samples a frame in `steps`, and can open worlds, which begin at `rung`
    and whose encoders begin with `bits_per_second`. It is one of `workers`: as many as it was told that there are, or
    as this machine uses well."""

    version: int = VERSION
    model: str
    steps: int
    rung: str
    width: int
    height: int
    bits_per_second: int
    capacity: int
    workers: int = 1


class Opened(Message, frozen=True, kw_only=True):
    """The world lives; packets follow, the first one of frame `frame`."""

    frame: int = 0


class OnRung(Message, frozen=True, kw_only=True):
    """From frame `frame` on pictures are of this rung and size, and the encoder begins with `bits_per_second`;
    the first of them is an IDR. `pinned`: somebody asked for it; said again when only that changes."""

    frame: int
    rung: str
    width: int
    height: int
    bits_per_second: int
    pinned: bool


class VideoPacket(Message, frozen=True, kw_only=True):
    """One encoded access unit (Annex B). `pts` counts VIDEO_CLOCK ticks."""

    frame: int
    pts: int
    keyframe: bool
    data: bytes


class AudioPacket(Message, frozen=True, kw_only=True):
    """The sound of frame `frame`: Opus packets of 10 ms each, the first of them `pts` VIDEO_CLOCK ticks in."""

    frame: int
    pts: int
    packets: list[bytes]


class Sounds(Message, frozen=True, kw_only=True):
    """What is to be heard from frame `frame` on, by the names of the sound network's sources; for captions."""

    frame: int
    heard: list[str]


class Heard(Message, frozen=True, kw_only=True):
    """Somebody finished speaking. `words`: as it sounded; `kind`: speech, silence, music or foreign; `confidence`
    0..1; `obeyed`: whether it is in force from frame `frame` on. It may come once more, with better words."""

    frame: int
    words: str
    kind: str
    confidence: float
    obeyed: bool


class Spoke(Message, frozen=True, kw_only=True):
    """Somebody said this aloud and was understood. It waits for Leave with the same `said_id`, until the next one."""

    frame: int
    said_id: int
    words: str
    confidence: float


class Receipt(Message, frozen=True, kw_only=True):
    """What frame `frame` obeyed: the newest control `seq` (-1: none) and `text_id` (0: the opening prompt).
    `look_seq`: the newest whose look is in the picture, which a late look makes newer than `control_seq`."""

    frame: int
    pts: int
    control_seq: int
    look_seq: int
    text_id: int


class State(Message, frozen=True, kw_only=True):
    """The world's state as the network read it out (place, sun, weather, position), and the values of the
    frame's audio tokens, by name."""

    frame: int
    values: dict[str, float]
    audio: list[float]


class Stats(Message, frozen=True, kw_only=True):
    """Means over the last second: milliseconds a stage, frames a second, resident memory."""

    frame: int
    fps: float
    step_ms: float
    decode_ms: float
    encode_ms: float
    memory_mib: float


class Saved(Message, frozen=True, kw_only=True):
    """The world after frame `frame` - 1, as Open takes it back: at most MAX_SAVED_BYTES. `text_id`: the text in force.
    `still`: its last picture as JPEG."""

    save_id: int
    frame: int
    text_id: int
    still: bytes
    data: bytes


class Refused(Message, frozen=True, kw_only=True):
    """The worker did not do what was asked; the world goes on unchanged. `kind` is the refused message's type,
    `text_id` that of a refused Text (0: no text), `reason` is for people."""

    kind: str
    reason: str
    text_id: int = 0


class Failed(Message, frozen=True, kw_only=True):
    """The world (or, with an empty session, the worker) cannot go on."""

    reason: str


Incoming = Open | Close | Control | Text | Audio | Leave | KeyframeWanted | Bitrate | Rung | LateLook | Camera | Save
Outgoing = (
    Ready
    | Opened
    | OnRung
    | VideoPacket
    | AudioPacket
    | Sounds
    | Heard
    | Spoke
    | Receipt
    | State
    | Stats
    | Saved
    | Refused
    | Failed
)


def refusal(message: Incoming, reason: str) -> Refused:
    """The answer to a message that is not obeyed; it says which one that was."""
    return Refused(
        session=message.session,
        epoch=message.epoch,
        kind=type(message).__name__,
        reason=reason,
        text_id=message.text_id if isinstance(message, Text) else 0,
    )


_encoder = msgspec.msgpack.Encoder()
_incoming: msgspec.msgpack.Decoder[Incoming] = msgspec.msgpack.Decoder(Incoming)
_outgoing: msgspec.msgpack.Decoder[Outgoing] = msgspec.msgpack.Decoder(Outgoing)


def encode(message: Message) -> bytes:
    """The message as length prefix and msgpack."""
    body = _encoder.encode(message)
    if len(body) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"a message may have {MAX_MESSAGE_BYTES} bytes, this one has {len(body)}")
    return _PREFIX.pack(len(body)) + body


def decode_incoming(body: bytes) -> Incoming:
    """A worker reads this. Raises ProtocolError with what was wrong."""
    try:
        return _incoming.decode(body)
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"expected a message into a worker: {error}") from error


def decode_outgoing(body: bytes) -> Outgoing:
    """A gateway reads this. Raises ProtocolError with what was wrong."""
    try:
        return _outgoing.decode(body)
    except msgspec.MsgspecError as error:
        raise ProtocolError(f"expected a message from a worker: {error}") from error


async def read_body(reader: asyncio.StreamReader) -> bytes:
    """The next message's body. Raises asyncio.IncompleteReadError at the end of the stream."""
    (size,) = _PREFIX.unpack(await reader.readexactly(_PREFIX.size))
    if size > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"a message may have {MAX_MESSAGE_BYTES} bytes, this one announces {size}")
    return await reader.readexactly(size)
