"""POST /api/v1/invites/redeem, and who the caller is.
Thin: the rules are in server.invites."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.gateway import PerhapsVisitor, TheGateway, address_of
from server.invites import MAX_CODE_CHARS, InviteRefused
from server.problems import Problem, responses
from server.routes.cookies import set_device

router = APIRouter(prefix="/api/v1", responses=responses(), tags=["people"])


class Redeem(BaseModel):
    """An invite's code, as written or read aloud."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(max_length=MAX_CODE_CHARS)


class Me(BaseModel):
    """Who the caller is: whether it may start worlds, and the session that it has started. `open`: anybody may."""

    may_start: bool
    session: str | None
    open: bool


@router.post("/invites/redeem", status_code=204)
async def redeem(body: Redeem, request: Request, gateway: TheGateway, visitor: PerhapsVisitor) -> Response:
    """Exchange an invite for a cookie. Unknown, expired and used up get the same answer."""
    rates = gateway.settings.rates
    gateway.rates.take(rates.redeem_an_address, "redeem", address_of(request))
    gateway.rates.take(rates.redeem_total, "redeem")
    try:
        starter = await gateway.invites.redeem(body.code, visitor.device_id if visitor else None)
    except InviteRefused as error:
        raise Problem("invite-refused", "It is unknown, expired or used up.") from error
    response = Response(status_code=204)
    set_device(request, response, gateway.tokens, starter.device_id)
    return response


@router.get("/me")
async def me(gateway: TheGateway, visitor: PerhapsVisitor) -> Me:
    """What the cookie is good for; without one, nothing."""
    session = gateway.sessions.of_owner(visitor.device_id) if visitor else None
    anybody = gateway.settings.open
    may_start = anybody or (visitor is not None and visitor.may_start)
    return Me(may_start=may_start, session=session.id if session else None, open=anybody)
