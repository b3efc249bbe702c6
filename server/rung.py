"""How somebody asked for one session's pictures: at which rung of the ladder, following looks late or not.
Knows the lease and the audience; how pictures are drawn is the worker's."""

from __future__ import annotations

from typing import Any

from engine import messages
from server.audience import Audience
from server.channels import LateLook, Pin, event
from server.lease import Lease
from server.lines import Lines
from server.peers import Peer
from server.roles import Action


class Rung:
    """What is wanted, and what is shown: "" before the first picture."""

    def __init__(self, lease: Lease, lines: Lines, audience: Audience) -> None:
        self._lease, self._lines, self._audience = lease, lines, audience
        self._wanted, self._late_look = "", True
        self._shown: messages.OnRung | None = None

    @property
    def size(self) -> str:
        """Such as 960x540."""
        ready = self._lease.ready
        known = self._shown or ready
        return f"{known.width}x{known.height}" if known else ""

    def want(self, peer: Peer, wish: Pin | LateLook) -> None:
        """Somebody wants this rung, or with "" the highest that keeps up; or looks late, or not. Raises PromptUnfit."""
        peer.must(Action.PIN)
        if isinstance(wish, Pin):
            self._wanted = wish.rung
            self._tell_worker(messages.Rung(rung=wish.rung))
        else:
            self._late_look = wish.on
            self._tell_worker(messages.LateLook(on=wish.on))

    def restart(self) -> None:
        """Another worker draws, which does not know what is wanted."""
        if self._wanted:
            self._tell_worker(messages.Rung(rung=self._wanted))
        if not self._late_look:
            self._tell_worker(messages.LateLook(on=False))

    def shown(self, message: messages.OnRung) -> None:
        """Pictures are of this rung from now on."""
        self._shown = message
        self._lines.restart(message.bits_per_second)
        self._audience.broadcast("rung", **self._told(message))

    def joined(self, peer: Peer) -> None:
        """Who comes is told too."""
        if self._shown is not None:
            peer.send(event("rung", **self._told(self._shown)))

    def _told(self, shown: messages.OnRung) -> dict[str, Any]:
        return {"rung": shown.rung, "width": shown.width, "height": shown.height, "pinned": shown.pinned}

    def _tell_worker(self, wish: messages.Rung | messages.LateLook) -> None:
        if self._lease.epoch:
            self._lease.send(wish)
