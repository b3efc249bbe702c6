"""What happens to sessions because time passes: silent peers go, worlds are saved and paused, what nobody wants ends.
Knows when; how a world is saved, paused or ended is others'."""

from __future__ import annotations

import asyncio
import contextlib
import time

import structlog

from server.keeping import Keeping
from server.phases import SessionState
from server.places import House, Places
from server.saves import NotSaved
from server.session import Session
from server.settings import LimitSettings
from server.tasks import Tasks

log = structlog.get_logger(__name__)

TICK_S = 0.1


class Clock:
    """One for all sessions of a gateway."""

    def __init__(self, house: House, places: Places, limits: LimitSettings, keeping: Keeping, tasks: Tasks) -> None:
        self._house, self._places, self._limits = house, places, limits
        self._keeping, self._tasks = keeping, tasks
        self._ticker: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Tick from now on."""
        self._ticker = asyncio.create_task(self._tick_for_ever())

    async def stop(self) -> None:
        """Time stands still."""
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            for session in self._house.all:
                try:
                    self._tick(session, now)
                except Exception:  # one session's fault must not stop all others' clock
                    log.exception("session not ticked", session=session.id)
            if self._places.waiting:
                self._places.assign()

    def _tick(self, session: Session, now: float) -> None:
        for peer, reason in session.tick(now):
            self._tasks.later(peer.close(reason))
        idle_s, limits = session.audience.idle_s(now), self._limits
        if session.state is SessionState.LIVE:
            if session.over_time(now):
                self._places.pause_soon(session, even_if_watched=True)
            elif idle_s > limits.idle_pause_s:
                self._places.pause_soon(session)
            elif self._keeping.due(session, now):
                self._tasks.later(self._autosave(session))
        elif session.state is SessionState.QUEUED and idle_s > limits.idle_close_s:
            if session.standing.opening.done():  # it lived before: back to where it came from
                self._places.leave_queue(session)
                session.pause()
            else:
                self._tasks.later(self._house.end(session, "nobody waited for it"))
        elif session.state is SessionState.PAUSED and idle_s > limits.paused_end_s:
            self._tasks.later(self._house.end(session, "nobody came back"))

    async def _autosave(self, session: Session) -> None:
        with contextlib.suppress(NotSaved):
            await self._keeping.save(session)
