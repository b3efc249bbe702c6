"""Whose turn it is: the sessions of a worker tick together, and nobody waits for one that is just beginning.
Knows tasks; nothing of worlds and clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Generic, TypeVar

BEGINNING = 1  # tick that takes as long as many: a first frame has many steps
S = TypeVar("S")


class Turns(Generic[S]):
    """The ticks of sessions that are under way."""

    def __init__(self) -> None:
        self._under_way: dict[S, asyncio.Task[None]] = {}
        self._taken: dict[S, int] = {}

    async def take(self, sessions: Sequence[S], tick: Callable[[S], Coroutine[None, None, None]]) -> None:
        """A tick of each that is not still at an earlier one; returns when those are done that are not beginning.
        Raises what a tick raised."""
        self._taken = {session: self._taken.get(session, 0) for session in sessions}
        for session in sessions:
            if session not in self._under_way:
                self._under_way[session] = asyncio.create_task(tick(session))
                self._taken[session] += 1
        waited = [task for session, task in self._under_way.items() if self._taken.get(session, 0) > BEGINNING]
        if waited:
            await asyncio.wait(waited)
        else:
            await asyncio.sleep(0)
        for session, task in list(self._under_way.items()):
            if task.done():
                del self._under_way[session]
                task.result()

    async def end(self) -> None:
        """Cancel what is under way."""
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
