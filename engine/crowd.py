"""A machine's worlds in several processes, each with networks of its own, since an interpreter's lock holds up its own
worlds only: shared out, and begun together once all are ready. Knows processes and pipes; not what is done in them."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from model import native

T = TypeVar("T")
Begin = Callable[[], None]  # returns once every process has called it
Work = Callable[[range, Begin], T]  # with these worlds; must be known by name in its module, as what it returns must


class PartFailed(Exception):
    """One process could not do its part, or is gone; the message says why. `Work` may raise it."""


def shares(worlds: int, processes: int) -> list[range]:
    """Which of the worlds 0, 1, ... live in each process: as many as in any other, or one more. Raises ValueError."""
    if not 1 <= processes <= worlds:
        raise ValueError(f"expected 1 to {worlds} processes for {worlds} worlds, got {processes}")
    return [range(first, worlds, processes) for first in range(processes)]


def threads_each(processes: int) -> int:
    """Of the kernels, where nobody says how many: the cores that this process may use, shared out."""
    return min(native.MOST_THREADS, max(1, len(os.sched_getaffinity(0)) // processes))


class Member:
    """One process of a crowd, seen from the one that started it."""

    def __init__(self, work: Work[Any], worlds: range) -> None:
        context = get_context("spawn")  # nothing of ours outlives a fork: kernels, threads, a GPU's context
        self.pipe, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=_run, args=(work, worlds, theirs), daemon=True)
        self._process.start()
        theirs.close()  # what is left of it is the process's own: it ends with that

    def begin(self) -> None:
        """Let it go on; that it is gone is heard by who waits for its result."""
        with suppress(ConnectionError):
            self.pipe.send(True)

    def hear(self) -> Any:
        """What it says next, first that it is ready, then what its work came to; waits for that. Raises PartFailed."""
        try:
            said, failure = self.pipe.recv()
        except (EOFError, ConnectionError) as error:
            self._process.join()
            raise PartFailed(f"a process ended with code {self._process.exitcode} before its work") from error
        if failure:
            raise PartFailed(failure)
        return said

    def end(self) -> None:
        """Leaves no process behind, whatever it is at."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


def together(work: Work[T], worlds: int, processes: int) -> list[T]:
    """`work` on every share, each in a process of its own. Raises ValueError and PartFailed."""
    members: list[Member] = []
    try:
        for share in shares(worlds, processes):
            members.append(Member(work, share))
        _heard(members)
        for member in members:
            member.begin()
        return _heard(members)
    finally:
        for member in members:
            member.end()


def _heard(members: list[Member]) -> list[Any]:
    """What each says next, heard as it comes: of one that fails nobody waits to hear. Raises PartFailed."""
    heard: dict[Member, Any] = {}
    while missing := [member for member in members if member not in heard]:
        spoken = wait([member.pipe for member in missing])
        heard |= {member: member.hear() for member in missing if member.pipe in spoken}
    return [heard[member] for member in members]


def _run(work: Work[T], worlds: range, pipe: Connection) -> None:
    def begin() -> None:
        pipe.send((None, ""))
        pipe.recv()

    try:
        pipe.send((work(worlds, begin), ""))
    except PartFailed as error:
        pipe.send((None, str(error)))
