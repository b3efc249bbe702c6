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
        """A worker has loaded its model. It knows no world yet."""

    def worker_lost(self, reason: str) -> None:
        """The worker died or hung, and its worlds with it. Another is on its way."""

    def worker_said(self, message: Outgoing) -> None:
        """Anything but Ready."""


class Placement(Protocol):
    """Keeps a worker running."""

    @property
    def ready(self) -> Ready | None:
        """What the running worker announced; None while there is none."""

    async def start(self, listener: Listener) -> None:
        """Begin; returns before the worker is ready."""

    def send(self, message: Incoming) -> None:
        """To the worker, without waiting. Raises WorkerGone."""

    async def stop(self) -> None:
        """End the worker and all that belongs to it."""
