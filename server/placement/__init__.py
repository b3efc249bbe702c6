"""Where worlds run: one protocol, whoever implements it.
Knows messages; knows neither the people behind a session nor how a worker steps."""

from __future__ import annotations

from typing import Protocol

from engine.messages import Incoming, Outgoing, Ready


class WorkerGone(Exception):
    """There is no worker to take the message just now; a listener is told when there is."""


class Listener(Protocol):
    """Who hears of workers: who gives their places away."""

    def worker_ready(self, ready: Ready) -> None:
        """A worker has loaded its model, and knows no world yet; `ready` as the placement says it."""

    def worker_lost(self, reason: str) -> None:
        """A worker died or hung, and its worlds with it: those that the placement does not hold any more. Another is on
        its way."""

    def worker_said(self, message: Outgoing) -> None:
        """Anything but Ready."""


class Placement(Protocol):
    """Keeps a worker running, or several."""

    @property
    def ready(self) -> Ready | None:
        """What the running workers announced, with the worlds that all of them hold; None while there is none."""

    def holds(self, session_id: str) -> bool:
        """Whether a running worker has the session's world, or was asked for it."""

    async def start(self, listener: Listener) -> None:
        """Begin; returns before the worker is ready."""

    def send(self, message: Incoming) -> None:
        """To the session's worker, without waiting; Open to the one that has most room. Raises WorkerGone."""

    async def stop(self) -> None:
        """End the workers and all that belongs to them."""
