"""/healthz: the process answers. /readyz: the store answers and a worker can open worlds.
Says nothing of sessions or people."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy.exc import SQLAlchemyError

from server.gateway import TheGateway
from server.problems import Problem, responses

router = APIRouter(responses=responses(), tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(gateway: TheGateway) -> dict[str, str | int]:
    """People can be served."""
    try:
        await gateway.database.check()
    except SQLAlchemyError as error:
        raise Problem("not-ready", "The store does not answer.", {"Retry-After": "3"}) from error
    ready = gateway.sessions.ready
    if ready is None:
        raise Problem("not-ready", "The worker is starting.", {"Retry-After": "3"})
    return {"status": "ready", "model": ready.model, "capacity": ready.capacity}
