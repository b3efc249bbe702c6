"""A process that owns one accelerator: messages and worlds in, packets out, over the gateway's AF_UNIX socket.
Knows nothing of HTTP, peers or people, and outlives any message or world that goes wrong."""

from __future__ import annotations

import engine.openmp  # noqa: F401  before anything that loads torch

# isort: split
import argparse
import asyncio
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from configs.paths import WEIGHTS
from engine.device import CPU
from engine.display import Sight
from engine.doctor import MOST_WORLDS, examine, keep_rates, known_rates, workers_held, worlds_held
from engine.dynamics import STEPS
from engine.enlarging import Enlarger
from engine.inputs import BadInput
from engine.listening import load_listening
from engine.messages import (
    RUNGS,
    Failed,
    Incoming,
    Message,
    Open,
    ProtocolError,
    Ready,
    Refused,
    decode_incoming,
    encode,
    read_body,
    refusal,
)
from engine.models import models_on, place_of
from engine.neighbours import Neighbours
from engine.pacing import PERIOD_S, next_tick
from engine.pictures import read_rgb, world_from
from engine.rungs import rung_named
from engine.session import NotRestored, OpenWorld, Phase, RestoreWorld, Senses, Session, Threads
from engine.sounding import sound_opener
from engine.steppable import Savable
from engine.threads import use_threads
from engine.turns import Turns
from engine.world import Inputs, Models, World
from model import native

WARM_UP_FRAMES = 4
HANG_UP_CHECK_S = 0.1
PATIENCE_S = 1.0  # with a second frame: who waits longer takes a world for hung
T = TypeVar("T")
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Worker:
    """Serves the sessions of one connection until the gateway hangs up."""

    def __init__(
        self,
        streams: Streams,
        open_world: OpenWorld,
        threads: Threads,
        capacity: int,
        restore_world: RestoreWorld | None = None,
        senses: Senses | None = None,
        sight: Sight | None = None,
    ) -> None:
        if capacity < 1:
            raise ValueError(f"a worker's capacity is at least 1 world, not {capacity}")
        self._reader, self._writer = streams
        self._open_world, self._threads, self._capacity = open_world, threads, capacity
        self._restore_world, self._senses, self._sight = restore_world or _restore_none, senses, sight
        self._sessions: dict[str, Session] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._some_live = asyncio.Event()
        self._turns: Turns[Session] = Turns()

    async def run(self) -> None:
        """Read and tick until the stream ends. Raises ProtocolError when its framing is lost."""
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._tick())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in [*tasks, *self._opening]:
                task.cancel()
            await asyncio.gather(*tasks, *self._opening, return_exceptions=True)
            await self._turns.end()
            for session in self._sessions.values():
                session.phase = Phase.ENDED

    def send(self, message: Message) -> None:
        """Put a message on the socket's buffer; a tick waits until the gateway has read enough of it."""
        self._writer.write(encode(message))

    async def _read(self) -> None:
        while True:
            try:
                body = await read_body(self._reader)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            self._take(body)

    def _take(self, body: bytes) -> None:
        try:
            message = decode_incoming(body)
        except ProtocolError as error:
            self.send(Refused(kind="message", reason=str(error)))
            return
        try:
            self._dispatch(message)
        except BadInput as error:
            self.send(refusal(message, str(error)))

    def _dispatch(self, message: Incoming) -> None:
        session = self._sessions.get(message.session)
        if isinstance(message, Open):
            self._open(message, session)
        elif session is None:
            raise BadInput(f"no world of session {message.session!r} is open here")
        elif message.epoch != session.epoch:
            raise BadInput(f"session {message.session!r} is at epoch {session.epoch}, not {message.epoch}")
        else:
            session.take(message)
            self._sweep()

    def _open(self, message: Open, present: Session | None) -> None:
        if present is not None:
            raise BadInput(f"session {message.session!r} is open already, at epoch {present.epoch}")
        if len(self._sessions) >= self._capacity:
            raise BadInput(f"this worker holds {self._capacity} worlds at most")
        session = Session(message, self._threads, self.send, self._senses, self._sight)
        self._sessions[message.session] = session
        task = asyncio.create_task(self._finish_opening(session))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _finish_opening(self, session: Session) -> None:
        await session.open(self._open_world, self._restore_world)
        self._sweep()

    def _sweep(self) -> None:
        """Forget the sessions that ended, and tick while one lives."""
        self._sessions = {name: kept for name, kept in self._sessions.items() if kept.phase is not Phase.ENDED}
        if any(session.phase is Phase.LIVE for session in self._sessions.values()):
            self._some_live.set()
        else:
            self._some_live.clear()

    async def _tick(self) -> None:
        started_s, slot = 0.0, -1
        while True:
            if not self._some_live.is_set():
                await self._some_live.wait()
                started_s, slot = time.monotonic(), -1
            tick = next_tick(started_s, slot, time.monotonic())
            slot = tick.slot
            await asyncio.sleep(tick.wait_s)
            live = [session for session in self._sessions.values() if session.phase is Phase.LIVE]
            await self._turns.take(live, partial(self._tick_one, slot, 1 - tick.wait_s / PERIOD_S))
            try:
                await self._writer.drain()
            except ConnectionError:
                return

    async def _tick_one(self, slot: int, busy: float, session: Session) -> None:
        if session.phase is Phase.LIVE:  # it may have been closed since
            await session.tick(slot, busy)
        self._sweep()


def opener(models: Models) -> OpenWorld:
    """Worlds of one set of networks."""

    def open_world(wish: Open) -> World:
        if wish.picture:
            world = world_from(models, wish.seed, wish.prompt, read_rgb(wish.picture))
        else:
            world = World(models, wish.seed, wish.prompt, wish.template)
        world.patience_s = PATIENCE_S
        return world

    return open_world


def restorer(models: Models) -> RestoreWorld:
    """Worlds out of what they said of themselves, for one set of networks."""

    def restore(data: bytes) -> Savable:
        try:
            return World.restored(models, data)
        except Exception as error:  # the bytes may come from anywhere
            raise NotRestored(f"the saved world cannot be read: {str(error)[:300]}") from error

    return restore


def _restore_none(data: bytes) -> Savable:
    raise NotRestored("this worker restores no worlds")


def load(weights: Path, device: str) -> tuple[Models, OpenWorld]:
    """The networks, warm: a few frames that nobody sees, so that the first person does not wait for lazy set-up."""
    models = models_on(weights, device)
    open_world = opener(models)
    world = open_world(Open(seed=0))
    for _ in range(WARM_UP_FRAMES):
        world.step(Inputs())
    return models, open_world


@dataclass(frozen=True)
class Wanted:
    """How a worker is to serve: from which weights, how many worlds (0: as many as keep up), with which folder of a
    faster-whisper model for better words, at which rung ("": at the highest that the machine holds), and with the
    networks on which device."""

    weights: Path
    capacity: int
    asr: Path | None
    rung: str
    device: str


@dataclass(frozen=True)
class Among:
    """Which of a gateway's workers it is, of how many (0: as many as this machine uses well), and the file by which
    they share the cores, if there is one."""

    number: int = 0
    workers: int = 0
    neighbours: Path | None = None

    def settled(self, weights: Path, device: str) -> int:
        """How many there are; from now on the cores are shared with those that are busy. Raises ValueError."""
        workers = self.workers or workers_held(weights, device)
        if self.neighbours and workers > 1:
            native.beside_others(Neighbours(self.neighbours, self.number, workers).share)
        return workers


def threads_for(wanted: Wanted) -> Threads:
    """Beside networks on the host's cores one thread encodes and hears; where they are elsewhere, each core encodes."""
    sampling = ThreadPoolExecutor(wanted.capacity or MOST_WORLDS, "sampling")
    hearing = ThreadPoolExecutor(1, "hearing")
    if wanted.device == CPU:
        return Threads(sampling, hearing, hearing)
    return Threads(sampling, ThreadPoolExecutor(len(os.sched_getaffinity(0)), "encoding"), hearing)


def look(wanted: Wanted, open_world: OpenWorld) -> Sight:
    """The heads of the upper rungs. Where no rung is named, what the doctor found this machine to hold; where it was
    not seen yet, it is examined now, which takes some ten seconds."""
    weights, device = wanted.weights, wanted.device
    enlarger = Enlarger.load(weights, place_of(device))
    if wanted.rung:
        return Sight(enlarger, fixed=rung_named(wanted.rung))
    rates = known_rates(weights, device)
    if rates is None:
        rates = keep_rates(weights, examine(open_world(Open(seed=0)), enlarger), device)
    return Sight(enlarger, rates)


async def serve(socket: Path, wanted: Wanted, among: Among) -> None:
    """Connect, load, say Ready, serve; return as soon as the gateway hangs up, whatever the threads are at.
    What makes serving impossible is said as Failed, then raised."""
    weights = wanted.weights
    streams = await asyncio.open_unix_connection(str(socket))
    writer = streams[1]
    threads = threads_for(wanted)
    try:
        loading = asyncio.get_running_loop().run_in_executor(threads.sampling, load, weights, wanted.device)
        if not await done_before_hanging_up(loading, streams[0]):
            return
        models, open_world = loading.result()
        looking = asyncio.get_running_loop().run_in_executor(threads.sampling, look, wanted, open_world)
        if not await done_before_hanging_up(looking, streams[0]):
            return
        sight, workers = looking.result(), among.settled(weights, wanted.device)
        capacity = wanted.capacity or worlds_held(weights, wanted.device, among.number, workers)
        first = sight.first
        senses = Senses(sound_opener(weights), load_listening(weights, wanted.asr))
        worker = Worker(streams, open_world, threads, capacity, restorer(models), senses, sight)
        worker.send(
            Ready(
                model=models.name,
                steps=STEPS,
                rung=first.name,
                width=first.crop.width,
                height=first.crop.height,
                bits_per_second=first.bits_per_second,
                capacity=capacity,
                workers=workers,
            )
        )
        await worker.run()
    except Exception as error:
        writer.write(encode(Failed(reason=f"{type(error).__name__}: {error}")))
        raise
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def done_before_hanging_up(work: asyncio.Future[T], reader: asyncio.StreamReader) -> bool:
    """Wait for `work`, or for the end of a stream of which nothing is read meanwhile; whether it was the work."""
    while not work.done():
        if reader.at_eof() or reader.exception() is not None:
            return False
        await asyncio.wait({work}, timeout=HANG_UP_CHECK_S)
    return True


def main(arguments: list[str]) -> None:
    """`python -m engine.worker`: see --help. The gateway ends it by hanging up."""
    parser = argparse.ArgumentParser(prog="python -m engine.worker", description="Step worlds for a gateway.")
    parser.add_argument("--socket", type=Path, required=True, help="the gateway's AF_UNIX socket")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--threads", type=int, default=0, help="torch threads; 0: all cores")
    parser.add_argument("--capacity", type=int, default=0, help="worlds at the same time; 0: as many as keep up")
    parser.add_argument("--asr", type=Path, help="folder of a faster-whisper model, for better words of what is said")
    parser.add_argument("--rung", choices=("", *RUNGS), default="", help="of the ladder; none: what the machine holds")
    parser.add_argument("--device", default=CPU, help="of the large networks and the enlarger: cpu, cuda or cuda:N")
    parser.add_argument("--workers", type=int, default=0, help="of the gateway; 0: as many as this machine uses well")
    parser.add_argument("--number", type=int, default=0, help="of this worker among them, from 0")
    parser.add_argument("--neighbours", type=Path, help="the file by which they share the cores")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the gateway too, which then hangs up
    use_threads(options.threads)
    wanted = Wanted(options.weights, options.capacity, options.asr, options.rung, options.device)
    asyncio.run(serve(options.socket, wanted, Among(options.number, options.workers, options.neighbours)))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # not sys.exit, which waits for the step or the load that a thread is at; there is nothing to save


if __name__ == "__main__":
    main(sys.argv[1:])
