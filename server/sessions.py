"""All sessions of one gateway: who gets a place on the worker, who waits, who is paused, and when a session is over.
Knows no HTTP; the rules of one session are its own, saving is server.keeping's."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Coroutine
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from engine import messages
from server.keeping import Keeping
from server.metrics import Metrics
from server.moderation import Moderation
from server.phases import SessionState
from server.placement import Placement
from server.prompts import Scrutiny
from server.queueing import Queue
from server.roles import Role
from server.saves import NotASave, NotSaved, Saved
from server.saving import NONE_REFUSED
from server.session import Around, Begin, Session
from server.settings import Settings
from server.store.models import KeptWorld
from server.worlds import OpenSession, Worlds

log = structlog.get_logger(__name__)

TICK_S = 0.1
LAST_SAVE_S = 5.0


class NoWorkerFree(Exception):
    """So many wait already that nobody else may; `retry_after_s` is when to ask again."""

    def __init__(self, reason: str, retry_after_s: int) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Draining(Exception):
    """The gateway is closing: no new sessions."""


class Sessions:
    """The sessions over one placement; it is the placement's Listener, and the sessions' Keeper."""

    def __init__(self, placement: Placement, worlds: Worlds, settings: Settings) -> None:
        self._placement, self._worlds, self._settings = placement, worlds, settings
        self._limits = settings.limits
        self.metrics = Metrics()
        self.moderation = Moderation(settings.moderation)
        scrutiny = Scrutiny(self.moderation, self.metrics, settings.log_prompts)
        self._around = Around(placement, self._limits, scrutiny, self.metrics, self)
        self._keeping = Keeping(worlds, settings.saves, self.metrics)
        self._sessions: dict[str, Session] = {}
        self._seated: dict[str, tuple[Session, float]] = {}  # whose worlds the worker holds, since when
        self._queue = Queue(self._limits.queue_length)
        self._pausing: set[str] = set()
        self._life = 0  # of workers
        self._ticker: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()
        self.became_ready = asyncio.Event()
        self.draining = False

    async def start(self) -> None:
        """Recall what an earlier gateway left open, start the placement and the clock."""
        for kept, world in await self._worlds.unended():
            session = Session(_begin(kept.id, kept.owner, world), self._around, SessionState.PAUSED)
            session.standing.opened_before()
            self._sessions[kept.id] = session
        self._ticker = asyncio.create_task(self._tick_for_ever())
        await self._placement.start(self)

    async def stop(self) -> None:
        """Save every world and close; the sessions can be gone on with by the next gateway."""
        self.draining = True
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_s):
                living = [one for one in self._sessions.values() if one.state is SessionState.LIVE]
                await asyncio.gather(*(self._keeping.save(one, final=True) for one in living), return_exceptions=True)
        await asyncio.gather(*(session.end("the gateway is closing") for session in self._sessions.values()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_s):
                while self._running:
                    await asyncio.gather(*self._running, return_exceptions=True)
        await self._placement.stop()

    @property
    def ready(self) -> messages.Ready | None:
        """What the worker announced, if there is one."""
        return self._placement.ready

    @property
    def all(self) -> list[Session]:
        """Those that have not ended, oldest first."""
        return list(self._sessions.values())

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._queue)

    @property
    def making_room(self) -> bool:
        """Whether a place is about to become free."""
        return bool(self._pausing) or any(one.state is SessionState.ENDED for one, _ in self._seated.values())

    def get(self, session_id: str) -> Session | None:
        """The session, if it has not ended."""
        return self._sessions.get(session_id)

    def of_owner(self, device_id: str) -> Session | None:
        """The newest session that the device started."""
        return next((s for s in reversed(self._sessions.values()) if s.owner == device_id), None)

    def of_world(self, world_id: str) -> Session | None:
        """The session that lives in this world."""
        return next((s for s in self._sessions.values() if s.world_id == world_id), None)

    # --- beginnings and ends -----------------------------------------------------------------------

    async def create(self, owner: str, seed: int, prompt: str, template: str) -> Session:
        """A new session in a new world. Raises NoWorkerFree, Draining, PromptUnfit and TooManyWorlds."""
        self._check_open()
        await self.moderation.check(prompt)
        await self._thin_out(owner)
        return await self._begin(owner, await self._worlds.create(owner, seed, prompt, template))

    async def visit(self, world: KeptWorld) -> Session:
        """The session in a kept world: the one that is there, or a new one. Raises NoWorkerFree and Draining."""
        if self.of_world(world.id) is None:
            self._check_open()
            await self._thin_out(world.owner)
        present = self.of_world(world.id)  # another request may have begun it meanwhile
        if present is None:
            return await self._begin(world.owner, world)
        present.touch()
        self.wanted(present)
        return present

    async def _begin(self, owner: str, world: KeptWorld) -> Session:
        session = Session(_begin(secrets.token_urlsafe(12), owner, world), self._around)
        self._sessions[session.id] = session  # before any wait: a world has one session
        try:
            await self._worlds.opened(OpenSession(session.id, world.id, owner))
        except BaseException:
            self._sessions.pop(session.id, None)
            raise
        log.info("session begun", session=session.id, template=world.template, sessions=len(self._sessions))
        self._queue.join(session.id)
        self._assign()
        return session

    def _check_open(self) -> None:
        if self.draining:
            raise Draining
        ready = self._placement.ready
        free = ready is not None and len(self._seated) < ready.capacity
        if self._queue.full and not free:
            raise NoWorkerFree(f"{len(self._queue)} are waiting already.", 30)

    async def _thin_out(self, owner: str) -> None:
        """End the device's longest unwatched session when it has as many as it may."""
        own = [session for session in self._sessions.values() if session.owner == owner]
        unwatched = sorted((one for one in own if not one.peers), key=lambda one: one.audience.idle_since)
        if len(own) < self._limits.sessions_a_device:
            return
        if not unwatched:
            raise NoWorkerFree(f"You are in {len(own)} worlds already; leave one first.", 10)
        await self.end(unwatched[0], "another world took its place")

    async def end(self, session: Session, reason: str, keep: bool = True) -> None:
        """End one session for everybody. Its world is saved a last time and closed behind their backs."""
        live = session.state is SessionState.LIVE
        if self._sessions.pop(session.id, None) is None and session.id not in self._seated:
            return
        self._queue.leave(session.id)
        self._later(self._close(session, live and keep))
        await session.end(reason)
        self._assign()

    async def _close(self, session: Session, save: bool) -> None:
        if session.id in self._seated:
            if save:
                with contextlib.suppress(NotSaved, TimeoutError):
                    async with asyncio.timeout(LAST_SAVE_S):
                        await self._keeping.save(session, final=True)
            session.close_world()
            self._unseat(session)
        self._keeping.forget(session)
        try:
            await self._worlds.ended(session.id)
        except (SQLAlchemyError, OSError) as error:
            log.error("end not noted", session=session.id, error=str(error))
        self._assign()

    async def delete_world(self, world: KeptWorld) -> None:
        """Remove a world for good; whoever is in it is told."""
        if session := self.of_world(world.id):
            await self.end(session, "the world was deleted", keep=False)
        await self._worlds.delete(world.id)

    async def save_copy(self, session: Session, name: str) -> KeptWorld:
        """This very moment as a world of its own. Raises NotSaved and TooManyWorlds."""
        if session.state is SessionState.PAUSED:
            found = await self._keeping.restore(session)
            saved: Saved | None = found.saved if found else None
        else:
            saved = await self._keeping.save(session, final=True)
        if saved is None:
            raise NotSaved("the world has not begun")
        return await self._worlds.copy_in(session.owner, saved, name)

    def drop_share(self, session: Session, share_id: str) -> None:
        """Close the peers that a withdrawn link let in."""
        for peer in list(session.peers.values()):
            if peer.access.share_id == share_id:
                self._later(peer.close("the share link was withdrawn"))

    # --- places --------------------------------------------------------------------------------------

    def wanted(self, session: Session) -> None:
        if session.state is SessionState.PAUSED and not self.draining:
            session.touch()
            self._queue.join(session.id)
            self._assign()

    def _assign(self) -> None:
        """Give free places to who waits, and tell the others where they stand."""
        ready = self._placement.ready
        while ready is not None and not self.draining and len(self._seated) < ready.capacity:
            name = self._queue.next()
            if name is None:
                break
            if session := self._sessions.get(name):
                self._seated[name] = (session, time.monotonic())
                session.standing.await_world()
                self._later(self._open(session))
        if ready is not None and len(self._queue):
            self._make_room()
        capacity = ready.capacity if ready else 1
        for place, name in enumerate(self._queue.waiting, start=1):
            session = self._sessions[name]
            if session.state is not SessionState.RESUMING or ready is not None:
                session.standing.queue(place, self._queue.wait_s(place, capacity))

    def _unseat(self, session: Session) -> None:
        seat = self._seated.pop(session.id, None)
        if seat is not None:
            self._queue.stayed(time.monotonic() - seat[1])

    def _make_room(self) -> None:
        """Pause worlds that nobody watches: at once for an owner who wants another, else after a while."""
        now = time.monotonic()
        wanting = {self._sessions[name].owner for name in self._queue.waiting}
        for session, _ in list(self._seated.values()):
            unwatched = session.state is SessionState.LIVE and not session.peers
            if unwatched and (session.owner in wanting or session.audience.idle_s(now) > self._limits.idle_yield_s):
                self._pause_soon(session)

    async def _open(self, session: Session) -> None:
        """Ask the worker for a world that has a place, as it was last."""
        life, refused = self._life, session.saving.refused
        try:
            found = await self._keeping.restore(session)
        except NotASave as error:
            return await self.end(session, f"the world cannot be opened: {error}")
        if life != self._life or session.id not in self._seated or session.state is SessionState.ENDED:
            return
        if found is None and refused < NONE_REFUSED:
            return await self.end(session, "the world cannot be opened: none of its saves can be read")
        if found is not None and (found.skipped or refused < NONE_REFUSED):
            session.audience.notice(
                "older-save", "The newest save of this world is damaged; it goes on from the one before."
            )
        session.saving.restored_from = found.number if found else None
        session.open(found.saved if found else None)

    def _pause_soon(self, session: Session, even_if_watched: bool = False) -> None:
        if session.id not in self._pausing:
            self._pausing.add(session.id)
            self._later(self._pause(session, even_if_watched))

    async def _pause(self, session: Session, even_if_watched: bool = False) -> None:
        """Save a world and give its place back, unless somebody came meanwhile."""
        try:
            await self._keeping.save(session, final=True)
            if even_if_watched:
                await session.dismiss("the time of this world is over for now; it is kept")
        except NotSaved:
            if session.audience.idle_s(time.monotonic()) > self._limits.idle_close_s:
                await self.end(session, "nobody is here", keep=False)
            return
        finally:
            self._pausing.discard(session.id)
        if session.state is SessionState.LIVE and not session.peers:
            session.pause()
            self._unseat(session)
            self._assign()

    # --- what the sessions and the worker say ----------------------------------------------------------

    def opened(self, session: Session) -> None:
        session.saving.refused = NONE_REFUSED
        self._later(self._visited(session))

    async def _visited(self, session: Session) -> None:
        with contextlib.suppress(SQLAlchemyError, OSError):
            await self._worlds.change(session.world_id, visited_at=time.time())

    def not_opened(self, session: Session, reason: str) -> None:
        if session.saving.restored_from is None:
            self._unseat(session)
            self._later(self.end(session, reason))
        else:
            log.error("save refused", session=session.id, number=session.saving.restored_from, reason=reason)
            session.saving.refused = session.saving.restored_from
            self._later(self._open(session))

    def worker_ready(self, ready: messages.Ready) -> None:
        self.became_ready.set()
        self._assign()

    def worker_lost(self, reason: str) -> None:
        self._life += 1
        self.metrics.losses.inc()
        lost = [session for session, _ in self._seated.values()]
        self._seated.clear()
        for session in reversed(lost):
            session.lose_world(reason)
            if session.state is SessionState.ENDED:
                continue
            if session.may_reopen():
                self._queue.join(session.id, first=True)
                session.standing.await_world()
            else:
                self._later(self.end(session, f"the world failed too often: {reason}"))

    def worker_said(self, message: messages.Outgoing) -> None:
        seat = self._seated.get(message.session)
        if seat is None:
            if isinstance(message, messages.Failed) and not message.session:
                log.error("worker failed", reason=message.reason)
            return
        session = seat[0]
        if not isinstance(message, messages.Failed):
            return session.handle(message)
        log.error("world failed", session=session.id, reason=message.reason)
        if message.epoch != session.epoch:
            return
        session.lose_world(message.reason)
        if session.state is SessionState.ENDED:
            return
        if session.may_reopen():
            session.standing.await_world()
            self._later(self._open(session))
        else:
            self._unseat(session)
            self._later(self.end(session, message.reason, keep=False))

    # --- time ------------------------------------------------------------------------------------------

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            for session in list(self._sessions.values()):
                try:
                    self._tick(session, now)
                except Exception:  # one session's fault must not stop all others' clock
                    log.exception("session not ticked", session=session.id)
            if len(self._queue):
                self._assign()

    def _tick(self, session: Session, now: float) -> None:
        for peer, reason in session.tick(now):
            self._later(peer.close(reason))
        idle_s, limits = session.audience.idle_s(now), self._limits
        if session.state is SessionState.LIVE:
            if session.over_time(now):
                self._pause_soon(session, even_if_watched=True)
            elif idle_s > limits.idle_pause_s:
                self._pause_soon(session)
            elif self._keeping.due(session, now):
                self._later(self._autosave(session))
        elif session.state is SessionState.QUEUED and idle_s > limits.idle_close_s:
            if session.standing.opening.done():  # it lived before: back to where it came from
                self._queue.leave(session.id)
                session.pause()
            else:
                self._later(self.end(session, "nobody waited for it"))
        elif session.state is SessionState.PAUSED and idle_s > limits.paused_end_s:
            self._later(self.end(session, "nobody came back"))

    async def _autosave(self, session: Session) -> None:
        with contextlib.suppress(NotSaved):
            await self._keeping.save(session)

    def measure(self) -> bytes:
        """The metrics of now, as Prometheus reads them."""
        states = [session.state for session in self._sessions.values()]
        roles = [peer.role for session in self._sessions.values() for peer in session.audience.connected]
        for state in SessionState:
            self.metrics.sessions.labels(state.value).set(states.count(state))
        for role in Role:
            self.metrics.peers.labels(role.value).set(roles.count(role))
        self.metrics.queue.set(len(self._queue))
        self.metrics.capacity.set(self._placement.ready.capacity if self._placement.ready else 0)
        return self.metrics.text()

    def _later(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("not done cleanly", exc_info=error)


def _begin(session_id: str, owner: str, world: KeptWorld) -> Begin:
    return Begin(session_id, owner, world.id, world.seed, world.prompt, world.template)
