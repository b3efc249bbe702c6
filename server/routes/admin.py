"""The operator's page and its API, behind one token; without a configured token there is nothing here.
Thin: says counts and states, never prompts, names or codes that exist already."""

from __future__ import annotations

import hmac
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from server.gateway import Gateway, TheGateway, address_of
from server.invites import MAX_NOTE_CHARS, MAX_USES, MAX_VALID_S
from server.problems import Problem, responses

PAGE = Path(__file__).resolve().parent.parent / "admin"
FILES = {"": "index.html", "admin.js": "admin.js", "admin.css": "admin.css"}


def _switched_on(gateway: Gateway) -> None:
    if not gateway.settings.operator_token:
        raise HTTPException(404, "Not Found")


async def operator(request: Request, gateway: TheGateway) -> None:
    """Raises Problem operator-token-needed unless the request carries the token."""
    _switched_on(gateway)
    gateway.rates.take(gateway.settings.rates.operator_an_address, "operator", address_of(request))
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    wanted = gateway.settings.operator_token
    if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), wanted.encode()):
        raise Problem("operator-token-needed", "Expected Authorization: Bearer and the token.")


page = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1/admin", responses=responses(), tags=["operator"], dependencies=[Depends(operator)])


class SessionLine(BaseModel):
    """A session as its operator sees it."""

    id: str
    state: str
    viewers: int
    driver: bool
    frame: int
    queue_position: int | None


class Overview(BaseModel):
    """How the machine stands. `load`: the system's averages over 1, 5 and 15 minutes."""

    model: str | None
    capacity: int
    draining: bool
    load: tuple[float, float, float]
    cores: int
    waiting: int
    sessions: list[SessionLine]


class InviteLine(BaseModel):
    """An invite; its code is known to nobody but whom it was given to."""

    id: str
    note: str
    uses: int
    max_uses: int
    created_at: float
    expires_at: float
    standing: str


class NewInvite(BaseModel):
    """What a fresh invite allows."""

    model_config = ConfigDict(extra="forbid")

    uses: Annotated[int, Field(ge=1, le=MAX_USES)] = 1
    expires_s: Annotated[float, Field(gt=0, le=MAX_VALID_S)] = 7 * 86_400.0
    note: Annotated[str, Field(max_length=MAX_NOTE_CHARS)] = ""


class InviteMade(BaseModel):
    """The code is told this once."""

    id: str
    code: str


@page.get("/admin")
@page.get("/admin/{name}")
async def serve(gateway: TheGateway, name: str = "") -> FileResponse:
    """The page; it asks for the token."""
    _switched_on(gateway)
    if name not in FILES:
        raise HTTPException(404, "Not Found")
    return FileResponse(PAGE / FILES[name])


@api.get("/overview")
async def overview(gateway: TheGateway) -> Overview:
    """Sessions, viewers, load."""
    ready = gateway.sessions.ready
    lines = [
        SessionLine(
            id=session.id,
            state=session.state.value,
            viewers=session.audience.viewers,
            driver=session.audience.driven,
            frame=max(0, session.frame),
            queue_position=session.standing.queue_position,
        )
        for session in gateway.sessions.all
    ]
    return Overview(
        model=ready.model if ready else None,
        capacity=ready.capacity if ready else 0,
        draining=gateway.sessions.draining,
        load=os.getloadavg(),
        cores=os.cpu_count() or 1,
        waiting=gateway.sessions.places.waiting,
        sessions=lines,
    )


@api.get("/invites")
async def invites(gateway: TheGateway) -> list[InviteLine]:
    """All invites, newest first."""
    return [InviteLine(**asdict(line)) for line in await gateway.invites.listed()]


@api.post("/invites", status_code=201)
async def invite(body: NewInvite, gateway: TheGateway) -> InviteMade:
    """A fresh invite."""
    made = await gateway.invites.make(body.uses, body.expires_s, body.note)
    return InviteMade(id=made.id, code=made.code)


@api.delete("/invites/{invite_id}", status_code=204)
async def revoke(invite_id: str, gateway: TheGateway) -> Response:
    """Withdraw an invite; who came by it starts no more worlds."""
    if not await gateway.invites.revoke(invite_id):
        raise Problem("no-such-invite", "It is unknown, or was withdrawn before.")
    return Response(status_code=204)


@api.delete("/sessions/{session_id}", status_code=204)
async def end(session_id: str, gateway: TheGateway) -> Response:
    """End a session; its world is kept."""
    session = gateway.sessions.get(session_id)
    if session is None:
        raise Problem("no-such-session", "It has ended.")
    await gateway.sessions.end(session, "the operator ended it")
    return Response(status_code=204)


router = APIRouter()
router.include_router(page)
router.include_router(api)
