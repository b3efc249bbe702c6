"""The last of a frame's way in a worker: at which rung it is drawn, enlarged to it, and encoded.
Knows one session's rung and encoder; nothing of worlds and messages."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.codec import Encoder, Packet
from engine.enlarging import Enlarger, Pictured
from engine.inputs import BadInput, Look
from engine.ladder import Control, highest
from engine.late_look import LateLook
from engine.rungs import LADDER, LOWEST, Rung, rung_named


@dataclass(frozen=True)
class Sight:
    """What a worker's pictures are drawn with: the heads of the upper rungs (none: only the lowest), and the frames a
    second that the machine reached on each rung; without them sessions stay at `fixed`."""

    enlarger: Enlarger | None = None
    rates: tuple[float, ...] = ()
    fixed: Rung = LOWEST

    @property
    def first(self) -> Rung:
        """The rung that sessions begin at."""
        if self.enlarger is None:
            return LOWEST
        return LADDER[highest(self.rates)] if self.rates else self.fixed


@dataclass(frozen=True)
class Shown:
    """A frame's packet, how long it took to enlarge the frame, and the rung if it is the first frame of it,
    or the first since it was pinned or set free. `look_seq`: the newest of the late looks that it follows, or -1."""

    packet: Packet
    enlarge_ms: float
    moved: Rung | None
    look_seq: int


Late = Callable[[], Sequence[Look]]


def nobody() -> Sequence[Look]:
    """No look came late."""
    return ()


class Display:
    """One session's pictures, encoded once whatever the number of viewers. `show` may run in another thread than the
    rest."""

    def __init__(self, sight: Sight, now_s: float) -> None:
        self._enlarger = sight.enlarger
        self._control = Control(sight.rates, now_s) if self._enlarger is not None and sight.rates else None
        self._free = sight.first
        self._pinned: Rung | None = None
        self._shown: Rung | None = None
        self._shown_pinned = False
        self._encoder: Encoder | None = None
        self._late_look = LateLook()

    @property
    def pinned(self) -> bool:
        """Whether somebody asked for the rung."""
        return self._pinned is not None

    def pin(self, name: str) -> None:
        """The rung of the frames to come; "": the highest that keeps up. Raises BadInput."""
        if name and self._enlarger is None and name != LOWEST.name:
            raise BadInput(f"this worker draws at {LOWEST.name} only, not at {name!r}")
        try:
            self._pinned = rung_named(name) if name else None
        except ValueError as error:
            raise BadInput(str(error)) from error

    def paced(self, busy: float, skipped: int, now_s: float) -> None:
        """A tick took this share of its period, after so many slots that had to be skipped. While a rung is pinned
        nothing is learned from that."""
        if self._control is not None and self._pinned is None:
            self._free = LADDER[self._control.saw(busy, skipped, now_s)]

    def show(self, frame: Pictured, pts: int, idr: bool, bits_per_second: int, late: Late = nobody) -> Shown:
        """The frame's packet, and what changed before it: an IDR is wanted, the rate has a new target (0: it has not).
        `pts` must grow. The first frame of a rung opens an encoder and is an IDR; one that was wanted is that one.
        `late` is asked last, for the looks that lie beyond the frame."""
        rung, moved = self._pinned or self._free, None
        if self._encoder is None or rung is not self._shown:
            self._encoder = self._encoder.succeeded(rung.codec) if self._encoder else Encoder(rung.codec)
            self._shown = moved = rung
        elif idr:
            self._encoder.want_idr()
        if self.pinned is not self._shown_pinned:
            self._shown_pinned, moved = self.pinned, rung
        if bits_per_second:
            self._encoder.set_bitrate(bits_per_second)
        begun = time.perf_counter()
        planes = (frame.y, frame.u, frame.v) if self._enlarger is None else self._enlarger.planes(frame, rung)
        enlarge_ms = (time.perf_counter() - begun) * 1e3
        followed = self._late_look.follow(late(), rung)
        return Shown(self._encoder.encode(*planes, pts, followed.offset), enlarge_ms, moved, followed.seq)

    def show_again(self, frame: Pictured, pts: int) -> Shown:
        """A frame that was shown before as an IDR of its own, for who has come since. `pts` must grow."""
        if self._encoder is not None:
            self._encoder.want_idr(at_once=True)
        return self.show(frame, pts, idr=True, bits_per_second=0)
