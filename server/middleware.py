"""What holds for every request: headers of the strict kind, the exact origin, the size of a body.
Pure ASGI; knows no route and no person."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.problems import Problem

FREE_ORIGIN = "/whep/"  # players of other sites show a link's token; a cookie counts there for our own page alone
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
TEXTS = (".js", ".css", ".svg")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), display-capture=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class StrictHeaders:
    """Adds HEADERS to every answer, and forbids storing what the API says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store" if scope["path"].startswith("/api/") else "no-cache")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class PressedPage:
    """Compresses the page's own texts: they hold nothing of anybody's, so their length tells nothing either."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._pressing = app, GZipMiddleware(app, minimum_size=500, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        text = scope["type"] == "http" and scope["path"].startswith("/web/") and scope["path"].endswith(TEXTS)
        await (self._pressing if text else self._app)(scope, receive, send)


class ExactOrigin:
    """Refuses a changing request whose Origin is not ours.

    Browsers send Origin with every POST and DELETE, so a request without one is a program's, which carries no
    person's cookie unless it was given it. With `origins` empty, ours is the scheme and host of the request.
    """

    def __init__(self, app: ASGIApp, origins: list[str]) -> None:
        self._app, self._origins = app, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        changes = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        checked = changes and not scope["path"].startswith(FREE_ORIGIN)
        if (checked or scope["type"] == "websocket") and (refusal := wrong_origin(scope, self._origins)):
            if scope["type"] == "websocket":
                return await send({"type": "websocket.close", "code": 4403, "reason": "wrong-origin"})
            return await Problem("wrong-origin", refusal).response()(scope, receive, send)
        await self._app(scope, receive, send)


def wrong_origin(scope: Scope, origins: list[str]) -> str:
    """Why a request of a page does not come from ours; "" if it does, or is a program's."""
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
    expected = frozenset(origins) or {f"{scheme}://{headers.get('host', '')}"}
    if (origin is not None and origin not in expected) or headers.get("sec-fetch-site") == "cross-site":
        return f"Expected {' or '.join(sorted(expected))}, got {(origin or 'another site')[:200]}."
    return ""


class BodyLimit:
    """Refuses a body of more than `limit` bytes, announced or not, before a route sees it; `larger` by path."""

    def __init__(self, app: ASGIApp, limit: int, larger: dict[str, int]) -> None:
        self._app, self._limit, self._larger = app, limit, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            return await self._app(scope, receive, send)
        limit = self._larger.get(scope["path"], self._limit)
        too_large = Problem("body-too-large", f"At most {limit} bytes are read.", {"Connection": "close"})
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > limit:
            return await too_large.response()(scope, receive, send)
        parts, size, more = list[bytes](), 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            parts.append(message.get("body", b""))
            size, more = size + len(parts[-1]), message.get("more_body", False)
            if size > limit:
                return await too_large.response()(scope, receive, send)
        unread: list[Message] = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

        async def replay() -> Message:
            return unread.pop() if unread else await receive()

        await self._app(scope, replay, send)
