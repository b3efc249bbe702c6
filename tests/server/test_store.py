"""The store's rules on SQLite, and on PostgreSQL where it is installed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.exc import DBAPIError

from server.invites import InviteRefused, Invites
from server.roles import Role
from server.saves import About, Saved
from server.shares import ShareRefused, Shares
from server.store.database import Database
from server.tokens import Tokens
from server.worlds import OpenSession, TooManyWorlds, Worlds
from tests.server.postgres import Postgres

pytestmark = pytest.mark.asyncio(loop_scope="session")
TOKENS = Tokens(b"s" * 32)


@pytest_asyncio.fixture(loop_scope="session", params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path / 'store.sqlite3'}"
    else:
        url = request.getfixturevalue("postgres").url
    database = await Database.open(url)
    yield database
    await database.close()


async def test_a_code_for_one_lets_one_of_a_hundred_in(database: Database) -> None:
    invites = Invites(database, TOKENS)
    made = await invites.make(1, 60.0, "for one")

    async def redeem() -> int:
        try:
            await invites.redeem(made.code)
        except InviteRefused:
            return 0
        return 1

    assert sum(await asyncio.gather(*(redeem() for _ in range(100)))) == 1
    (line,) = [line for line in await invites.listed() if line.id == made.id]
    assert (line.uses, line.standing, line.note) == (1, "used up", "for one")


async def test_a_withdrawn_invite_lets_nobody_in_and_nobody_start(database: Database) -> None:
    from server.store.models import Device

    invites = Invites(database, TOKENS)
    made = await invites.make(5, 60.0)
    starter = await invites.redeem(made.code)
    async with database.transaction() as transaction:
        device = await transaction.get(Device, starter.device_id)
    assert device and await invites.may_start(device)
    assert await invites.revoke(made.id) and not await invites.revoke(made.id)
    assert not await invites.may_start(device)
    for known in (None, starter.device_id):
        with pytest.raises(InviteRefused):
            await invites.redeem(made.code, known)
    for uses, valid_s, note in ((0, 1.0, ""), (1, 0.0, ""), (1, 1.0, "n" * 201)):
        with pytest.raises(ValueError, match="got|has"):
            await invites.make(uses, valid_s, note)


async def test_a_share_grants_until_it_is_withdrawn(database: Database) -> None:
    invites, shares = Invites(database, TOKENS), Shares(database, TOKENS)
    owner = (await invites.new_device()).device_id
    viewer = await shares.create("session", owner, Role.VIEWER, 60.0)
    suggester = await shares.create("session", owner, Role.SUGGESTER, 60.0, preview=True)
    device, session, _ = await shares.redeem(viewer.token, None)
    await shares.redeem(suggester.token, device)
    access = await shares.access(session, device)
    assert access and access.role is Role.SUGGESTER
    assert (await shares.bearer(viewer.token, "session")).role is Role.VIEWER
    with pytest.raises(ShareRefused, match="share-refused"):
        await shares.bearer(viewer.token, "another")
    assert await shares.previewed(suggester.id) == "session" and await shares.previewed(viewer.id) is None
    assert await shares.revoke(suggester.id, "session")
    access = await shares.access(session, device)
    assert access and access.role is Role.VIEWER and await shares.previewed(suggester.id) is None
    assert [share.id for share in await shares.listed("session")] == [viewer.id]


async def test_worlds_are_kept_recalled_and_deleted(database: Database, tmp_path: Path) -> None:
    worlds = Worlds(database, tmp_path / "worlds", 2)
    owner = (await Invites(database, TOKENS).new_device()).device_id
    world = await worlds.create(owner, 2**31 - 1, "a bay", "")
    await worlds.opened(OpenSession(f"s-{world.id}", world.id, owner))
    assert not await worlds.listed(owner) and world.id not in str(await worlds.unended())
    about = About("", "a bay", "", 1, 1.0, 2.0, 7, b"")
    size = await worlds.save(world.id, Saved(about, b"data"))
    await worlds.change(world.id, size=size, frame=7)
    assert [kept.frame for kept in await worlds.listed(owner)] == [7]
    assert f"s-{world.id}" in [open_one.id for open_one, _ in await worlds.unended()]
    await worlds.copy_in(owner, Saved(about, b"data"))
    with pytest.raises(TooManyWorlds, match="2 worlds"):
        await worlds.create(owner, 1, "", "")
    await worlds.ended(f"s-{world.id}")
    assert f"s-{world.id}" not in [open_one.id for open_one, _ in await worlds.unended()]
    await worlds.delete(world.id)
    assert await worlds.get(world.id, owner) is None and not worlds.folder(world.id).path.exists()


async def test_a_world_that_was_never_saved_goes_with_its_session(database: Database, tmp_path: Path) -> None:
    worlds = Worlds(database, tmp_path / "worlds", 5)
    owner = (await Invites(database, TOKENS).new_device()).device_id
    world = await worlds.create(owner, 1, "", "")
    await worlds.opened(OpenSession(f"s-{world.id}", world.id, owner))
    await worlds.ended(f"s-{world.id}")
    assert await worlds.get(world.id, owner) is None


async def test_a_store_that_stops_is_an_error_and_then_goes_on(postgres: Postgres) -> None:
    database = await Database.open(postgres.url)
    invites = Invites(database, TOKENS)
    made = await invites.make(1, 60.0)
    postgres.stop()
    try:
        with pytest.raises((DBAPIError, OSError)):
            await invites.redeem(made.code)
    finally:
        postgres.start()
    deadline = time.monotonic() + 10
    while True:
        try:
            await invites.redeem(made.code)
            break
        except (DBAPIError, OSError):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
    await database.close()


async def test_the_migrations_go_back_and_forth(database: Database) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import inspect

    from server.store.database import MIGRATIONS, migrate

    def back_and_forth(connection: Any) -> list[set[str]]:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        before = set(inspect(connection).get_table_names())
        migrate(connection)
        return [before, set(inspect(connection).get_table_names())]

    async with database._engine.begin() as connection:
        before, after = await connection.run_sync(back_and_forth)
    assert after - before == {"worlds", "sessions"}
