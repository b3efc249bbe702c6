"""How one session stands: its state, its place while it waits, and what became of its opening; its people are told.
Knows what may follow what; neither why it changes nor who changes it."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from server.audience import Audience
from server.phases import SessionState, follow

log = structlog.get_logger(__name__)


class Standing:
    """The state of one session and its place in the queue."""

    def __init__(self, session_id: str, audience: Audience, state: SessionState) -> None:
        self.state = state
        self.opening: asyncio.Future[str] = asyncio.get_running_loop().create_future()  # "" or why it was refused
        self.queue_position: int | None = None
        self.wait_s: float | None = None
        self._session_id, self._audience = session_id, audience

    def queue(self, place: int, wait_s: float | None) -> None:
        """It waits in this place; everybody is told when that changes."""
        changed = place != self.queue_position or self.state is not SessionState.QUEUED
        self.queue_position, self.wait_s = place, wait_s
        self._follow(SessionState.QUEUED)
        if changed:
            self._tell()

    def await_world(self) -> None:
        """A place is there, or was lost: the world is on its way."""
        fresh = self.state in (SessionState.QUEUED, SessionState.STARTING) and not self.opening.done()
        self._leave_queue(SessionState.STARTING if fresh else SessionState.RESUMING)

    def live(self) -> None:
        """The world is there."""
        self._settle("")
        self._become(SessionState.LIVE)

    def pause(self) -> None:
        """The world lies on disk."""
        self._leave_queue(SessionState.PAUSED)

    def end(self, reason: str) -> None:
        """It is over, also for who still waits for its beginning."""
        self._become(SessionState.ENDED)
        self._settle(reason)

    def opened_before(self) -> None:
        """It comes from an earlier gateway, and nobody waits for its beginning."""
        self._settle("")

    def told(self) -> dict[str, Any]:
        """As the events channel tells it."""
        if self.state is not SessionState.QUEUED:
            return {"state": self.state.value}
        return {"state": self.state.value, "queue_position": self.queue_position, "wait_s": self.wait_s}

    def _leave_queue(self, state: SessionState) -> None:
        self.queue_position = self.wait_s = None
        self._become(state)

    def _settle(self, refusal: str) -> None:
        if not self.opening.done():
            self.opening.set_result(refusal)

    def _become(self, state: SessionState) -> None:
        if self._follow(state):
            self._tell()

    def _follow(self, state: SessionState) -> bool:
        if state is self.state:
            return False
        log.info("session", session=self._session_id, state=state.value, before=self.state.value)
        self.state = follow(self.state, state)
        return True

    def _tell(self) -> None:
        self._audience.broadcast("session", **self.told())
