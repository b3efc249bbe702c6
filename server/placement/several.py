"""Several workers as one placement: a session's world is in one of them, and lives and dies with that one alone.
Knows which worker holds whose world; what a worker's life is, server.placement.local knows."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import msgspec

from engine.messages import BUSY_BYTES, MOST_WORKERS, Incoming, Open, Outgoing, Ready
from server.placement import Listener, WorkerGone
from server.placement.folder import Folder
from server.placement.local import LocalPlacement
from server.settings import WorkerSettings


class Several:
    """Placement by as many child processes as the settings say, or as the first of them says that this machine uses
    well; the Listener of each."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._workers: list[LocalPlacement] = []  # those that were started
        self._listener: Listener | None = None
        self._folder: Folder | None = None
        self._starting: asyncio.Task[None] | None = None
        self._one_ready = asyncio.Event()

    @property
    def ready(self) -> Ready | None:
        said = [worker.ready for worker in self._workers if worker.ready is not None]
        return msgspec.structs.replace(said[0], capacity=sum(each.capacity for each in said)) if said else None

    def holds(self, session_id: str) -> bool:
        return any(worker.holds(session_id) for worker in self._workers)

    async def start(self, listener: Listener) -> None:
        if self._starting is not None:
            raise RuntimeError("expected a placement that was not started, got one that was")
        self._listener = listener
        self._folder = Folder()
        busy = self._folder.path / "busy"  # where the workers tell each other that they are
        busy.write_bytes(bytes(BUSY_BYTES * MOST_WORKERS))
        self._starting = asyncio.create_task(self._start_in_turn(busy))

    def send(self, message: Incoming) -> None:
        if isinstance(message, Open):
            worker = max(self._workers, key=lambda each: each.room, default=None)
            if worker is None or worker.room < 1:
                raise WorkerGone("no worker has room")
        else:
            worker = next((each for each in self._workers if each.holds(message.session)), None)
            if worker is None:
                raise WorkerGone("no worker has a world of this session")
        worker.send(message)

    async def stop(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._starting
            self._starting = None
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    async def _start_in_turn(self, busy: Path) -> None:
        """Each once those before it are ready: the first is there soonest, what it finds out of the machine the others
        know, and of worlds that live already only one that loads takes time."""
        count = self._settings.processes
        while not self._workers or len(self._workers) < min(count, MOST_WORKERS):
            told = {"--workers": count, "--number": len(self._workers), "--neighbours": busy}
            worker = LocalPlacement(self._settings, [str(part) for pair in told.items() for part in pair])
            self._workers.append(worker)
            await worker.start(self)
            while any(each.ready is None for each in self._workers):
                self._one_ready.clear()
                await self._one_ready.wait()
            assert worker.ready is not None
            count = count or worker.ready.workers

    # --- what the workers say --------------------------------------------------------------------------

    def worker_ready(self, ready: Ready) -> None:
        self._one_ready.set()
        together = self.ready
        assert self._listener is not None and together is not None
        self._listener.worker_ready(together)

    def worker_lost(self, reason: str) -> None:
        assert self._listener is not None
        self._listener.worker_lost(reason)

    def worker_said(self, message: Outgoing) -> None:
        assert self._listener is not None
        self._listener.worker_said(message)
