"""What one session says to its world: every message under the session's name and the lease's epoch.
Knows the placement; neither what is said, nor whether a worker is there to hear it."""

from __future__ import annotations

import msgspec
import structlog

from engine import messages
from server.placement import Placement, WorkerGone

log = structlog.get_logger(__name__)


class Lease:
    """One session's hold on a worker. `epoch` is 0 before a world was ever asked for."""

    def __init__(self, placement: Placement, session_id: str) -> None:
        self.session_id = session_id
        self.epoch = 0
        self._placement = placement

    @property
    def ready(self) -> messages.Ready | None:
        """What the worker announced; None while there is none."""
        return self._placement.ready

    @property
    def held(self) -> bool:
        """Whether a worker has the session's world, or was asked for it."""
        return self._placement.holds(self.session_id)

    def renew(self) -> None:
        """What carries an older epoch is not about the world of now."""
        self.epoch += 1

    def send(self, message: messages.Incoming) -> None:
        """To the worker; lost if there is none."""
        try:
            self._placement.send(msgspec.structs.replace(message, session=self.session_id, epoch=self.epoch))
        except WorkerGone as gone:
            log.debug("message not sent", kind=type(message).__name__, reason=str(gone))
