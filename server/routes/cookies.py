"""The one cookie that the gateway sets.
Knows how it is kept from scripts and other sites; not what it is good for."""

from __future__ import annotations

from fastapi import Request, Response

from server.tokens import COOKIE, COOKIE_DAYS, Tokens


def set_device(request: Request, response: Response, tokens: Tokens, device_id: str) -> None:
    """Give the browser its device's cookie: HttpOnly, SameSite, and Secure where the page came by HTTPS."""
    response.set_cookie(
        COOKIE,
        tokens.sign_device(device_id),
        max_age=COOKIE_DAYS * 86_400,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
