"""GET /api/v1/sessions/{id}/socket: the session over a WebSocket, where UDP is blocked.
Thin: what is said on it is server.socket_peer's."""

from __future__ import annotations

from fastapi import APIRouter, WebSocket

from server.audience import TooManyPeers
from server.gateway import TheGateway, entry_of, visitor_if_any
from server.problems import Problem
from server.session import SessionEnded
from server.socket_peer import SUBPROTOCOL

CODES = {"sign-in-needed": 4401, "no-such-session": 4404, "too-many-requests": 4429, "too-many-peers": 4429}

router = APIRouter(prefix="/api/v1")


@router.websocket("/sessions/{session_id}/socket")
async def socket(socket: WebSocket, session_id: str, gateway: TheGateway) -> None:
    """Join the session: packets and messages on one connection. A refusal closes with a code of CODES."""
    spoken = SUBPROTOCOL if SUBPROTOCOL in socket.scope.get("subprotocols", []) else None
    await socket.accept(subprotocol=spoken)
    try:
        visitor = await visitor_if_any(socket, gateway)
        if visitor is None:
            raise Problem("sign-in-needed", "Redeem an invite or open a share link first.")
        gateway.rates.take(gateway.settings.rates.offers_a_device, "offers", visitor.device_id)
        entry = await entry_of(session_id, visitor, gateway)
        peer = entry.session.join_socket(visitor.device_id, entry.access)
    except Problem as problem:
        return await socket.close(CODES.get(problem.slug, 1011), problem.slug)
    except SessionEnded:
        return await socket.close(CODES["no-such-session"], "no-such-session")
    except TooManyPeers:
        return await socket.close(CODES["too-many-peers"], "too-many-peers")
    await peer.run(socket, gateway.sessions.ready)
