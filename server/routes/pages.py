"""The page: index.html at / and /watch, and below /web/ the folders that it consists of.
Serves files as they lie; knows nothing of what they do, and nothing else that lies in web/."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from configs.paths import WEB
from server.gateway import TheGateway

FOLDERS = ("css", "js", "pictures", "docs")  # never the tools of a checkout: node_modules, package.json, ...

router = APIRouter(include_in_schema=False)


def mounts() -> list[Mount]:
    """The page's folders that this checkout has, each at its place below /web/."""
    return [Mount(f"/web/{name}", StaticFiles(directory=WEB / name)) for name in FOLDERS if (WEB / name).is_dir()]


@router.get("/", response_model=None)
@router.get("/watch", response_model=None)
async def index(request: Request, gateway: TheGateway, s: str = "") -> Response:
    """The one page; a share link's token stays in its fragment. `s` names a link whose owner allows a preview."""
    path = WEB / "index.html"
    if not path.is_file():
        raise HTTPException(404, "web/index.html is missing from this checkout")
    if not s or await gateway.shares.previewed(s) is None:
        return FileResponse(path)
    still = f"{str(request.base_url).rstrip('/')}/api/v1/shares/{quote(s)}/still"
    named = {"og:title": "A world in Mundo", "og:type": "website", "og:image": still, "twitter:card": "summary"}
    tags = "".join(f'<meta property="{name}" content="{escape(value)}">' for name, value in named.items())
    return HTMLResponse(path.read_text("utf-8").replace("</head>", f"{tags}</head>", 1))
