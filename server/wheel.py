"""The drivers' hands on one session's world: what goes to it of their controls, and which of them a frame obeyed.
Knows the lease and the clock; how snapshots are merged is server.steering's."""

from __future__ import annotations

import time
from collections import deque

from engine import messages
from server.channels import Controls, Film, Measured, PromptUnfit
from server.lease import Lease
from server.metrics import Metrics
from server.peers import Peer
from server.roles import Action
from server.steering import Merged, Steering


class Wheel:
    """Sends a snapshot whenever the merged one changes, and measures how long the world takes to obey."""

    def __init__(self, lease: Lease, silence_release_s: float, metrics: Metrics) -> None:
        self._lease, self._metrics = lease, metrics
        self._steering = Steering(silence_release_s)
        self._sent_at: deque[tuple[int, float]] = deque(maxlen=64)

    def turn(self, peer: Peer, controls: Controls) -> None:
        """A driver's snapshot."""
        now = time.monotonic()
        merged = self._steering.update(peer.id, controls, now)
        if merged is not None:
            self._sent_at.append((merged.seq, now))
        self._send(merged)

    def restart(self) -> None:
        """A new world knows nothing of what is held."""
        self._send(self._steering.restart())

    def release_silent(self, now: float) -> None:
        """Let go of the buttons of drivers that fell silent."""
        self._send(self._steering.release_silent(now))

    def forget(self, peer: Peer) -> None:
        """The peer does not drive any more."""
        self._send(self._steering.forget(peer.id))

    def obeyed(self, seq: int) -> None:
        """A frame obeyed the merged snapshot `seq`, and all before it."""
        now = time.monotonic()
        while self._sent_at and self._sent_at[0][0] <= seq:
            self._metrics.obeyed_s.observe(now - self._sent_at.popleft()[1])

    def asked(self, peer: Peer, message: Film | Measured) -> None:
        """A driver chose a camera, or waited so long for frames that obeyed. Raises PromptUnfit."""
        peer.must(Action.STEER)
        if isinstance(message, Film):
            self._film(message.camera)
            return
        for value in message.photon_ms:
            self._metrics.photon_s.observe(value / 1000)
        for value in message.look_ms:
            self._metrics.look_s.observe(value / 1000)

    def _film(self, camera: str) -> None:
        if camera not in messages.CAMERAS:
            known = ", ".join(messages.CAMERAS)
            raise PromptUnfit("invalid-request", f"A camera is one of {known}; this is {camera!r}.")
        if self._lease.epoch:
            self._lease.send(messages.Camera(camera=camera))

    def own_seqs(self, peer: Peer, receipt: messages.Receipt) -> dict[str, int]:
        """The newest of the peer's own sequence numbers whose buttons, and whose look, a frame obeyed; -1 for none."""
        obeyed = self._steering.obeyed
        return {
            "control_seq": obeyed(peer.id, receipt.control_seq),
            "look_seq": obeyed(peer.id, receipt.look_seq),
        }

    def _send(self, merged: Merged | None) -> None:
        if merged is not None and self._lease.epoch:
            self._lease.send(
                messages.Control(seq=merged.seq, buttons=merged.buttons, look_x=merged.look_x, look_y=merged.look_y)
            )
