"""A worker as a child process of the gateway, over a Unix socket; started again whenever it dies or hangs.
Knows the child's life and its messages; never what they mean to people."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog

from configs.paths import ROOT
from engine.messages import VERSION, Incoming, Outgoing, ProtocolError, Ready, decode_outgoing, encode, read_body
from server.placement import Listener, WorkerGone
from server.placement.folder import Folder
from server.placement.watch import Watch
from server.settings import WorkerSettings

log = structlog.get_logger(__name__)

LONGEST_WAIT_S = 10.0
LONG_LIFE_S = 30.0
GRACE_S = 3.0
CHECK_EVERY_S = 0.25
MAX_UNSENT_BYTES = 4 << 20
TETHER = Path(__file__).with_name("tether.py")

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class WorkerLost(Exception):
    """One worker's life is over; the text says why."""


class LocalPlacement:
    """Placement by one child process. `arguments`: what it is told besides the settings."""

    def __init__(self, settings: WorkerSettings, arguments: Sequence[str] = ()) -> None:
        self._settings = settings
        self._command = [*(settings.command or [sys.executable, "-m", "engine.worker"])]
        if settings.threads:
            self._command += ["--threads", str(settings.threads)]
        if settings.device != "cpu":
            self._command += ["--device", settings.device]
        if settings.asr:
            self._command += ["--asr", settings.asr]
        if settings.rung:
            self._command += ["--rung", settings.rung]
        self._command += arguments
        self._ready: Ready | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._watch = self._new_watch()
        self._keeper: asyncio.Task[None] | None = None
        self._folder: Folder | None = None

    @property
    def ready(self) -> Ready | None:
        return self._ready

    @property
    def room(self) -> int:
        """How many worlds more the worker holds; 0 while there is none."""
        return self._ready.capacity - len(self._watch) if self._ready else 0

    def holds(self, session_id: str) -> bool:
        return self._ready is not None and session_id in self._watch

    async def start(self, listener: Listener) -> None:
        if self._keeper is not None:
            raise RuntimeError("expected a placement that was not started, got one that was")
        self._folder = Folder()  # nobody else may connect
        self._keeper = asyncio.create_task(self._keep(listener, self._folder.path))

    def send(self, message: Incoming) -> None:
        if self._ready is None or self._writer is None:
            raise WorkerGone("no worker is ready")
        if self._writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            raise WorkerGone(f"the worker has not read {MAX_UNSENT_BYTES} bytes")
        self._writer.write(encode(message))
        self._watch.sent(message, time.monotonic())

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    async def _keep(self, listener: Listener, folder: Path) -> None:
        wait_s, life = self._settings.restart_after_s, 0
        while True:
            life, began = life + 1, time.monotonic()
            try:
                await self._live(listener, folder / f"worker-{life}.sock")
            except WorkerLost as lost:
                log.error("worker lost", reason=str(lost), life=life)
                listener.worker_lost(str(lost))
            fared_well = time.monotonic() - began > LONG_LIFE_S
            wait_s = self._settings.restart_after_s if fared_well else min(2 * wait_s, LONGEST_WAIT_S)
            await asyncio.sleep(wait_s)

    async def _live(self, listener: Listener, path: Path) -> None:
        """From start to end of one child. Raises WorkerLost; leaves no process behind, whatever happens."""
        connected: asyncio.Future[Streams] = asyncio.get_running_loop().create_future()

        def on_connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if connected.done():
                writer.close()
            else:
                connected.set_result((reader, writer))

        listening = await asyncio.start_unix_server(on_connect, path)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-IS", str(TETHER), str(os.getpid())),  # it dies with us, whatever it is at
            *self._command,
            "--socket",
            str(path),
            cwd=ROOT,
            env={"OMP_WAIT_POLICY": "PASSIVE", **os.environ},  # spinning threads would starve encoder and gateway
            stdin=asyncio.subprocess.DEVNULL,
            stdout=2,  # our standard output is for the address and the invite
            start_new_session=True,  # Ctrl-C is the gateway's to handle
        )
        hung_up = False
        log.info("worker started", pid=process.pid)
        try:
            async with asyncio.timeout(self._settings.ready_timeout_s):
                await self._first(process, connected)
                reader, self._writer = connected.result()
                self._watch = self._new_watch()
                self._ready = await self._greet(reader)
            log.info("worker ready", pid=process.pid, model=self._ready.model, capacity=self._ready.capacity)
            listener.worker_ready(self._ready)
            await self._serve(reader, listener)
        except asyncio.CancelledError:
            hung_up = connected.done()  # one that has not come yet would not notice
            raise
        except TimeoutError as error:
            raise WorkerLost(f"not ready after {self._settings.ready_timeout_s:g} s") from error
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerLost("the worker ended its connection") from error
        except ProtocolError as error:
            raise WorkerLost(str(error)) from error
        finally:
            self._ready = None
            listening.close()
            if not connected.cancel():  # who connects from now on is hung up on, as is who came while we were ending
                connected.result()[1].close()
            self._writer = None
            await asyncio.shield(_end(process, hung_up))
            path.unlink(missing_ok=True)

    @staticmethod
    async def _first(process: asyncio.subprocess.Process, connected: asyncio.Future[Streams]) -> None:
        exited = asyncio.create_task(process.wait())
        try:
            waiting: set[asyncio.Future[Any]] = {exited, connected}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not connected.done():
                raise WorkerLost(f"the worker ended with code {exited.result()} before it connected")
        finally:
            exited.cancel()

    @staticmethod
    async def _greet(reader: asyncio.StreamReader) -> Ready:
        ready = decode_outgoing(await read_body(reader))
        if not isinstance(ready, Ready) or ready.version != VERSION:
            raise WorkerLost(f"expected Ready of version {VERSION}, got {ready}")
        return ready

    async def _serve(self, reader: asyncio.StreamReader, listener: Listener) -> None:
        tasks = {asyncio.create_task(self._read(reader, listener)), asyncio.create_task(self._check())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()

    async def _read(self, reader: asyncio.StreamReader, listener: Listener) -> None:
        while True:
            message: Outgoing = decode_outgoing(await read_body(reader))
            self._watch.received(message, time.monotonic())
            try:
                listener.worker_said(message)
            except Exception:  # one session's fault must not end all others' worker
                log.exception("message not handled", kind=type(message).__name__, session=message.session)
            await asyncio.sleep(0)  # after a stall many wait in the buffer: each peer takes a frame before the next one

    async def _check(self) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(CHECK_EVERY_S)
            self._watch.excuse(max(0.0, time.monotonic() - began - CHECK_EVERY_S))
            if reason := self._watch.overdue(time.monotonic()):
                raise WorkerLost(reason)

    def _new_watch(self) -> Watch:
        return Watch(self._settings.open_timeout_s, self._settings.frame_timeout_s)


async def _end(process: asyncio.subprocess.Process, hung_up: bool) -> None:
    """See a process to its end. One that we hung up on goes by itself; any other, or one that stays, is killed."""
    steps = [lambda: None, process.kill] if hung_up else [process.kill]
    for step in steps:
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            step()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE_S)
