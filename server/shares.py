"""Share links: signed tokens with a role, an expiry and a revocation version, exchanged for a cookie's grant.
Knows no HTTP and no connection; closing whom a withdrawn link let in is the sessions' part."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from sqlalchemy import CursorResult, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.roles import RANK, Role
from server.store.database import Database
from server.store.models import Device, Grant, Share
from server.tokens import ShareToken, TokenRefused, Tokens

DEFAULT_VALID_S = 24 * 3600.0
MAX_VALID_S = 30 * 24 * 3600.0


class ShareRefused(Exception):
    """The token is not ours (share-refused), too old (share-expired) or withdrawn (share-revoked)."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


@dataclass(frozen=True)
class MadeShare:
    """A new link: its token goes into the URL's fragment."""

    id: str
    token: str


@dataclass(frozen=True)
class Access:
    """What a device may do in a session, by which share, until when (seconds since 1970)."""

    role: Role
    share_id: str = ""
    expires_at: float = float("inf")
    owner: bool = False


class Shares:
    """The rules of share links over a store."""

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database, self._tokens = database, tokens

    async def create(
        self, session_id: str, device_id: str, role: Role, valid_s: float, preview: bool = False
    ) -> MadeShare:
        """A new link into the session; with `preview`, whoever has its address may see a still."""
        now, share_id = time.time(), secrets.token_hex(8)
        share = Share(
            id=share_id, session_id=session_id, role=role.value, version=1, created_by=device_id, created_at=now
        )
        share.expires_at, share.preview = now + valid_s, preview
        async with self._database.transaction() as transaction:
            transaction.add(share)
        return MadeShare(share_id, self._tokens.sign_share(ShareToken(share_id, 1)))

    async def redeem(self, token: str, device_id: str | None) -> tuple[str, str, Role]:
        """(device, session, role) of a valid token; a device is made where there was none. Raises ShareRefused."""
        now = time.time()
        async with self._database.transaction() as transaction:
            share = await self._valid(transaction, token, now)
            device = await transaction.get(Device, device_id) if device_id else None
            if device is None:
                device = Device(id=secrets.token_hex(16), created_at=now)
                transaction.add(device)
                await transaction.flush()
            await transaction.merge(Grant(device_id=device.id, share_id=share.id, version=share.version))
            return device.id, share.session_id, Role(share.role)

    async def bearer(self, token: str, session_id: str) -> Access:
        """What who shows the token itself may do in the session, without a device. Raises ShareRefused."""
        async with self._database.transaction() as transaction:
            share = await self._valid(transaction, token, time.time())
        if share.session_id != session_id:
            raise ShareRefused("share-refused")
        return Access(Role(share.role), share.id, share.expires_at)

    async def listed(self, session_id: str) -> list[Share]:
        """The session's links that still let somebody in, oldest first."""
        query = select(Share).where(Share.session_id == session_id, Share.expires_at > time.time(), Share.version == 1)
        async with self._database.transaction() as transaction:
            return list((await transaction.scalars(query.order_by(Share.created_at))).all())

    async def previewed(self, share_id: str) -> str | None:
        """The session of a link whose owner allows a preview, while the link is good."""
        async with self._database.transaction() as transaction:
            share = await transaction.get(Share, share_id)
        good = share is not None and share.preview and share.version == 1 and share.expires_at > time.time()
        return share.session_id if share is not None and good else None

    async def _valid(self, transaction: AsyncSession, token: str, now: float) -> Share:
        try:
            content = self._tokens.read_share(token)
        except TokenRefused as error:
            raise ShareRefused("share-refused") from error
        share = await transaction.get(Share, content.share_id)
        if share is None:
            raise ShareRefused("share-refused")
        if share.version != content.version:
            raise ShareRefused("share-revoked")
        if share.expires_at <= now:
            raise ShareRefused("share-expired")
        return share

    async def access(self, session_id: str, device_id: str) -> Access | None:
        """The most that a device's redeemed links still allow in the session; None is nothing."""
        query = (
            select(Share)
            .join(Grant, (Grant.share_id == Share.id) & (Grant.version == Share.version))
            .where(Grant.device_id == device_id, Share.session_id == session_id, Share.expires_at > time.time())
        )
        async with self._database.transaction() as transaction:
            shares = (await transaction.scalars(query)).all()
        allowed = [Access(Role(share.role), share.id, share.expires_at) for share in shares]
        return max(allowed, key=lambda access: (RANK[access.role], access.expires_at), default=None)

    async def revoke(self, share_id: str, session_id: str) -> bool:
        """Withdraw a link of the session; whether there was one."""
        statement = (
            update(Share).where(Share.id == share_id, Share.session_id == session_id).values(version=Share.version + 1)
        )
        async with self._database.transaction() as transaction:
            done = await transaction.execute(statement)
        assert isinstance(done, CursorResult)
        return done.rowcount == 1
