"""Saved worlds as files: written whole or not at all, checked when read, the one before kept in reserve.
Knows bytes and folders; what a world's data means is the engine's."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.messages import MAX_PROMPT_CHARS, MAX_SAVED_BYTES

MAGIC = b"MUNDO\x001\n"
KEPT = 2
MAX_STILL_BYTES = 256 << 10
MAX_NAME_CHARS = 80
MAX_HEADER_BYTES = MAX_STILL_BYTES + 16_384
_LENGTH = struct.Struct(">I")
_START = len(MAGIC) + hashlib.sha256().digest_size
MAX_FILE_BYTES = _START + _LENGTH.size + MAX_HEADER_BYTES + MAX_SAVED_BYTES


class NotASave(Exception):
    """These bytes are no saved world, or damaged; the text says what was expected."""


class NotSaved(Exception):
    """The world could not be written; what was saved before is intact. The text is for people."""


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a save says of its world. `prompt` is the text in force, `frame` the next one's number."""

    name: str
    prompt: str
    template: str
    seed: int
    created_at: float
    saved_at: float
    frame: int
    still: bytes


@dataclass(frozen=True)
class Saved:
    """One save: what it says of its world, and the world as the engine said it."""

    about: About
    data: bytes


@dataclass(frozen=True)
class Found:
    """The newest save that can be read; `skipped` newer ones could not."""

    saved: Saved
    number: int
    skipped: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(About)


def pack(saved: Saved) -> bytes:
    """The file: magic, sha256 of the rest, length of the header, header, data."""
    header = _encoder.encode(saved.about)
    rest = b"".join((_LENGTH.pack(len(header)), header, saved.data))
    return MAGIC + hashlib.sha256(rest).digest() + rest


def unpack(file: bytes) -> Saved:
    """A file's content. Raises NotASave."""
    if not file.startswith(MAGIC):
        raise NotASave("expected a saved world, this file begins otherwise")
    if len(file) > MAX_FILE_BYTES:
        raise NotASave(f"a saved world has {MAX_FILE_BYTES} bytes at most, this file has {len(file)}")
    rest = memoryview(file)[_START:]
    if hashlib.sha256(rest).digest() != file[len(MAGIC) : _START]:
        raise NotASave("the file is damaged: its checksum does not fit")
    about, end = _read_header(rest)
    return Saved(about, bytes(rest[end:]))


def read_about(path: Path) -> About:
    """What a file says of its world, without reading or checking its data. Raises NotASave and OSError."""
    with path.open("rb") as file:
        head = file.read(_START + _LENGTH.size + MAX_HEADER_BYTES)
    if not head.startswith(MAGIC):
        raise NotASave("expected a saved world, this file begins otherwise")
    return _read_header(memoryview(head)[_START:])[0]


def _read_header(rest: memoryview) -> tuple[About, int]:
    if len(rest) < _LENGTH.size:
        raise NotASave("the file ends before its header")
    (length,) = _LENGTH.unpack(rest[: _LENGTH.size])
    end = _LENGTH.size + length
    if length > MAX_HEADER_BYTES or end > len(rest):
        raise NotASave(f"a header has {MAX_HEADER_BYTES} bytes at most and lies within the file, this has {length}")
    try:
        about = _decoder.decode(rest[_LENGTH.size : end])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotASave(f"expected a header of a saved world: {error}") from error
    if (
        len(about.name) > MAX_NAME_CHARS
        or len(about.prompt) > MAX_PROMPT_CHARS
        or len(about.template) > MAX_NAME_CHARS
        or len(about.still) > MAX_STILL_BYTES
        or not 0 <= about.seed < 2**31
        or not 0 <= about.frame < 2**53
    ):
        raise NotASave("the header's texts and numbers are out of range")
    return about, end


class SaveFolder:
    """The newest saves of one world, as numbered files. Blocking: call it in a thread."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, file: bytes) -> int:
        """Add a packed save, remove all but the newest KEPT; its number. Raises NotSaved."""
        number = max(self.numbers(), default=0) + 1
        target = self._file(number)
        temporary = target.with_suffix(".partial")
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(temporary, "wb", opener=_private) as opened:
                opened.write(file)
                opened.flush()
                os.fsync(opened.fileno())
            temporary.replace(target)
            _sync_folder(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise NotSaved("the disk is full" if full else "the disk cannot be written") from error
        for old in self.numbers()[KEPT:]:
            with contextlib.suppress(OSError):
                self._file(old).unlink(missing_ok=True)
        return number

    def numbers(self) -> list[int]:
        """The numbers of the saves, newest first; files half written are none."""
        found = (path.stem for path in self.path.glob("*.world"))
        return sorted((int(stem) for stem in found if stem.isdecimal()), reverse=True)

    def newest(self, below: int = 2**63) -> Found | None:
        """The newest save numbered less than `below` that can be read; None if there is none. Raises NotASave when
        there are some, and all are damaged."""
        numbers = [number for number in self.numbers() if number < below]
        for skipped, number in enumerate(numbers):
            with contextlib.suppress(NotASave, OSError):
                return Found(unpack(self._file(number).read_bytes()), number, skipped)
        if numbers:
            raise NotASave(f"none of its {len(numbers)} saves can be read")
        return None

    def newest_file(self) -> bytes | None:
        """The newest readable save as it lies there. Raises NotASave like `newest`."""
        found = self.newest()
        return self._file(found.number).read_bytes() if found else None

    def still(self) -> bytes | None:
        """The newest picture that can be read."""
        for number in self.numbers():
            with contextlib.suppress(NotASave, OSError):
                if picture := read_about(self._file(number)).still:
                    return picture
        return None

    def delete(self) -> None:
        """Remove all of it."""
        for path in self.path.glob("*"):
            path.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            self.path.rmdir()

    def _file(self, number: int) -> Path:
        return self.path / f"{number:012d}.world"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
