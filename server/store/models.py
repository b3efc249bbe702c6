"""The tables: who was invited, who came, which links exist and what they granted.
Knows no rule: when a row counts is decided in server.invites and server.shares."""

from __future__ import annotations

from sqlalchemy import Float, ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Times are seconds since 1970; identifiers are random text."""


class Invite(Base):
    """A permission to start worlds, known by the digest of its code alone."""

    __tablename__ = "invites"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[float] = mapped_column(Float)
    expires_at: Mapped[float] = mapped_column(Float)
    max_uses: Mapped[int] = mapped_column(Integer)
    uses: Mapped[int] = mapped_column(Integer, default=0)


class Device(Base):
    """One browser's cookie. Without an invite it may only go where a share link let it."""

    __tablename__ = "devices"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    invite_id: Mapped[str | None] = mapped_column(ForeignKey("invites.id"))
    created_at: Mapped[float] = mapped_column(Float)


class Share(Base):
    """A share link. Raising `version` withdraws every token made before."""

    __tablename__ = "shares"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    session_id: Mapped[str] = mapped_column(String(32), index=True)
    role: Mapped[str] = mapped_column(String(16))
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_by: Mapped[str] = mapped_column(ForeignKey("devices.id"))
    created_at: Mapped[float] = mapped_column(Float)
    expires_at: Mapped[float] = mapped_column(Float)


class Grant(Base):
    """A device redeemed a share's token of this version."""

    __tablename__ = "grants"

    device_id: Mapped[str] = mapped_column(ForeignKey("devices.id"), primary_key=True)
    share_id: Mapped[str] = mapped_column(ForeignKey("shares.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
