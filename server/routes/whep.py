"""WHEP (draft-ietf-wish-whep): the picture of a session for any standard player, under a share link's permission.
Thin: checking an offer is server.signalling's, the connection server.rtc_peer's."""

from __future__ import annotations

import dataclasses
import secrets
import time

from fastapi import APIRouter, Request, Response

from server.audience import TooManyPeers
from server.gateway import Gateway, TheGateway, address_of, entry_of, visitor_if_any, visitor_of
from server.ice import ice_servers
from server.middleware import wrong_origin
from server.problems import CATALOGUE, Problem, responses
from server.roles import Role
from server.session import Session, SessionEnded
from server.shares import Access, ShareRefused
from server.signalling import OfferRefused, read_offer

SDP = "application/sdp"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type, if-match",
    "Access-Control-Expose-Headers": "Location, Link, WWW-Authenticate",
    "Access-Control-Max-Age": "3600",
}

router = APIRouter(responses=responses(), tags=["whep"])


@router.options("/whep/{session_id}", include_in_schema=False)
@router.options("/whep/{session_id}/{resource}", include_in_schema=False)
async def preflight() -> Response:
    """A player on another site asks whether it may."""
    return Response(status_code=204, headers=CORS | {"Accept-Post": SDP})


@router.post(
    "/whep/{session_id}",
    status_code=201,
    response_class=Response,
    responses={201: {"description": "The SDP answer; Location ends it", "content": {SDP: {}}}},
    openapi_extra={"requestBody": {"required": True, "content": {SDP: {"schema": {"type": "string"}}}}},
)
async def play(session_id: str, request: Request, gateway: TheGateway, access_token: str = "") -> Response:
    """Watch the session: one video section, no channels needed."""
    try:
        return await _play(session_id, request, gateway, access_token)
    except Problem as problem:
        problem.headers |= CORS
        if problem.status == 401:
            problem.headers["WWW-Authenticate"] = 'Bearer realm="mundo"'
        raise


async def _play(session_id: str, request: Request, gateway: Gateway, token: str) -> Response:
    gateway.rates.take(gateway.settings.rates.whep_an_address, "whep", address_of(request))
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != SDP:
        raise Problem("wrong-media-type", f"Expected {SDP}.")
    session, device_id, access = await _admit(session_id, request, gateway, token or _bearer(request))
    try:
        offer = read_offer(await request.body(), talks=False)
        watching = dataclasses.replace(access, role=Role.VIEWER, owner=False)
        peer, answer = await session.join(device_id, watching, offer)
    except OfferRefused as refused:
        raise Problem(refused.slug, refused.reason) from refused
    except SessionEnded as ended:
        raise Problem("no-such-session", "It has ended.") from ended
    except TooManyPeers as many:
        raise Problem("too-many-peers", f"The session has {many}.", {"Retry-After": "5"}) from many
    response = Response(answer, 201, CORS | {"Location": f"/whep/{session.id}/{peer.resource}"}, media_type=SDP)
    for server in ice_servers(gateway.settings.turn, device_id, time.time()):
        for url in server["urls"]:
            secret = f'username="{server["username"]}"; credential="{server["credential"]}"; credential-type="password"'
            response.headers.append("Link", f'<{url}>; rel="ice-server"; {secret}')
    return response


@router.delete("/whep/{session_id}/{resource}")
async def stop(session_id: str, resource: str, gateway: TheGateway) -> Response:
    """End what a POST began; its Location is the permission."""
    session = gateway.sessions.get(session_id)
    peer = session.player(resource) if session else None
    if peer is None:
        raise Problem("no-such-peer", "It has ended.", CORS)
    await peer.close()
    return Response(status_code=200, headers=CORS)


async def _admit(session_id: str, request: Request, gateway: Gateway, token: str) -> tuple[Session, str, Access]:
    if not token:
        if refusal := wrong_origin(request.scope, gateway.settings.origins):
            raise Problem("wrong-origin", f"{refusal} Players of other sites need a link's token.")
        visitor = await visitor_of(await visitor_if_any(request, gateway))
        entry = await entry_of(session_id, visitor, gateway)
        return entry.session, visitor.device_id, entry.access
    try:
        access = await gateway.shares.bearer(token, session_id)
    except ShareRefused as refused:
        raise Problem(refused.slug, f"{CATALOGUE[refused.slug][1]}.") from refused
    session = gateway.sessions.get(session_id)
    if session is None:
        raise Problem("no-such-session", "It has ended.")
    return session, f"player-{secrets.token_hex(8)}", access


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
