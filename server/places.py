"""The places on the workers: whose world has one, who waits, who is paused for another, what a lost worker means.
Knows no beginning and no end of sessions but by `House`; order and waiting times are server.queueing's."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol

import structlog

from engine import messages
from server.keeping import Keeping
from server.metrics import Metrics
from server.phases import SessionState
from server.placement import Placement
from server.queueing import Queue
from server.saves import NotASave, NotSaved
from server.saving import NONE_REFUSED
from server.session import Session
from server.settings import LimitSettings
from server.tasks import Tasks

log = structlog.get_logger(__name__)

TOO_OFTEN = "the world failed too often"  # how, the log says: an error's text may hold paths


class House(Protocol):
    """Who has all sessions, as their places and their clock see it."""

    metrics: Metrics
    draining: bool

    @property
    def all(self) -> list[Session]:
        """Those that have not ended."""

    def get(self, session_id: str) -> Session | None:
        """The session, if it has not ended."""

    async def end(self, session: Session, reason: str, keep: bool = True) -> None:
        """End one session for everybody; its world is saved a last time, if it is kept."""


@dataclass(frozen=True, eq=False)
class Seat:
    """A session's place, since when."""

    session: Session
    since_s: float


class Places:
    """Who lives on a worker and who waits for that; it is the placement's Listener, and the sessions' Keeper."""

    def __init__(
        self, house: House, placement: Placement, limits: LimitSettings, keeping: Keeping, tasks: Tasks
    ) -> None:
        self._house, self._placement, self._limits = house, placement, limits
        self._keeping, self._tasks = keeping, tasks
        self._seated: dict[str, Seat] = {}  # whose worlds the workers hold, or are to hold
        self._queue = Queue(limits.queue_length)
        self._pausing: set[str] = set()
        self.became_ready = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether there is no place, and nobody else may wait for one."""
        return self._queue.full and not self._free

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._queue)

    @property
    def making_room(self) -> bool:
        """Whether a place is about to become free."""
        return bool(self._pausing) or any(seat.session.state is SessionState.ENDED for seat in self._seated.values())

    def holds(self, session: Session) -> bool:
        """Whether the session has a place."""
        return session.id in self._seated

    def join(self, session: Session) -> None:
        """The session wants a place."""
        self._queue.join(session.id)
        self.assign()

    def leave_queue(self, session: Session) -> None:
        """The session does not want a place any more."""
        self._queue.leave(session.id)

    def unseat(self, session: Session) -> None:
        """The session's place is free."""
        seat = self._seated.pop(session.id, None)
        if seat is not None:
            self._queue.stayed(time.monotonic() - seat.since_s)

    def assign(self) -> None:
        """Give free places to who waits, and tell the others where they stand."""
        ready = self._placement.ready
        while self._free and not self._house.draining:
            name = self._queue.next()
            if name is None:
                break
            if session := self._house.get(name):
                seat = self._seated[name] = Seat(session, time.monotonic())
                session.standing.await_world()
                self._tasks.later(self._open(seat))
        if ready is not None and len(self._queue):
            self._make_room()
        capacity = ready.capacity if ready else 1
        for place, session in enumerate(self._waiting(), start=1):
            if session.state is not SessionState.RESUMING or ready is not None:
                session.standing.queue(place, self._queue.wait_s(place, capacity))

    @property
    def _free(self) -> bool:
        ready = self._placement.ready
        return ready is not None and len(self._seated) < ready.capacity

    def _waiting(self) -> list[Session]:
        return [session for name in self._queue.waiting if (session := self._house.get(name))]

    def _make_room(self) -> None:
        """Pause worlds that nobody watches: at once for an owner who wants another, else after a while."""
        now = time.monotonic()
        wanting = {session.owner for session in self._waiting()}
        for session in [seat.session for seat in self._seated.values()]:
            unwatched = session.state is SessionState.LIVE and not session.peers
            if unwatched and (session.owner in wanting or session.audience.idle_s(now) > self._limits.idle_yield_s):
                self.pause_soon(session)

    async def _open(self, seat: Seat) -> None:
        """Ask a worker for the world of a seat, as it was last, unless the seat was lost meanwhile."""
        session, refused = seat.session, seat.session.saving.refused
        try:
            found = await self._keeping.restore(session)
        except NotASave as error:
            return await self._house.end(session, f"the world cannot be opened: {error}")
        if self._seated.get(session.id) is not seat or session.state is SessionState.ENDED:
            return
        if found is None and refused < NONE_REFUSED:
            return await self._house.end(session, "the world cannot be opened: none of its saves can be read")
        if found is not None and (found.skipped or refused < NONE_REFUSED):
            damaged = "The newest save of this world is damaged; it goes on from the one before."
            session.audience.notice("older-save", damaged)
        session.saving.restored_from = found.number if found else None
        session.open(found.saved if found else None)

    def pause_soon(self, session: Session, even_if_watched: bool = False) -> None:
        """Save a world and give its place back, unless somebody comes meanwhile."""
        if session.id not in self._pausing:
            self._pausing.add(session.id)
            self._tasks.later(self._pause(session, even_if_watched))

    async def _pause(self, session: Session, even_if_watched: bool = False) -> None:
        try:
            if even_if_watched:
                await self._keeping.save(session)  # nobody is sent away from what cannot be kept
                await session.dismiss("the time of this world is over for now; it is kept")
            left_at, told = session.audience.idle_since, session.prompts.asked_id
            await self._keeping.save(session, final=True)
        except NotSaved:
            if session.audience.idle_s(time.monotonic()) > self._limits.idle_close_s:
                await self._house.end(session, "nobody is here", keep=False)
            return
        finally:
            self._pausing.discard(session.id)
        # who came and went, or said something, while it was saved is not in the save: it is saved once more, later
        missed = session.peers or (session.audience.idle_since, session.prompts.asked_id) != (left_at, told)
        if session.state is SessionState.LIVE and not missed:
            session.pause()
            self.unseat(session)
            self.assign()

    # --- what the sessions and the worker say ----------------------------------------------------------

    def wanted(self, session: Session) -> None:
        if session.state is SessionState.PAUSED and not self._house.draining:
            session.touch()
            self.join(session)

    def opened(self, session: Session) -> None:
        session.saving.refused = NONE_REFUSED
        self._tasks.later(self._keeping.visited(session))

    def not_opened(self, session: Session, reason: str) -> None:
        if session.saving.restored_from is None:
            self.unseat(session)
            self._tasks.later(self._house.end(session, reason))
        else:
            log.error("save refused", session=session.id, number=session.saving.restored_from, reason=reason)
            session.saving.refused = session.saving.restored_from
            self._tasks.later(self._open(self._seated[session.id]))

    def worker_ready(self, ready: messages.Ready) -> None:
        self.became_ready.set()
        self.assign()

    def worker_lost(self, reason: str) -> None:
        self._house.metrics.losses.inc()
        lost = [seat.session for seat in self._seated.values() if not self._placement.holds(seat.session.id)]
        for session in reversed(lost):  # who was about to open a world too: the place for it may be gone
            del self._seated[session.id]
            session.lose_world(reason)
            if session.state is SessionState.ENDED:
                continue
            if session.may_reopen():
                self._queue.join(session.id, first=True)
                session.standing.await_world()
            else:
                self._tasks.later(self._house.end(session, TOO_OFTEN))
        if self._placement.ready is not None:
            self.assign()

    def worker_said(self, message: messages.Outgoing) -> None:
        seat = self._seated.get(message.session)
        if seat is None:
            if isinstance(message, messages.Failed) and not message.session:
                log.error("worker failed", reason=message.reason)
        elif isinstance(message, messages.Failed):
            self._world_failed(seat, message)
        else:
            seat.session.handle(message)

    def _world_failed(self, seat: Seat, message: messages.Failed) -> None:
        session = seat.session
        log.error("world failed", session=session.id, reason=message.reason)
        if message.epoch != session.epoch:
            return
        session.lose_world(message.reason)
        if session.state is SessionState.ENDED:
            return
        if session.may_reopen():
            session.standing.await_world()
            self._tasks.later(self._open(seat))
        else:
            self.unseat(session)
            self._tasks.later(self._house.end(session, TOO_OFTEN, keep=False))
