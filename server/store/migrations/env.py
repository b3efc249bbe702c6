"""What Alembic runs: our metadata over the connection that server.store.database hands in.
Knows no URL; for `alembic revision --autogenerate`, hand a connection in the same way."""

from __future__ import annotations

from alembic import context

from server.store.models import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
