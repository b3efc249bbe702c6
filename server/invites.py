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


class InviteRefused(Exception):
    """Unknown, expired or used up: the caller must not learn which."""


@dataclass(frozen=True)
class Starter:
    """A device that may start worlds."""

    device_id: str


class Invites:
    """The rules of invites over a store."""

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database, self._tokens = database, tokens

    async def create(self, max_uses: int, valid_s: float) -> str:
        """A fresh invite's code. It is shown once: the store keeps its digest."""
        if max_uses < 1 or valid_s <= 0:
            raise ValueError(f"an invite needs at least one use and some time, got {max_uses} and {valid_s} s")
        code, now = new_code(), time.time()
        digest = self._tokens.invite_digest(normalise(code))
        async with self._database.transaction() as transaction:
            transaction.add(
                Invite(
                    id=secrets.token_hex(8), digest=digest, created_at=now, expires_at=now + valid_s, max_uses=max_uses
                )
            )
        return code

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
                .where(Invite.digest == digest, Invite.uses < Invite.max_uses, Invite.expires_at > now)
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
        query = select(Device.id).join(Invite).where(Device.id == device_id, Invite.digest == digest)
        async with self._database.transaction() as transaction:
            return await transaction.scalar(query) is not None


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
