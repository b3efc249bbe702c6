"""POST /api/v1/sessions/{id}/offer: an SDP offer in, an SDP answer out; and the end of a connection.
Thin: checking an offer is server.signalling's, the connection server.peers'."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from server.audience import TooManyPeers
from server.gateway import TheEntry, TheGateway, TheVisitor
from server.ice import ice_servers
from server.problems import Problem, responses
from server.session import SessionEnded
from server.signalling import OfferRefused, read_offer

SDP = "application/sdp"

router = APIRouter(prefix="/api/v1", responses=responses(), tags=["connections"])


@router.post(
    "/sessions/{session_id}/offer",
    status_code=201,
    response_class=Response,
    responses={201: {"description": "The SDP answer; Location names the connection", "content": {SDP: {}}}},
    openapi_extra={"requestBody": {"required": True, "content": {SDP: {"schema": {"type": "string"}}}}},
)
async def offer(entry: TheEntry, request: Request, gateway: TheGateway) -> Response:
    """Join the session: media as offered, and the channels `control` and `events`."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != SDP:
        raise Problem("wrong-media-type", f"Expected {SDP}.")
    gateway.rates.take(gateway.settings.rates.offers_a_device, "offers", entry.visitor.device_id)
    try:
        checked = read_offer(await request.body())
        peer, answer = await entry.session.join(entry.visitor.device_id, entry.access, checked)
    except OfferRefused as refused:
        raise Problem(refused.slug, refused.reason) from refused
    except SessionEnded as ended:
        raise Problem("no-such-session", "It has ended.") from ended
    except TooManyPeers as many:
        raise Problem("too-many-peers", f"The session has {many}.", {"Retry-After": "5"}) from many
    location = f"/api/v1/sessions/{entry.session.id}/peers/{peer.id}"
    return Response(answer, 201, {"Location": location}, media_type=SDP)


class Ice(BaseModel):
    """What a browser's RTCPeerConnection is configured with, until when."""

    ice_servers: list[dict[str, Any]]
    expires_s: float


@router.get("/ice")
async def ice(gateway: TheGateway, visitor: TheVisitor) -> Ice:
    """The operator's TURN servers with credentials of an hour or so; none is a list of none."""
    turn = gateway.settings.turn
    return Ice(ice_servers=ice_servers(turn, visitor.device_id, time.time()), expires_s=turn.valid_s)


@router.delete("/sessions/{session_id}/peers/{peer_id}", status_code=204)
async def leave(peer_id: str, entry: TheEntry) -> Response:
    """End a connection of the caller's own."""
    peer = entry.session.peers.get(peer_id)
    if peer is None or peer.device_id != entry.visitor.device_id:
        raise Problem("no-such-peer", "It has ended, or it is not yours.")
    await peer.close()
    return Response(status_code=204)
