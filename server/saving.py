"""One session's world as bytes, asked of its worker: one question at a time, whoever waits for the answer.
Knows no disk; when a world is saved, and where, is server.keeping's and server.saves'."""

from __future__ import annotations

import asyncio
import time

from engine import messages
from server.lease import Lease
from server.saves import About, NotSaved, Saved

NONE_REFUSED = 2**63


class Saving:
    """The saves of one session. `at` is of the monotonic clock."""

    def __init__(self, lease: Lease) -> None:
        self.at = -1.0  # of the newest save that was asked for
        self.lock = asyncio.Lock()  # who writes to disk
        self.restored_from: int | None = None  # number of the save that the world came from
        self.refused = NONE_REFUSED  # this save and newer ones were refused by a worker
        self._lease = lease
        self._id = 0
        self._answer: asyncio.Future[Saved | NotSaved] | None = None

    async def ask(self, timeout_s: float) -> Saved:
        """The world as it is now. Raises NotSaved."""
        if not self._lease.held:
            raise NotSaved("the world is not there")
        if self._answer is None or self._answer.done():
            self._id += 1
            self._answer = asyncio.get_running_loop().create_future()
            self._lease.send(messages.Save(save_id=self._id))
        self.at = time.monotonic()
        try:
            async with asyncio.timeout(timeout_s):
                said = await asyncio.shield(self._answer)
        except TimeoutError:
            self.fail("the worker did not answer in time")
            raise NotSaved("the worker did not answer in time") from None
        if isinstance(said, NotSaved):
            raise said
        return said

    def answered(self, message: messages.Saved, about: About) -> None:
        """The worker's bytes; those of an older question are none."""
        if message.save_id == self._id:
            self._settle(Saved(about, message.data))

    def fail(self, reason: str) -> None:
        """Whoever waits, waits in vain."""
        self._settle(NotSaved(reason))

    def _settle(self, said: Saved | NotSaved) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(said)
