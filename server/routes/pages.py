"""The page: index.html at / and /watch, and below /web/ the folders that it consists of.
Serves files as they lie; knows nothing of what they do, and nothing else that lies in web/."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from configs.paths import WEB

FOLDERS = ("css", "js", "pictures", "docs")  # never the tools of a checkout: node_modules, package.json, ...

router = APIRouter(include_in_schema=False)


def mounts() -> list[Mount]:
    """The page's folders that this checkout has, each at its place below /web/."""
    return [Mount(f"/web/{name}", StaticFiles(directory=WEB / name)) for name in FOLDERS if (WEB / name).is_dir()]


@router.get("/")
@router.get("/watch")
async def index() -> FileResponse:
    """The one page; a share link's token stays in its fragment."""
    path = WEB / "index.html"
    if not path.is_file():
        raise HTTPException(404, "web/index.html is missing from this checkout")
    return FileResponse(path)
