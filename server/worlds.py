"""The worlds that people keep: whose they are, what they are called, where their saves lie.
Knows no worker and no connection; a world's data is the engine's."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, func, select, update

from server.saves import About, Found, NotSaved, Saved, SaveFolder, pack
from server.store.database import Database
from server.store.models import KeptWorld, SessionRow


class TooManyWorlds(Exception):
    """The device keeps as many as it may."""


@dataclass(frozen=True)
class OpenSession:
    """A session that the store remembers: its name and its world's."""

    id: str
    world_id: str
    owner: str


class Worlds:
    """The rules of kept worlds over a store and a folder."""

    def __init__(self, database: Database, folder: Path, worlds_a_device: int) -> None:
        self._database, self._folder, self._worlds_a_device = database, folder, worlds_a_device
        self._gone: set[str] = set()

    # --- worlds ----------------------------------------------------------------------------------

    async def create(self, owner: str, seed: int, prompt: str, template: str, name: str = "") -> KeptWorld:
        """A world that has no save yet. Raises TooManyWorlds."""
        now = time.time()
        world = KeptWorld(id=secrets.token_hex(12), owner=owner, name=name, prompt=prompt, template=template, seed=seed)
        world.created_at = world.visited_at = now
        world.frame = world.size = 0
        async with self._database.transaction() as transaction:
            kept = await transaction.scalar(select(func.count()).where(KeptWorld.owner == owner))
            if (kept or 0) >= self._worlds_a_device:
                raise TooManyWorlds(f"{self._worlds_a_device} worlds are kept at most; delete one first.")
            transaction.add(world)
        return world

    async def get(self, world_id: str, owner: str) -> KeptWorld | None:
        """The world, if it is this device's."""
        async with self._database.transaction() as transaction:
            world = await transaction.get(KeptWorld, world_id)
        return world if world is not None and world.owner == owner else None

    async def listed(self, owner: str) -> list[KeptWorld]:
        """The device's worlds that have a save, last visited first."""
        query = select(KeptWorld).where(KeptWorld.owner == owner, KeptWorld.size > 0)
        async with self._database.transaction() as transaction:
            return list((await transaction.scalars(query.order_by(KeptWorld.visited_at.desc()))).all())

    async def change(self, world_id: str, **values: str | float | int) -> None:
        """Set columns of a world."""
        async with self._database.transaction() as transaction:
            await transaction.execute(update(KeptWorld).where(KeptWorld.id == world_id).values(**values))

    async def delete(self, world_id: str) -> None:
        """Remove a world for good; what is on its way to the disk does not bring it back."""
        self._gone.add(world_id)
        await asyncio.to_thread(self.folder(world_id).delete)
        async with self._database.transaction() as transaction:
            for table, column in ((SessionRow, SessionRow.world_id), (KeptWorld, KeptWorld.id)):
                await transaction.execute(table.__table__.delete().where(column == world_id))  # type: ignore[attr-defined]

    def folder(self, world_id: str) -> SaveFolder:
        """Where its saves lie."""
        return SaveFolder(self._folder / world_id)

    # --- saves -----------------------------------------------------------------------------------

    async def save(self, world_id: str, saved: Saved) -> int:
        """Write a save; the size of its file. Raises NotSaved."""
        if world_id in self._gone:
            raise NotSaved("the world was deleted")
        file = pack(saved)
        await asyncio.to_thread(self.folder(world_id).write, file)
        if world_id in self._gone:
            await asyncio.to_thread(self.folder(world_id).delete)
            raise NotSaved("the world was deleted")
        return len(file)

    async def newest(self, world_id: str, below: int) -> Found | None:
        """The newest save numbered less than `below`. Raises NotASave."""
        return await asyncio.to_thread(self.folder(world_id).newest, below)

    async def copy_in(self, owner: str, saved: Saved, name: str = "") -> KeptWorld:
        """A further world out of a save: a copy of a moment, or an import. Raises TooManyWorlds and NotSaved."""
        about = saved.about
        world = await self.create(owner, about.seed, about.prompt, about.template, name or about.name)
        try:
            world.size = await self.save(world.id, saved)
        except NotSaved:
            await self.delete(world.id)
            raise
        world.frame = about.frame
        await self.change(world.id, size=world.size, frame=world.frame)
        return world

    async def export_file(self, world: KeptWorld) -> bytes | None:
        """The newest readable save as one file, under the name that the world has now. Raises NotASave."""
        found = await self.newest(world.id, 2**63)
        if found is None:
            return None
        about = found.saved.about
        named = About(
            world.name,
            about.prompt,
            about.template,
            about.seed,
            about.created_at,
            about.saved_at,
            about.frame,
            about.still,
        )
        return await asyncio.to_thread(pack, Saved(named, found.saved.data))

    # --- sessions that outlive a gateway -------------------------------------------------------------

    async def opened(self, session: OpenSession) -> None:
        """Remember a session."""
        row = SessionRow(id=session.id, world_id=session.world_id, owner=session.owner, created_at=time.time())
        async with self._database.transaction() as transaction:
            transaction.add(row)

    async def ended(self, session_id: str) -> None:
        """The session is over, and its world too if it was never saved."""
        async with self._database.transaction() as transaction:
            row = await transaction.get(SessionRow, session_id)
            if row is None:
                return
            world = await transaction.get(KeptWorld, row.world_id)
            if world is not None and world.size == 0:
                await transaction.execute(delete(SessionRow).where(SessionRow.id == session_id))
                await transaction.execute(delete(KeptWorld).where(KeptWorld.id == row.world_id))
            else:  # a statement: the world, and the row with it, may be deleted at this moment
                ended = update(SessionRow).where(SessionRow.id == session_id).values(ended_at=time.time())
                await transaction.execute(ended)

    async def unended(self) -> list[tuple[OpenSession, KeptWorld]]:
        """What an earlier gateway left open and saved, oldest first."""
        query = (
            select(SessionRow, KeptWorld)
            .join(KeptWorld, KeptWorld.id == SessionRow.world_id)
            .where(SessionRow.ended_at.is_(None), KeptWorld.size > 0)
            .order_by(SessionRow.created_at)
        )
        async with self._database.transaction() as transaction:
            rows = (await transaction.execute(query)).all()
        return [(OpenSession(row.id, row.world_id, row.owner), world) for row, world in rows]
