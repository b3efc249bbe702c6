"""The gateway as an ASGI application: middleware, routes and a lifespan around server.gateway.
Knows no rule; holds no global."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from server import problems
from server.gateway import Gateway
from server.middleware import BodyLimit, ExactOrigin, PressedPage, StrictHeaders
from server.pictures import base64_length
from server.placement import Placement
from server.placement.several import Several
from server.routes import admin, health, invites, kept, offers, pages, shares, sockets, whep, worlds
from server.saves import MAX_FILE_BYTES
from server.settings import Settings


def create_app(settings: Settings, placement: Placement | None = None) -> FastAPI:
    """The application over one placement, local workers unless another is given."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        gateway = await Gateway.start(settings, placement or Several(settings.worker))
        app.state.gateway = gateway
        try:
            yield
        finally:
            await gateway.stop()

    app = FastAPI(
        title="Mundo",
        version="1",
        lifespan=lifespan,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its scripts come from another site
        redoc_url=None,
    )
    problems.install(app)
    body = settings.limits.body_bytes
    start = body + base64_length(settings.limits.picture_bytes)
    larger = {kept.IMPORT_PATH: MAX_FILE_BYTES, worlds.SESSIONS_PATH: start}
    app.add_middleware(BodyLimit, limit=body, larger=larger)
    app.add_middleware(ExactOrigin, origins=settings.origins)
    app.add_middleware(PressedPage)
    app.add_middleware(StrictHeaders)
    for part in (invites, worlds, kept, offers, sockets, shares, whep, admin, health, pages):
        app.include_router(part.router)
    app.router.routes.extend(pages.mounts())
    return app
