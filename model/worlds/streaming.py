"""Clips and films of a seed range from several processes, in the order of their seeds and in bounded memory: a process
draws one while one waits, and goes on when that is taken. Knows processes; refuses to know networks."""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import Queue
from typing import Any

import numpy as np

from model.worlds.clips import draw
from model.worlds.film_files import Arrays, record
from model.worlds.films import FRAMES
from model.worlds.noises import Wave
from model.worlds.painter import Painter
from model.worlds.profiles import profile
from model.worlds.renderer import Renderer
from model.worlds.shots import Frame

CLIPS = "walks"  # the profile that is drawn as clips.py does; every other is drawn as films
LOOK_EVERY_S = 2.0  # whether a process still lives


class DrawingFailed(RuntimeError):
    """A process that drew has ended, or could not draw."""


@dataclass(frozen=True)
class Drawn:
    """A seed's clip, with arrays as clips.draw, or film, with arrays and what is said of them as film_files.record."""

    seed: int
    arrays: Arrays
    said: dict[str, Any]


@dataclass(frozen=True)
class Order:
    """What is to be drawn: a profile's clips or films, these so many frames long, and to which music if not their own.
    Raises UnknownProfile and ValueError."""

    profile: str
    frames: int = FRAMES
    music: Wave | None = None

    def __post_init__(self) -> None:
        profile(self.profile)
        if self.frames <= 0:
            raise ValueError(f"expected a film of one frame at least; got {self.frames}")
        if self.profile == CLIPS and (self.music is not None or self.frames != FRAMES):
            raise ValueError(f"clips of {CLIPS} have their own length and nothing that pulses; got frames or music")


def drawer(order: Order) -> Callable[[int], Drawn]:
    """Draws by seed, with an OpenGL context of its own. Raises NoRenderer."""
    if order.profile == CLIPS:
        renderer = Renderer()
        return lambda seed: Drawn(seed, draw(seed, renderer), {})
    worlds = profile(order.profile)
    painter = Painter(Frame(worlds.width, worlds.height))
    return lambda seed: Drawn(seed, *record(seed, worlds, painter, order.frames, order.music))


def _work(order: Order, seeds: Sequence[int], out: Queue[Drawn | str]) -> None:
    try:
        draws = drawer(order)
        for seed in seeds:
            out.put(draws(seed))
    except Exception as error:
        out.put(f"{type(error).__name__}: {error}")
        raise SystemExit(1) from error


def stream(order: Order, seeds: Sequence[int], processes: int) -> Iterator[Drawn]:
    """Everything that was ordered, by seed. Whoever stops taking ends the processes. Raises DrawingFailed."""
    if processes <= 0:
        raise ValueError(f"expected one process at least; got {processes}")
    os.environ.setdefault("LP_NUM_THREADS", "1")  # llvmpipe: one core each
    spawn = multiprocessing.get_context("spawn")
    waiting: list[Queue[Drawn | str]] = [spawn.Queue(1) for _ in range(min(processes, len(seeds)))]
    with ExitStack() as cleared:
        started = []
        for i, out in enumerate(waiting):
            process = spawn.Process(target=_work, args=(order, seeds[i :: len(waiting)], out), daemon=True)
            process.start()
            cleared.callback(_end, process, out)
            started.append(process)
        for turn, _ in enumerate(seeds):
            yield _next(waiting[turn % len(waiting)], started[turn % len(waiting)])


def _next(out: Queue[Drawn | str], process: SpawnProcess) -> Drawn:
    while True:
        try:
            found = out.get(timeout=LOOK_EVERY_S)
        except queue.Empty:
            if process.is_alive():
                continue
            raise DrawingFailed(f"a drawing process ended with {process.exitcode}") from None
        if isinstance(found, str):
            raise DrawingFailed(found)
        return found


def _end(process: SpawnProcess, out: Queue[Drawn | str]) -> None:
    process.terminate()
    process.join()
    out.close()


def share(work: Callable[[Sequence[int]], None], seeds: range, processes: int) -> None:
    """Has as many processes work on their shares of the seeds, for whoever wants nothing back. Raises SystemExit where
    one fails."""
    os.environ.setdefault("LP_NUM_THREADS", "1")
    spawn = multiprocessing.get_context("spawn")
    started = [spawn.Process(target=work, args=(seeds[i::processes],)) for i in range(processes)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    if any(process.exitcode for process in started):
        raise SystemExit(f"a drawing process ended with {[p.exitcode for p in started]}")


def batches(drawn: Iterator[Drawn], size: int) -> Iterator[tuple[Mapping[str, np.ndarray], list[Drawn]]]:
    """`size` at a time: every array as [size, ...], and what they are of; what is left at the end is left out."""
    if size <= 0:
        raise ValueError(f"expected a batch of one at least; got {size}")
    some: list[Drawn] = []
    for one in drawn:
        some.append(one)
        if len(some) == size:
            yield {name: np.stack([each.arrays[name] for each in some]) for name in some[0].arrays}, some
            some = []
