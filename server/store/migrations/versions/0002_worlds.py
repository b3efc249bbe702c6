"""Kept worlds, sessions that outlive a gateway, notes and withdrawals of invites, previews of links.

Revision 0002, after 0001."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "worlds",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner", sa.String(32), sa.ForeignKey("devices.id"), nullable=False, index=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("prompt", sa.String(400), nullable=False),
        sa.Column("template", sa.String(80), nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("visited_at", sa.Float, nullable=False),
        sa.Column("frame", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("world_id", sa.String(32), sa.ForeignKey("worlds.id"), nullable=False, index=True),
        sa.Column("owner", sa.String(32), sa.ForeignKey("devices.id"), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float, nullable=True, index=True),
    )
    with op.batch_alter_table("invites") as invites:
        invites.add_column(sa.Column("note", sa.String(200), nullable=False, server_default=""))
        invites.add_column(sa.Column("revoked_at", sa.Float, nullable=True))
    with op.batch_alter_table("shares") as shares:
        shares.add_column(sa.Column("preview", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("shares") as shares:
        shares.drop_column("preview")
    with op.batch_alter_table("invites") as invites:
        invites.drop_column("revoked_at")
        invites.drop_column("note")
    for table in ("sessions", "worlds"):
        op.drop_table(table)
