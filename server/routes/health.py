"""/healthz: the process answers. /readyz: the store answers and a worker can open worlds. /metrics: in figures.
Says nothing of any one session or person."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
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
    if gateway.sessions.draining:
        raise Problem("draining", "Try another gateway, or again in half a minute.", {"Retry-After": "30"})
    try:
        await gateway.database.check()
    except (SQLAlchemyError, OSError) as error:
        raise Problem("not-ready", "The store does not answer.", {"Retry-After": "3"}) from error
    ready = gateway.sessions.ready
    if ready is None:
        raise Problem("not-ready", "The worker is starting.", {"Retry-After": "3"})
    return {"status": "ready", "model": ready.model, "steps": ready.steps, "capacity": ready.capacity}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(gateway: TheGateway) -> Response:
    """For Prometheus."""
    return Response(gateway.sessions.measure(), media_type=CONTENT_TYPE_LATEST)
