"""A gateway in the test's own event loop over a painted worker, and browsers made of httpx and aiortc.
Knows the outside face only: HTTP, SDP, the channels."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from fastapi import FastAPI

from server.app import create_app
from server.gateway import Gateway
from server.settings import Settings, load_settings
from tests.server.postgres import Postgres, programs_of_postgres

ORIGIN = "http://mundo.test"
WORKER = Path(__file__).with_name("painted_worker.py")
PATIENCE_S = 15.0


class Connection:
    """What a page does with one RTCPeerConnection."""

    def __init__(self, sound: MediaStreamTrack | None = None, listens: bool = False) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.video = self.pc.addTransceiver("video", direction="recvonly").receiver
        if listens:
            self.sound = self.pc.addTransceiver("audio", direction="recvonly").receiver
        if sound is not None:
            self.pc.addTransceiver(sound, direction="sendonly")
        self.control = self.pc.createDataChannel("control", ordered=False, maxRetransmits=0)
        self.events = self.pc.createDataChannel("events")
        self.heard: list[dict[str, Any]] = []
        self._news = asyncio.Event()
        self._open = [asyncio.Event(), asyncio.Event()]
        self.control.on("open", self._open[0].set)
        self.events.on("open", self._open[1].set)
        self.events.on("message", self._on_message)
        self.location = ""

    def _on_message(self, raw: str) -> None:
        self.heard.append(json.loads(raw))
        self._news.set()

    def steer(self, seq: int, buttons: int = 0, look_x: float = 0.0) -> None:
        self.control.send(json.dumps({"seq": seq, "buttons": buttons, "look_x": look_x, "look_y": 0.0, "t": 1.0}))

    def tell(self, **message: Any) -> None:
        self.events.send(json.dumps(message))

    async def until(self, kind: str, fits: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """The next event of this kind that fits, looking at what was heard already and not yet taken."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for number, message in enumerate(self.heard):
                    if message["type"] == kind and fits(message):
                        del self.heard[: number + 1]
                        return message
                self._news.clear()
                await self._news.wait()

    async def opened(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            for channel_open in self._open:
                await channel_open.wait()

    async def frames(self, count: int) -> list[Any]:
        async with asyncio.timeout(PATIENCE_S):
            return [await self.video.track.recv() for _ in range(count)]


class Browser:
    """One person's browser: a cookie jar, and connections that end with the test."""

    def __init__(self, http: httpx.AsyncClient, gateway: Gateway, stack: AsyncExitStack) -> None:
        self.http, self.gateway, self._stack = http, gateway, stack

    async def invited(self) -> Browser:
        code = await self.gateway.invites.create(1, 60.0)
        assert (await self.http.post("/api/v1/invites/redeem", json={"code": code})).status_code == 204
        return self

    async def start(self, **world: Any) -> str:
        made = await self.http.post("/api/v1/sessions", json=world)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def offer(self, session: str, body: str | bytes) -> httpx.Response:
        headers = {"Content-Type": "application/sdp"}
        return await self.http.post(f"/api/v1/sessions/{session}/offer", content=body, headers=headers)

    async def connect(self, session: str, sound: MediaStreamTrack | None = None, listens: bool = False) -> Connection:
        connection = Connection(sound, listens)
        self._stack.push_async_callback(connection.pc.close)
        await connection.pc.setLocalDescription(await connection.pc.createOffer())
        answered = await self.offer(session, connection.pc.localDescription.sdp)
        assert answered.status_code == 201, answered.text
        connection.location = answered.headers["Location"]
        await connection.pc.setRemoteDescription(RTCSessionDescription(answered.text, "answer"))
        await connection.opened()
        return connection

    async def share(self, session: str, **wish: Any) -> dict[str, Any]:
        made = await self.http.post(f"/api/v1/sessions/{session}/shares", json={"role": "viewer", **wish})
        assert made.status_code == 201, made.text
        return dict(made.json())

    async def until_state(self, session: str, *states: str) -> dict[str, Any]:
        """How the session stands once it is in one of these states."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = await self.http.get(f"/api/v1/sessions/{session}")
                shown = dict(answer.json())
                if shown.get("state") in states or ("ended" in states and answer.status_code == 404):
                    return shown
                await asyncio.sleep(0.03)

    async def open_link(self, url: str) -> httpx.Response:
        return await self.http.post("/api/v1/shares/redeem", json={"token": url.partition("#")[2]})


class Here:
    """The gateway under test, and browsers for it."""

    def __init__(self, app: Any, stack: AsyncExitStack) -> None:
        self._app, self._stack = app, stack
        self.gateway: Gateway = app.state.gateway

    async def listen(self) -> str:
        """Serve on a real port too, for what is no HTTP request; "127.0.0.1:port"."""
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(self._app, lifespan="off", log_config=None, ws_max_size=64 << 10)
        server = Quiet(config)
        serving = asyncio.create_task(server.serve([listening]))

        async def stop() -> None:
            server.should_exit = server.force_exit = True
            await serving

        self._stack.push_async_callback(stop)
        return f"127.0.0.1:{listening.getsockname()[1]}"

    async def browser(self) -> Browser:
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        http = httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN})
        return Browser(await self._stack.enter_async_context(http), self.gateway, self._stack)

    async def invited(self) -> Browser:
        return await (await self.browser()).invited()

    async def ready(self) -> None:
        await self.until(lambda: self.gateway.sessions.ready is not None, "the worker to be ready")

    async def until(self, holds: Callable[[], Any], what: str) -> None:
        """Wait, with patience, for what no message tells."""
        for _ in range(int(PATIENCE_S / 0.02)):
            if holds():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"waited {PATIENCE_S} s for {what}")


class Quiet(uvicorn.Server):
    """Leaves the signals of the test's process alone."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


def settings_in(folder: Path, **changes: Any) -> Settings:
    command = [sys.executable, str(WORKER)]
    worker = {"command": command, "frame_timeout_s": 2.0, "restart_after_s": 0.1}
    worker |= changes.pop("worker", {})
    rates = dict.fromkeys(("redeem_an_address", "redeem_total", "share_an_address", "whep_an_address"), "1000/minute")
    limits = {"heartbeat_s": 30.0} | changes.pop("limits", {})  # these browsers beat no heart
    merged = {"worker": worker, "rates": rates, "limits": limits} | changes
    return load_settings(**{"data_dir": folder} | merged)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Here]:
    app = create_app(settings)
    async with app.router.lifespan_context(app), AsyncExitStack() as stack:
        yield Here(app, stack)


Run = Callable[..., Awaitable[Here]]


@pytest_asyncio.fixture(loop_scope="session")
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    """Starts a gateway with changed settings, its worker ready."""
    async with AsyncExitStack() as stack:

        async def start(**changes: Any) -> Here:
            here = await stack.enter_async_context(running(settings_in(tmp_path, **changes)))
            await here.ready()
            return here

        yield start


@pytest.fixture
def gateways(tmp_path: Path) -> Callable[[], Any]:
    """Runs one gateway after another over the same data."""
    return lambda: running(settings_in(tmp_path))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    pytest.importorskip("asyncpg")
    programs = programs_of_postgres()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    folder = Path("/tmp") / f"mundo-postgres-{os.getpid()}"
    folder.mkdir()
    server = Postgres(programs, folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def usual(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FastAPI]:
    """One gateway as it is usually served, for all tests."""
    app = create_app(settings_in(tmp_path_factory.mktemp("gateway")))
    async with app.router.lifespan_context(app):
        yield app


@pytest_asyncio.fixture(loop_scope="session")
async def here(usual: FastAPI) -> AsyncIterator[Here]:
    """The usual gateway, a worker ready and no session open."""
    async with AsyncExitStack() as stack:
        here = Here(usual, stack)
        await here.ready()
        yield here
    sessions = here.gateway.sessions
    for session in list(sessions._sessions.values()):
        await sessions.end(session, "the test is over")
