"""Runs the gateway in this process: a listening socket, a fresh invite, the ready file, a clean end.
Knows uvicorn and signals; everything else is the application's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import structlog
import uvicorn

from server.app import create_app
from server.gateway import Gateway
from server.logs import configure_logs
from server.moderation import Moderation
from server.settings import Settings

log = structlog.get_logger(__name__)

INVITE_USES = 100
INVITE_VALID_S = 30 * 24 * 3600.0
CLOSING_S = 3
MAX_SOCKET_MESSAGE_BYTES = 64 << 10


class _Server(uvicorn.Server):
    """uvicorn whose signals end it with exit code 0; a second one ends it at once."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


def serve(settings: Settings, ready_file: Path | None) -> None:
    """Serve until SIGINT or SIGTERM. Raises OSError when the address cannot be had, HookMissing when the hook cannot,
    and SystemExit when the application cannot start, which the log explains."""
    configure_logs(settings.log_level)
    Moderation(settings.moderation)  # fails here and not behind the application's start
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)
    listening = socket.create_server((settings.host, settings.port), family=_family(settings.host), backlog=256)
    asyncio.run(_serve(settings, listening, ready_file))


async def _serve(settings: Settings, listening: socket.socket, ready_file: Path | None) -> None:
    app = create_app(settings)
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="on",
            server_header=False,
            proxy_headers=bool(settings.forwarded_from),
            forwarded_allow_ips=settings.forwarded_from,
            timeout_graceful_shutdown=CLOSING_S,
            ws_max_size=MAX_SOCKET_MESSAGE_BYTES,
            ws_per_message_deflate=False,  # pictures are compressed already
        )
    )
    serving = asyncio.create_task(server.serve([listening]))
    announcing = asyncio.create_task(_announce(app.state, server, _url(settings.host, listening), ready_file))
    try:
        await serving
        if server.lifespan.should_exit:
            raise SystemExit(1)
    finally:
        announcing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await announcing


async def _announce(state: object, server: uvicorn.Server, url: str, ready_file: Path | None) -> None:
    while not server.started:
        if server.should_exit:
            return
        await asyncio.sleep(0.02)
    gateway = state.gateway  # type: ignore[attr-defined]
    assert isinstance(gateway, Gateway)
    await gateway.sessions.places.became_ready.wait()
    if gateway.settings.open:
        if ready_file is not None:
            write_whole(ready_file, json.dumps({"url": url, "invite": None}))
        return print(f"\nMundo is ready: {url}\nWhoever reaches it may start worlds (open = true).\n", flush=True)
    invite = await gateway.invites.create(INVITE_USES, INVITE_VALID_S)
    if ready_file is not None:
        write_whole(ready_file, json.dumps({"url": url, "invite": invite}))
    print(f"\nMundo is ready: {url}/#invite={invite}\nInvite: {invite}\n", flush=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file that is never seen half written, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _url(host: str, listening: socket.socket) -> str:
    """Where a browser on this machine finds us."""
    port = listening.getsockname()[1]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{reachable}:{port}"
