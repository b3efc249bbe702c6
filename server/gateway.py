"""What one gateway is made of, put together and taken apart; routes get it from the request.
Knows no route and no rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from server.invites import Invites
from server.media import prepare_aiortc
from server.pictures import Pictures
from server.placement import Placement
from server.problems import Problem
from server.ratelimit import RateLimits
from server.roles import Action, Role, may
from server.session import Session
from server.sessions import Sessions
from server.settings import Settings
from server.shares import Access, Shares
from server.store.database import Database
from server.store.models import Device
from server.tokens import COOKIE, TokenRefused, Tokens, load_secret
from server.worlds import Worlds


@dataclass(frozen=True)
class Gateway:
    """The parts, alive between `start` and `stop`."""

    settings: Settings
    database: Database
    tokens: Tokens
    invites: Invites
    shares: Shares
    rates: RateLimits
    worlds: Worlds
    sessions: Sessions
    pictures: Pictures

    @classmethod
    async def start(cls, settings: Settings, placement: Placement) -> Gateway:
        """Open the store and start the worker; returns before the worker is ready."""
        prepare_aiortc()
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        tokens = Tokens(load_secret(settings.secret, settings.data_dir))
        database = await Database.open(settings.database)
        worlds = Worlds(database, settings.data_dir / "worlds", settings.limits.worlds_a_device)
        try:
            sessions = Sessions(placement, worlds, settings)
            await sessions.start()
        except BaseException:
            await database.close()
            raise
        invites, shares = Invites(database, tokens), Shares(database, tokens)
        pictures = Pictures(settings.limits.picture_bytes)
        return cls(settings, database, tokens, invites, shares, RateLimits(), worlds, sessions, pictures)

    async def stop(self) -> None:
        """End the sessions, the worker and the store's connections."""
        await self.sessions.stop()
        await self.database.close()


@dataclass(frozen=True)
class Visitor:
    """Who sends a request: a device that holds one of our cookies."""

    device_id: str
    may_start: bool


async def gateway_of(request: HTTPConnection) -> Gateway:
    """The gateway that serves this request or socket."""
    gateway = request.app.state.gateway
    assert isinstance(gateway, Gateway)
    return gateway


TheGateway = Annotated[Gateway, Depends(gateway_of)]


async def visitor_if_any(request: HTTPConnection, gateway: TheGateway) -> Visitor | None:
    """The device behind the cookie; None without one that counts."""
    try:
        device_id = gateway.tokens.read_device(request.cookies.get(COOKIE, ""))
    except TokenRefused:
        return None
    async with gateway.database.transaction() as transaction:
        device = await transaction.get(Device, device_id)
    if device is None:
        return None
    return Visitor(device.id, gateway.settings.open or await gateway.invites.may_start(device))


PerhapsVisitor = Annotated[Visitor | None, Depends(visitor_if_any)]


async def visitor_of(visitor: PerhapsVisitor) -> Visitor:
    """The device behind the cookie, or Problem sign-in-needed."""
    if visitor is None:
        raise Problem("sign-in-needed", "Redeem an invite or open a share link first.")
    return visitor


TheVisitor = Annotated[Visitor, Depends(visitor_of)]


@dataclass(frozen=True)
class Entry:
    """A visitor in a session that it may enter."""

    session: Session
    visitor: Visitor
    access: Access

    @property
    def role(self) -> Role:
        """What counts now: a device that was handed the controls drives, and then nobody else."""
        return self.session.audience.role_now(self.visitor.device_id, self.access.role)

    def must(self, action: Action) -> None:
        """Raises Problem not-allowed unless the visitor may do that."""
        if not may(self.role, self.access.owner, action):
            raise Problem("not-allowed", f"This is not allowed to you here: {action.value}.")


async def entry_of(session_id: str, visitor: TheVisitor, gateway: TheGateway) -> Entry:
    """The session of the path; one that the visitor may not enter looks like none at all."""
    session = gateway.sessions.get(session_id)
    if session is not None:
        access = session.role_of(visitor.device_id) or await gateway.shares.access(session_id, visitor.device_id)
        if access is not None:
            return Entry(session, visitor, access)
    raise Problem("no-such-session", "It has ended, or you have not been let in.")


TheEntry = Annotated[Entry, Depends(entry_of)]


def address_of(request: HTTPConnection) -> str:
    """The address that a request came from, for its rate limits."""
    return request.client.host if request.client else "unknown"
