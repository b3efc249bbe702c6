"""Invites: 128 random bits as eight pronounceable words, redeemed by one conditional UPDATE.
Knows no HTTP; what is unknown, expired or used up gets the same answer."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from sqlalchemy import CursorResult, select, update

from server.store.database import Database
from server.store.models import Device, Invite
from server.tokens import Tokens

BITS = 128
_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"
MAX_CODE_CHARS = 200
MAX_NOTE_CHARS = 200
MAX_USES = 1_000_000
MAX_VALID_S = 10 * 365 * 86_400.0


class InviteRefused(Exception):
    """Unknown, expired or used up: the caller must not learn which."""


@dataclass(frozen=True)
class Starter:
    """A device that may start worlds."""

    device_id: str


@dataclass(frozen=True)
class MadeInvite:
    """A new invite, and its code, which nobody can learn later."""

    id: str
    code: str


@dataclass(frozen=True)
class Listed:
    """What an operator sees of an invite; `standing` is open, used up, expired or revoked."""

    id: str
    note: str
    uses: int
    max_uses: int
    created_at: float
    expires_at: float
    standing: str


class Invites:
    """The rules of invites over a store."""

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database, self._tokens = database, tokens

    async def create(self, max_uses: int, valid_s: float, note: str = "") -> str:
        """A fresh invite's code. It is shown once: the store keeps its digest."""
        return (await self.make(max_uses, valid_s, note)).code

    async def make(self, max_uses: int, valid_s: float, note: str = "") -> MadeInvite:
        """A fresh invite; `note` is for the operator. Raises ValueError."""
        if not (1 <= max_uses <= MAX_USES and 0 < valid_s <= MAX_VALID_S):
            limits = f"1..{MAX_USES} uses and up to {MAX_VALID_S:.0f} s"
            raise ValueError(f"an invite needs {limits}, got {max_uses} and {valid_s} s")
        if len(note) > MAX_NOTE_CHARS:
            raise ValueError(f"a note may have {MAX_NOTE_CHARS} characters, this has {len(note)}")
        code, now = new_code(), time.time()
        invite = Invite(id=secrets.token_hex(8), created_at=now, expires_at=now + valid_s, max_uses=max_uses, note=note)
        invite.digest = self._tokens.invite_digest(normalise(code))
        async with self._database.transaction() as transaction:
            transaction.add(invite)
        return MadeInvite(invite.id, code)

    async def listed(self) -> list[Listed]:
        """All invites, newest first."""
        async with self._database.transaction() as transaction:
            rows = (await transaction.scalars(select(Invite).order_by(Invite.created_at.desc()))).all()
        now = time.time()
        return [
            Listed(row.id, row.note, row.uses, row.max_uses, row.created_at, row.expires_at, _standing(row, now))
            for row in rows
        ]

    async def revoke(self, invite_id: str) -> bool:
        """Withdraw an invite for good, and with it what its devices may start; whether there was one."""
        statement = update(Invite).where(Invite.id == invite_id, Invite.revoked_at.is_(None))
        async with self._database.transaction() as transaction:
            done = await transaction.execute(statement.values(revoked_at=time.time()))
        assert isinstance(done, CursorResult)
        return done.rowcount == 1

    async def may_start(self, device: Device) -> bool:
        """Whether the invite that the device came by still counts; used up or expired since does not matter."""
        if device.invite_id is None:
            return False
        async with self._database.transaction() as transaction:
            invite = await transaction.get(Invite, device.invite_id)
        return invite is not None and invite.revoked_at is None

    async def new_device(self) -> Starter:
        """A device without an invite: where none is needed, or for who came by a link."""
        device = Device(id=secrets.token_hex(16), created_at=time.time())
        async with self._database.transaction() as transaction:
            transaction.add(device)
        return Starter(device.id)

    async def redeem(self, code: str, device_id: str | None = None) -> Starter:
        """Use the invite once and make a device of it, or raise InviteRefused.

        A device that already came by this invite keeps its place and uses nothing up; a device that came by a
        share link is the same device afterwards.
        """
        digest, now = self._tokens.invite_digest(normalise(code)), time.time()
        if device_id and await self._came_by(digest, device_id):
            return Starter(device_id)
        async with self._database.transaction() as transaction:
            used = await transaction.execute(
                update(Invite)
                .where(
                    Invite.digest == digest,
                    Invite.uses < Invite.max_uses,
                    Invite.expires_at > now,
                    Invite.revoked_at.is_(None),
                )
                .values(uses=Invite.uses + 1)
            )
            assert isinstance(used, CursorResult)
            if used.rowcount != 1:
                raise InviteRefused
            device = await transaction.get(Device, device_id) if device_id else None
            if device is None:
                device = Device(id=secrets.token_hex(16), created_at=now)
                transaction.add(device)
            device.invite_id = await transaction.scalar(select(Invite.id).where(Invite.digest == digest))
            return Starter(device.id)

    async def _came_by(self, digest: bytes, device_id: str) -> bool:
        query = (
            select(Device.id)
            .join(Invite)
            .where(Device.id == device_id, Invite.digest == digest, Invite.revoked_at.is_(None))
        )
        async with self._database.transaction() as transaction:
            return await transaction.scalar(query) is not None


def _standing(invite: Invite, now: float) -> str:
    if invite.revoked_at is not None:
        return "revoked"
    if invite.expires_at <= now:
        return "expired"
    return "open" if invite.uses < invite.max_uses else "used up"


def new_code() -> str:
    """128 random bits as eight proquints (arXiv 0901.4016), such as "lusab-babad-...": easy to read aloud."""
    return "-".join(_proquint(secrets.randbits(16)) for _ in range(BITS // 16))


def normalise(code: str) -> str:
    """A code as typed: case, spaces and separators do not count."""
    return "".join(letter for letter in code[:MAX_CODE_CHARS].lower() if letter.isalpha())


def _proquint(word: int) -> str:
    return (
        _CONSONANTS[word >> 12]
        + _VOWELS[word >> 10 & 3]
        + _CONSONANTS[word >> 6 & 15]
        + _VOWELS[word >> 4 & 3]
        + _CONSONANTS[word & 15]
    )
