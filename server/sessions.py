"""All sessions of one gateway: which there are, how they begin and how they end.
Knows no HTTP; places are server.places', what time does is server.clock's, saving is server.keeping's."""

from __future__ import annotations

import asyncio
import contextlib
import secrets

import structlog
from sqlalchemy.exc import SQLAlchemyError

from engine import messages
from server.clock import Clock
from server.keeping import Keeping
from server.metrics import Metrics
from server.moderation import Moderation
from server.phases import SessionState
from server.placement import Placement
from server.places import Places
from server.prompts import Scrutiny
from server.roles import Role
from server.saves import NotSaved, Saved
from server.session import Around, Begin, Session, Wish
from server.settings import Settings
from server.store.models import KeptWorld
from server.tasks import Tasks
from server.worlds import OpenSession, Worlds

log = structlog.get_logger(__name__)

LAST_SAVE_S = 5.0


class NoWorkerFree(Exception):
    """So many wait already that nobody else may; `retry_after_s` is when to ask again."""

    def __init__(self, reason: str, retry_after_s: int) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Draining(Exception):
    """The gateway is closing: no new sessions."""


class Sessions:
    """The sessions over one placement, and the parts that look after them."""

    def __init__(self, placement: Placement, worlds: Worlds, settings: Settings) -> None:
        self._placement, self._worlds, self._settings = placement, worlds, settings
        self._limits = settings.limits
        self.metrics = Metrics()
        self.scrutiny = Scrutiny(Moderation(settings.moderation), self.metrics, settings.log_prompts)
        self._keeping = Keeping(worlds, settings.saves, self.metrics)
        self._sessions: dict[str, Session] = {}
        self._closing: dict[str, asyncio.Event] = {}  # worlds that are saved a last time
        self._tasks = Tasks()
        self.draining = False
        self.places = Places(self, placement, self._limits, self._keeping, self._tasks)
        self._clock = Clock(self, self.places, self._limits, self._keeping, self._tasks)
        self._around = Around(placement, self._limits, self.scrutiny, self.metrics, self.places)

    async def start(self) -> None:
        """Recall what an earlier gateway left open, start the placement and the clock."""
        for kept, world in await self._worlds.unended():
            session = Session(_begin(kept.id, kept.owner, world), self._around, SessionState.PAUSED)
            session.standing.opened_before()
            self._sessions[kept.id] = session
        self._clock.start()
        await self._placement.start(self.places)

    async def stop(self) -> None:
        """Save every world and close; the sessions can be gone on with by the next gateway."""
        self.draining = True
        await self._clock.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_s):
                living = [one for one in self._sessions.values() if one.state is SessionState.LIVE]
                await asyncio.gather(*(self._keeping.save(one, final=True) for one in living), return_exceptions=True)
        await asyncio.gather(*(session.end("the gateway is closing") for session in self._sessions.values()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_s):
                await self._tasks.settle()
        await self._placement.stop()

    @property
    def ready(self) -> messages.Ready | None:
        """What the worker announced, if there is one."""
        return self._placement.ready

    @property
    def all(self) -> list[Session]:
        """Those that have not ended, oldest first."""
        return list(self._sessions.values())

    def get(self, session_id: str) -> Session | None:
        """The session, if it has not ended."""
        return self._sessions.get(session_id)

    def of_owner(self, device_id: str) -> Session | None:
        """The newest session that the device started."""
        return next((s for s in reversed(self._sessions.values()) if s.owner == device_id), None)

    def of_world(self, world_id: str) -> Session | None:
        """The session that lives in this world."""
        return next((s for s in self._sessions.values() if s.world_id == world_id), None)

    async def closed(self, world_id: str) -> None:
        """Return once no ended session has to save this world any more."""
        while closing := self._closing.get(world_id):
            await closing.wait()

    # --- beginnings and ends -----------------------------------------------------------------------

    async def create(self, owner: str, wish: Wish) -> Session:
        """A new session in a new world. Raises NoWorkerFree, Draining, PromptUnfit and TooManyWorlds."""
        self._check_open()
        await self.scrutiny.check(wish.prompt)
        if wish.picture:
            await self.scrutiny.check_picture(wish.picture)
        await self._thin_out(owner)
        world = await self._worlds.create(owner, wish.seed, wish.prompt, wish.template)
        return await self._begin(owner, world, wish.picture)

    async def visit(self, world: KeptWorld) -> Session:
        """The session in a kept world: the one that is there, or a new one. Raises NoWorkerFree and Draining."""
        if self.of_world(world.id) is None:
            self._check_open()
            await self._thin_out(world.owner)
        present = self.of_world(world.id)  # another request may have begun it meanwhile
        if present is None:
            return await self._begin(world.owner, world)
        present.touch()
        self.places.wanted(present)
        return present

    async def _begin(self, owner: str, world: KeptWorld, picture: bytes = b"") -> Session:
        session = Session(_begin(secrets.token_urlsafe(12), owner, world, picture), self._around)
        self._sessions[session.id] = session  # before any wait: a world has one session
        try:
            await self._worlds.opened(OpenSession(session.id, world.id, owner))
        except BaseException:
            self._sessions.pop(session.id, None)
            raise
        log.info("session begun", session=session.id, template=world.template, sessions=len(self._sessions))
        self.places.join(session)
        return session

    def _check_open(self) -> None:
        if self.draining:
            raise Draining
        if self.places.full:
            raise NoWorkerFree(f"{self.places.waiting} are waiting already.", 30)

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
        if self._sessions.pop(session.id, None) is None and not self.places.holds(session):
            return
        self.places.leave_queue(session)
        self._closing.setdefault(session.world_id, asyncio.Event())
        self._tasks.later(self._close_behind(session, live and keep))
        await session.end(reason)
        self.places.assign()

    async def _close_behind(self, session: Session, save: bool) -> None:
        try:
            await self._close(session, save)
        finally:
            if closing := self._closing.pop(session.world_id, None):
                closing.set()

    async def _close(self, session: Session, save: bool) -> None:
        if self.places.holds(session):
            if save:
                with contextlib.suppress(NotSaved, TimeoutError):
                    async with asyncio.timeout(LAST_SAVE_S):
                        await self._keeping.save(session, final=True)
            session.close_world()
            self.places.unseat(session)
        self._keeping.forget(session)
        try:
            await self._worlds.ended(session.id)
        except (SQLAlchemyError, OSError) as error:
            log.error("end not noted", session=session.id, error=str(error))
        self.places.assign()

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
                self._tasks.later(peer.close("the share link was withdrawn"))

    def measure(self) -> bytes:
        """The metrics of now, as Prometheus reads them."""
        states = [session.state for session in self._sessions.values()]
        roles = [peer.role for session in self._sessions.values() for peer in session.audience.connected]
        for state in SessionState:
            self.metrics.sessions.labels(state.value).set(states.count(state))
        for role in Role:
            self.metrics.peers.labels(role.value).set(roles.count(role))
        self.metrics.queue.set(self.places.waiting)
        self.metrics.capacity.set(self._placement.ready.capacity if self._placement.ready else 0)
        return self.metrics.text()


def _begin(session_id: str, owner: str, world: KeptWorld, picture: bytes = b"") -> Begin:
    return Begin(session_id, owner, world.id, Wish(world.seed, world.prompt, world.template, picture))
