"""Share links over HTTP: made and withdrawn by who started the session, redeemed by anybody.
Thin: the rules are in server.shares."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from server.gateway import PerhapsVisitor, TheEntry, TheGateway, address_of
from server.problems import CATALOGUE, Problem, responses
from server.roles import Action, Role
from server.routes.cookies import set_device
from server.shares import DEFAULT_VALID_S, MAX_VALID_S, ShareRefused

MAX_TOKEN_CHARS = 1024

router = APIRouter(prefix="/api/v1", responses=responses(), tags=["people"])


class NewShare(BaseModel):
    """Who opens the link becomes a viewer, a suggester or a driver, until it expires."""

    model_config = ConfigDict(extra="forbid")

    role: Role
    expires_s: Annotated[float, Field(gt=0, le=MAX_VALID_S)] = DEFAULT_VALID_S
    preview: bool = False  # whoever has the address may see a still


class ShareMade(BaseModel):
    """The link, its token in the fragment, where no server and no preview sees it."""

    url: str
    id: str


class ShareListed(BaseModel):
    """A link as its owner sees it; its token is not told again. `connected`: people in by it now."""

    id: str
    role: Role
    expires_at: float
    preview: bool
    connected: int


class RedeemShare(BaseModel):
    """The token of a link's fragment."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=MAX_TOKEN_CHARS)


class ShareRedeemed(BaseModel):
    """Where the link leads, and what it allows there."""

    session: str
    role: Role


@router.post("/sessions/{session_id}/shares", status_code=201)
async def make(body: NewShare, entry: TheEntry, request: Request, gateway: TheGateway) -> ShareMade:
    """A new link into the session."""
    entry.must(Action.SHARE)
    gateway.rates.take(gateway.settings.rates.shares_a_device, "shares", entry.visitor.device_id)
    session, device = entry.session.id, entry.visitor.device_id
    made = await gateway.shares.create(session, device, body.role, body.expires_s, body.preview)
    origin = request.headers.get("origin") or str(request.base_url).rstrip("/")
    query = f"?s={made.id}" if body.preview else ""
    return ShareMade(url=f"{origin}/watch{query}#{made.token}", id=made.id)


@router.get("/sessions/{session_id}/shares")
async def listed(entry: TheEntry, gateway: TheGateway) -> list[ShareListed]:
    """The links that let somebody in now."""
    entry.must(Action.SHARE)
    here = Counter(peer.access.share_id for peer in entry.session.audience.connected)
    return [
        ShareListed(
            id=share.id,
            role=Role(share.role),
            expires_at=share.expires_at,
            preview=share.preview,
            connected=here[share.id],
        )
        for share in await gateway.shares.listed(entry.session.id)
    ]


@router.get(
    "/shares/{share_id}/still",
    response_class=Response,
    responses={200: {"description": "The world's last picture", "content": {"image/jpeg": {}}}},
)
async def still(share_id: str, gateway: TheGateway) -> Response:
    """A still of the world behind a link whose owner allows a preview."""
    session_id = await gateway.shares.previewed(share_id)
    session = gateway.sessions.get(session_id) if session_id else None
    picture = await asyncio.to_thread(gateway.worlds.folder(session.world_id).still) if session else None
    if picture is None:
        raise Problem("no-such-share", "There is no picture of it.")
    return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "max-age=60"})


@router.delete("/sessions/{session_id}/shares/{share_id}", status_code=204)
async def withdraw(share_id: str, entry: TheEntry, gateway: TheGateway) -> Response:
    """Withdraw a link, and close whom it let in."""
    entry.must(Action.SHARE)
    if not await gateway.shares.revoke(share_id, entry.session.id):
        raise Problem("no-such-share", "This session has no such link.")
    gateway.sessions.drop_share(entry.session, share_id)
    return Response(status_code=204)


@router.post("/shares/redeem")
async def redeem(
    body: RedeemShare, request: Request, response: Response, gateway: TheGateway, visitor: PerhapsVisitor
) -> ShareRedeemed:
    """Exchange a link's token for a cookie that lets the browser into the session."""
    gateway.rates.take(gateway.settings.rates.share_an_address, "share", address_of(request))
    try:
        device_id, session_id, role = await gateway.shares.redeem(body.token, visitor.device_id if visitor else None)
    except ShareRefused as refused:
        raise Problem(refused.slug, f"{CATALOGUE[refused.slug][1]}; ask for a new one.") from refused
    if gateway.sessions.get(session_id) is None:
        raise Problem("no-such-session", "The session that this link leads to has ended.")
    set_device(request, response, gateway.tokens, device_id)
    return ShareRedeemed(session=session_id, role=role)
