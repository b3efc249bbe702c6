"""WHEP players that nobody here wrote, in Chromium, on a page of another site."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Page, async_playwright
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

pytestmark = pytest.mark.asyncio(loop_scope="session")  # one gateway serves them all
PLAYERS = Path(__file__).with_name("players")


def mains() -> dict[str, str]:
    """Where each installed CommonJS package begins, below node_modules."""
    found = {}
    for path in (PLAYERS / "node_modules").glob("**/package.json"):
        about = json.loads(path.read_text("utf-8"))
        main = path.parent / about.get("main", "index.js")
        if main.is_file() and path.parent.name == about.get("name", "").rpartition("/")[2]:
            found[about["name"]] = str(main.relative_to(PLAYERS / "node_modules"))
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Page]:
    """A page on a site of its own."""
    if not (PLAYERS / "node_modules").is_dir():
        pytest.skip("the players are not installed: npm --prefix tests/server/players ci")
    listening = socket.create_server(("127.0.0.1", 0))
    pages = Starlette(routes=[Mount("/", StaticFiles(directory=PLAYERS))])
    server = uvicorn.Server(uvicorn.Config(pages, log_config=None))
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment]
    serving = asyncio.create_task(server.serve([listening]))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium") or "/usr/bin/chromium",
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        page = await browser.new_page()
        await page.goto(f"http://localhost:{listening.getsockname()[1]}/player.html")
        yield page
        await browser.close()
    server.should_exit = True
    await serving


@pytest.mark.parametrize("player", ["eyevinn", "whip_whep"])
async def test_a_foreign_player_plays_by_a_links_token_and_leaves(here: Any, site: Page, player: str) -> None:
    owner = await here.invited()
    session = await owner.start()
    token = (await owner.share(session))["url"].partition("#")[2]
    url = f"http://{await here.listen()}/whep/{session}"
    await site.evaluate("(given) => play(...given)", [player, url, token, mains()])
    async with asyncio.timeout(40):
        assert await site.evaluate("shown(5)") == [480, 270]
    peers = here.gateway.sessions.get(session).peers
    assert len(peers) == 1
    await site.evaluate("leave()")
    async with asyncio.timeout(20):
        while peers:
            await asyncio.sleep(0.05)
