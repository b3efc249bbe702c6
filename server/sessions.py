"""All sessions of one gateway: who gets a worker, who hears of its loss, and when a session is over.
Knows no HTTP; the rules of one session are its own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from typing import Any

import structlog

from engine import messages
from server.placement import Placement
from server.session import Session, SessionState, new_world
from server.settings import LimitSettings

log = structlog.get_logger(__name__)

TICK_S = 0.1


class NoWorkerFree(Exception):
    """Every worker is taken, or none is ready; `retry_after_s` is when to ask again."""

    def __init__(self, reason: str, retry_after_s: int) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Sessions:
    """The sessions over one placement; it is the placement's Listener."""

    def __init__(self, placement: Placement, limits: LimitSettings) -> None:
        self._placement, self._limits = placement, limits
        self._sessions: dict[str, Session] = {}
        self._ticker: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self.became_ready = asyncio.Event()

    async def start(self) -> None:
        """Start the placement and the clock."""
        self._ticker = asyncio.create_task(self._tick_for_ever())
        await self._placement.start(self)

    async def stop(self) -> None:
        """End every session, then the placement."""
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        await asyncio.gather(*(session.end("the gateway is closing") for session in list(self._sessions.values())))
        await asyncio.gather(*self._ending)
        await self._placement.stop()

    @property
    def ready(self) -> messages.Ready | None:
        """What the worker announced, if there is one."""
        return self._placement.ready

    def get(self, session_id: str) -> Session | None:
        """The session, if it has not ended."""
        return self._sessions.get(session_id)

    def of_owner(self, device_id: str) -> Session | None:
        """The newest session that the device started."""
        return next((s for s in reversed(self._sessions.values()) if s.owner == device_id), None)

    async def create(self, owner: str, seed: int, prompt: str, template: str) -> Session:
        """A new session, whose world the worker is asked for. Raises NoWorkerFree."""
        ready = self._placement.ready
        if ready is None:
            raise NoWorkerFree("The worker is starting.", 3)
        if len(self._sessions) >= ready.capacity:
            await self._make_room(owner)
        if len(self._sessions) >= ready.capacity:
            raise NoWorkerFree(f"All {ready.capacity} worlds of this machine are taken.", 10)
        session = Session(owner, new_world(seed, prompt, template), self._placement, self._limits)
        self._sessions[session.id] = session
        session.open()
        log.info("session opened", session=session.id, template=template, sessions=len(self._sessions))
        return session

    async def end(self, session: Session, reason: str) -> None:
        """End one session and forget it."""
        self._sessions.pop(session.id, None)
        await session.end(reason)

    def drop_share(self, session: Session, share_id: str) -> None:
        """Close the peers that a withdrawn link let in."""
        for peer in list(session.peers.values()):
            if peer.access.share_id == share_id:
                self._later(peer.close("the share link was withdrawn"))

    def worker_ready(self, ready: messages.Ready) -> None:
        self.became_ready.set()
        for number, session in enumerate(list(self._sessions.values())):
            if number < ready.capacity:
                session.open()
            else:
                self._later(self.end(session, "the machine has no room for this world any more"))

    def worker_lost(self, reason: str) -> None:
        for session in list(self._sessions.values()):
            if not session.reopen():
                self._later(self.end(session, f"the world failed too often: {reason}"))

    def worker_said(self, message: messages.Outgoing) -> None:
        session = self._sessions.get(message.session)
        if session is None:
            if isinstance(message, messages.Failed) and not message.session:
                log.error("worker failed", reason=message.reason)
            return
        if not isinstance(message, messages.Failed):
            return session.handle(message)
        log.error("world failed", session=session.id, reason=message.reason)
        if message.epoch != session.epoch:
            return
        if session.reopen():
            session.open()
        else:
            self._later(self.end(session, message.reason))

    async def _make_room(self, owner: str) -> None:
        """End sessions that nobody watches: this owner's at once, another's after a while."""
        now = time.monotonic()
        for session in list(self._sessions.values()):
            idle_s = session.idle_s(now)
            if not session.peers and (session.owner == owner or idle_s > self._limits.idle_yield_s):
                await self.end(session, "nobody was here, and somebody else waited")

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            for session in list(self._sessions.values()):
                try:
                    self._tick(session, now)
                except Exception:  # one session's fault must not stop all others' clock
                    log.exception("session not ticked", session=session.id)

    def _tick(self, session: Session, now: float) -> None:
        for peer, reason in session.tick(now):
            self._later(peer.close(reason))
        if session.idle_s(now) > self._limits.idle_close_s or session.state is SessionState.ENDED:
            self._later(self.end(session, "nobody is here"))

    def _later(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._ending.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._ending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("not ended cleanly", exc_info=error)
