"""Work that nobody waits for: it goes on behind whoever asked for it, and its faults are logged.
Knows nothing of what is done."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class Tasks:
    """What is begun here is kept alive until it is done."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether anything is still being done."""
        return bool(self._running)

    def later(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Begin it as soon as the loop is free."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._running.add(task)
        task.add_done_callback(self._done)

    async def settle(self) -> None:
        """Return when all is done, also what was begun meanwhile."""
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("not done cleanly", exc_info=error)
