"""Puts living worlds on disk and takes them out again: every few seconds, at a pause, at an end.
Knows when a save is due and what its failure means to people; files are server.saves'."""

from __future__ import annotations

import contextlib
import time

import structlog
from sqlalchemy.exc import SQLAlchemyError

from server.metrics import Metrics
from server.phases import SessionState
from server.saves import Found, NotSaved, Saved
from server.session import Session
from server.settings import SaveSettings
from server.worlds import Worlds

log = structlog.get_logger(__name__)

NOTED_EVERY_S = 30.0  # the store's figures of a world that is saved all the time


class Keeping:
    """Saves of all sessions."""

    def __init__(self, worlds: Worlds, settings: SaveSettings, metrics: Metrics) -> None:
        self._worlds, self._settings, self._metrics = worlds, settings, metrics
        self._failing: set[str] = set()
        self._noted_at: dict[str, float] = {}

    def due(self, session: Session, now: float) -> bool:
        """Whether the session's world should be saved now."""
        idle = session.state is not SessionState.LIVE or session.saving.lock.locked()
        return not idle and now - session.saving.at >= self._settings.every_s

    async def save(self, session: Session, final: bool = False) -> Saved:
        """Save the world as it is now. Raises NotSaved; everybody in the session is told once."""
        async with session.saving.lock:
            try:
                saved = await session.saving.ask(self._settings.timeout_s)
                size = await self._worlds.save(session.world_id, saved)
            except NotSaved as error:
                self._metrics.saves.labels("failed").inc()
                if session.id not in self._failing:
                    self._failing.add(session.id)
                    log.error("world not saved", session=session.id, reason=str(error))
                    session.audience.notice(
                        "not-saved", f"The world is not saved: {error}. It goes on; older saves are intact."
                    )
                raise
            self._metrics.saves.labels("done").inc()
            self._failing.discard(session.id)
            await self._note(session, saved, size, final)
        session.audience.tell_owner("saved", frame=max(0, session.frame), at=saved.about.saved_at)
        return saved

    async def restore(self, session: Session) -> Found | None:
        """The newest save of the session's world that can be read, and that no worker refused; None before the first.
        Raises NotASave."""
        return await self._worlds.newest(session.world_id, session.saving.refused)

    async def visited(self, session: Session) -> None:
        """Somebody is in the world again; the store notes it if it can."""
        with contextlib.suppress(SQLAlchemyError, OSError):
            await self._worlds.change(session.world_id, visited_at=time.time())

    def forget(self, session: Session) -> None:
        """The session is over."""
        self._failing.discard(session.id)
        self._noted_at.pop(session.id, None)

    async def _note(self, session: Session, saved: Saved, size: int, final: bool) -> None:
        now = time.monotonic()
        if not final and now - self._noted_at.get(session.id, -NOTED_EVERY_S) < NOTED_EVERY_S:
            return
        try:
            await self._worlds.change(session.world_id, size=size, frame=saved.about.frame, visited_at=time.time())
            self._noted_at[session.id] = now
        except (SQLAlchemyError, OSError) as error:  # the save itself is on disk; the next one tries again
            log.error("save not noted", session=session.id, error=str(error))
