"""Short-lived TURN credentials, as coturn's `use-auth-secret` checks them (draft-uberti-behave-turn-rest).
Knows the operator's servers; keeps no account."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from server.settings import TurnSettings


def ice_servers(turn: TurnSettings, device_id: str, now: float) -> list[dict[str, Any]]:
    """RTCIceServer dictionaries for one device; none without configured addresses."""
    if not turn.urls:
        return []
    username = f"{int(now + turn.valid_s)}:{device_id}"
    digest = hmac.new(turn.secret.encode(), username.encode(), hashlib.sha1).digest()
    return [{"urls": turn.urls, "username": username, "credential": base64.b64encode(digest).decode()}]
