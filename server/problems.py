"""Errors as RFC 9457 problem documents, each with a stable type.
Knows nothing of sessions or people: a problem is a slug from the list, and a sentence for a person."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

CATALOGUE = {  # slug: (status, title)
    "invalid-request": (422, "The request is not as described"),
    "body-too-large": (413, "The request is too large"),
    "wrong-media-type": (415, "The media type is not the expected one"),
    "wrong-origin": (403, "The request comes from another site"),
    "too-many-requests": (429, "Too many requests"),
    "sign-in-needed": (401, "An invite or a share link is needed"),
    "not-allowed": (403, "This is not allowed to you"),
    "invite-refused": (403, "The invite is not valid"),
    "share-refused": (403, "The share link is not valid"),
    "share-expired": (410, "The share link has expired"),
    "share-revoked": (410, "The share link was withdrawn"),
    "no-such-session": (404, "There is no such session"),
    "no-such-world": (404, "There is no such world"),
    "no-such-invite": (404, "There is no such invite"),
    "picture-refused": (422, "The picture cannot be used"),
    "no-such-template": (422, "There is no such template"),
    "no-such-share": (404, "There is no such share link"),
    "no-such-peer": (404, "There is no such connection"),
    "no-worker-free": (503, "No worker is free"),
    "not-ready": (503, "The gateway is not ready"),
    "draining": (503, "The gateway is closing"),
    "store-unavailable": (503, "The store does not answer"),
    "not-saved": (503, "The world could not be saved"),
    "world-refused": (422, "The file is no saved world"),
    "too-many-worlds": (409, "Too many worlds are kept"),
    "too-many-suggestions": (429, "Too many suggestions"),
    "operator-token-needed": (401, "The operator's token is needed"),
    "prompt-too-long": (422, "The prompt is too long"),
    "prompt-refused": (422, "What was asked of the world was refused"),
    "malformed-sdp": (400, "The offer is not valid SDP"),
    "offer-refused": (422, "The offer cannot be answered"),
    "too-many-peers": (503, "Too many connections"),
    "http": (500, "The request failed"),
    "internal": (500, "Something went wrong here"),
}


class Problem(Exception):
    """An answer that is an error. `slug` is from CATALOGUE, `detail` is for a person."""

    def __init__(self, slug: str, detail: str, headers: dict[str, str] | None = None) -> None:
        if slug not in CATALOGUE:
            raise ValueError(f"expected a problem of the catalogue, got {slug!r}")
        super().__init__(f"{slug}: {detail}")
        self.slug, self.detail, self.headers = slug, detail, headers or {}
        self.status, self.title = CATALOGUE[slug]

    def document(self) -> dict[str, Any]:
        """The body, as RFC 9457 names its members."""
        return {
            "type": f"urn:mundo:problem:{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }

    def response(self) -> JSONResponse:
        """The whole answer."""
        return JSONResponse(self.document(), self.status, headers=self.headers, media_type=MEDIA_TYPE)


def responses() -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of every call's errors."""
    members = {"type": "string", "title": "string", "status": "integer", "detail": "string"}
    schema = {"type": "object", "properties": {name: {"type": kind} for name, kind in members.items()}}
    return {"default": {"description": "A problem (RFC 9457)", "content": {MEDIA_TYPE: {"schema": schema}}}}


def install(app: FastAPI) -> None:
    """Make `app` answer every failure with a problem."""

    async def on_problem(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return error.response()

    async def on_invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        return Problem("invalid-request", said).response()

    async def on_http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        document = Problem("http", str(error.detail)).document() | {"status": error.status_code}
        return JSONResponse(document, error.status_code, headers=dict(error.headers or {}), media_type=MEDIA_TYPE)

    async def on_store(_: Request, error: Exception) -> JSONResponse:
        log.error("store failed", error=repr(error))
        return Problem("store-unavailable", "Try again in a moment.", {"Retry-After": "3"}).response()

    async def on_failure(_: Request, error: Exception) -> JSONResponse:
        return Problem("internal", "The gateway failed; the log says why.").response()

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    for kind in (SQLAlchemyError, ConnectionError):  # asyncpg's refusals come as they are
        app.add_exception_handler(kind, on_store)
    app.add_exception_handler(Exception, on_failure)
