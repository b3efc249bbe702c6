"""The tables: who was invited, who came, which worlds are kept, which sessions and links lead into them.
Knows no rule: when a row counts is decided in server.invites, server.shares and server.worlds."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Integer, LargeBinary, String, false
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
    note: Mapped[str] = mapped_column(String(200), default="", server_default="")
    revoked_at: Mapped[float | None] = mapped_column(Float)


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
    preview: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())


class Grant(Base):
    """A device redeemed a share's token of this version."""

    __tablename__ = "grants"

    device_id: Mapped[str] = mapped_column(ForeignKey("devices.id"), primary_key=True)
    share_id: Mapped[str] = mapped_column(ForeignKey("shares.id"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)


class KeptWorld(Base):
    """A world that somebody may come back to. Its bytes lie in files; `frame` and `size` are of the newest save, and 0
    before the first."""

    __tablename__ = "worlds"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(ForeignKey("devices.id"), index=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    prompt: Mapped[str] = mapped_column(String(400), default="")
    template: Mapped[str] = mapped_column(String(80), default="")
    seed: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[float] = mapped_column(Float)
    visited_at: Mapped[float] = mapped_column(Float)
    frame: Mapped[int] = mapped_column(BigInteger, default=0)
    size: Mapped[int] = mapped_column(BigInteger, default=0)


class SessionRow(Base):
    """A session, so that it outlives a gateway; without `ended_at` it can be gone on with."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    world_id: Mapped[str] = mapped_column(ForeignKey("worlds.id"), index=True)
    owner: Mapped[str] = mapped_column(ForeignKey("devices.id"))
    created_at: Mapped[float] = mapped_column(Float)
    ended_at: Mapped[float | None] = mapped_column(Float, index=True)
