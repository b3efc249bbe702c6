"""The lines to one session's peers: what they carry sets the encoder's rate, what they lose asks for keyframes.
Knows who drives, as the drivers' lines bind all; how a line is judged is server.bitrate's and server.thinning's."""

from __future__ import annotations

import time

import structlog

from engine import messages
from server.bitrate import Bitrate
from server.lease import Lease
from server.peers import Peer

log = structlog.get_logger(__name__)

KEYFRAME_EVERY_S = 0.5


class Lines:
    """The session's one encoder follows its drivers' lines; each viewer's picture is thinned to fit its own."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._bitrate = Bitrate(lease.ready.bits_per_second) if lease.ready else None
        self._keyframe_at = -KEYFRAME_EVERY_S

    def begin(self) -> None:
        """A world is asked for: now at the latest a worker is there, and says what its encoder begins with."""
        if self._bitrate is None:
            assert self._lease.ready is not None  # it has just given the place
            self._bitrate = Bitrate(self._lease.ready.bits_per_second)

    def restart(self, most: int) -> None:
        """A new encoder runs, which begins with `most` bits a second."""
        assert self._bitrate is not None
        self._spend(self._bitrate.restart(most))

    def sent(self, size: int, now: float) -> None:
        """A packet of so many bytes left for everybody."""
        assert self._bitrate is not None
        self._bitrate.sent(size, now)

    def sent_a_s(self, now: float) -> float:
        """Bits a second, over the last second."""
        return self._bitrate.sent_a_s(now) if self._bitrate else 0.0

    def lost(self, peer: Peer, fraction: float) -> None:
        """This part of what was sent to the peer did not arrive."""
        if self._bitrate is None:
            return
        now = time.monotonic()
        if peer.drives:
            peer.outlet.thinning.end()
            self._spend(self._bitrate.lost(peer.id, fraction, now))
        else:
            peer.outlet.thinning.lost(fraction, self._bitrate.sent_a_s(now), now)

    def estimated(self, peer: Peer, bits_per_second: int) -> None:
        """What the peer's browser believes that its line carries."""
        peer.outlet.thinning.estimated(bits_per_second)
        if self._bitrate is not None and peer.drives:
            self._spend(self._bitrate.estimated(peer.id, bits_per_second, time.monotonic()))

    def forget(self, peer: Peer) -> None:
        """The peer does not drive any more."""
        if self._bitrate is not None:
            self._spend(self._bitrate.forget(peer.id))

    def want_keyframe(self) -> None:
        """Ask for one, however many peers lack it."""
        now = time.monotonic()
        if now - self._keyframe_at >= KEYFRAME_EVERY_S and self._lease.epoch:
            self._keyframe_at = now
            self._lease.send(messages.KeyframeWanted())

    def _spend(self, bits_per_second: int | None) -> None:
        if bits_per_second is not None:
            log.info("bitrate", session=self._lease.session_id, bits_per_second=bits_per_second)
            self._lease.send(messages.Bitrate(bits_per_second=bits_per_second))
