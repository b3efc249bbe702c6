"""The page: index.html at / and /watch, its modules below /web/.
Serves files as they lie; knows nothing of what they do."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

from configs.paths import WEB

router = APIRouter(include_in_schema=False)


@router.get("/")
@router.get("/watch")
async def index() -> FileResponse:
    """The one page; a share link's token stays in its fragment."""
    path = WEB / "index.html"
    if not path.is_file():
        raise HTTPException(404, "web/index.html is missing from this checkout")
    return FileResponse(path)
