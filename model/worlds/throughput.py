"""How many frames a second this machine draws: `python -m model.worlds.throughput [--processes N] [--only NAME,NAME]
[--json FILE]`. Knows worlds to draw and a clock; refuses to know what frames are for."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain, cycle
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier

import numpy as np

from model.worlds.clips import start
from model.worlds.films import play
from model.worlds.opengl import NoRenderer
from model.worlds.painter import Painter
from model.worlds.passes import way
from model.worlds.policy import hands
from model.worlds.profiles import profile
from model.worlds.renderer import Renderer, View
from model.worlds.shots import Frame
from model.worlds.streaming import CLIPS
from model.worlds.terrain import PLACES, bake
from model.worlds.walker import step
from model.worlds.weather import TIMES, WEATHERS, settled

WORLDS, WORLD_FRAMES = 6, 4  # which each process draws over and over
TURNS = 8  # through a world's frames before the next one is entered: as many frames a world as a clip has
CROP = Frame(512, 288, 768, 432, 2048, 1152)  # the middle of a large picture, by its part of the camera's frustum
SIZES = (Frame(256, 144), Frame(512, 288), Frame(2048, 1152), CROP)
LONGEST_S = 600.0  # that one process waits for the others to have made their worlds
World = Callable[[int], Iterator[object]]  # enters a world and draws its frames, in so many turns


@dataclass(frozen=True)
class Machine:
    """What draws: the driver's name for it, and the way of model/worlds/passes.py."""

    renderer: str
    way: str


def _clips(frame: Frame, first: int) -> tuple[Machine, list[World]]:
    """Walks of all places, times and weathers, seen by the clips' renderer."""
    renderer, corner = Renderer(*frame.whole, (frame.width, frame.height)), (frame.left, frame.low)

    def made(seed: int) -> World:
        terrain, rng = bake(PLACES[seed % len(PLACES)], seed), np.random.default_rng([seed, 51])
        walk, hand, views = start(terrain, rng), hands(rng), []
        sky = asdict(settled(TIMES[seed // 4 % len(TIMES)], WEATHERS[seed % len(WEATHERS)], rng))
        for _ in range(WORLD_FRAMES):
            walk = step(terrain, walk, next(hand))
            views.append(View(walk.x, walk.y, walk.z, walk.yaw, walk.pitch, **sky))

        def draw(turns: int) -> Iterator[object]:
            renderer.enter(terrain)
            return renderer.draw_each(views * turns, corner)

        return draw

    with renderer.gl:
        machine = Machine(str(renderer.gl.info["GL_RENDERER"]), way(renderer.gl))
    return machine, [made(first + number) for number in range(WORLDS)]


def _films(name: str, frame: Frame, first: int) -> tuple[Machine, list[World]]:
    painter, worlds = Painter(frame), profile(name)

    def made(seed: int) -> World:
        played = list(play(seed, worlds, WORLD_FRAMES))
        land, shots = played[0][1], [moment.shot for _, _, moment, _, _ in played]

        def draw(turns: int) -> Iterator[object]:
            painter.enter(land)
            return painter.paint_each(shots * turns)

        return draw

    with painter.gl:
        machine = Machine(str(painter.gl.info["GL_RENDERER"]), way(painter.gl))
    return machine, [made(first + number) for number in range(WORLDS)]


@dataclass(frozen=True)
class Drawn:
    """Frames that a process drew, the seconds that went by and the core-seconds (of all its threads) that it took."""

    frames: int
    spent_s: float
    core_s: float
    machine: Machine


def drawn(seconds: float, asked: tuple[str, Frame], begin: Barrier, number: int) -> Drawn:
    """What this process, one of several by number, draws and reads back for so long, together with the others: worlds
    are entered in that time, but made before. Raises NoRenderer."""
    name, frame = asked
    try:
        first = number * WORLDS
        machine, worlds = _clips(frame, first) if name == CLIPS else _films(name, frame, first)
        for world in worlds:
            for _ in world(1):  # programs are compiled when first used
                pass
    except BaseException:
        begin.abort()
        raise
    begin.wait(LONGEST_S)
    begun_s, begun_core_s, frames = time.perf_counter(), time.process_time(), 0
    for _ in chain.from_iterable(world(TURNS) for world in cycle(worlds)):
        frames += 1
        if time.perf_counter() - begun_s >= seconds:
            break
    return Drawn(frames, time.perf_counter() - begun_s, time.process_time() - begun_core_s, machine)


def key_of(name: str, frame: Frame) -> str:
    """What a profile's pictures of a size are called."""
    of = f"_of_{frame.whole[0]}x{frame.whole[1]}" if frame == CROP else ""
    return f"{name}_{frame.width}x{frame.height}{of}"


def everything() -> dict[str, tuple[str, Frame]]:
    """What can be measured: profiles and sizes by key."""
    return {key_of(name, frame): (name, frame) for name in (CLIPS, "nano", "full") for frame in SIZES}


def rates(seconds: float, processes: int, keys: Iterable[str]) -> dict[str, float | str]:
    """By key: frames a second of so many processes together, and the milliseconds of a core that one takes, whatever
    else this machine does; and what drew."""
    found: dict[str, float | str] = {}
    spawn = get_context("spawn")
    with spawn.Manager() as manager, ProcessPoolExecutor(processes, spawn) as pool:
        for key in keys:
            begin = manager.Barrier(processes)
            work = partial(drawn, seconds, everything()[key], begin)
            futures = [pool.submit(work, number) for number in range(processes)]
            failures = [error for error in (future.exception() for future in futures) if error]
            if failures:
                raise next((e for e in failures if isinstance(e, NoRenderer)), failures[0])
            parts = [future.result() for future in futures]
            found |= asdict(parts[0].machine)
            rate = sum(part.frames / part.spent_s for part in parts)
            core_ms = 1000 * sum(part.core_s for part in parts) / sum(part.frames for part in parts)
            found |= {key: rate, f"{key}_core_ms": core_ms}
            print(f"{key} {rate:.1f} frames/s, {core_ms:.2f} core-ms a frame", flush=True)
    print(f"by {found['renderer']}, {found['way']}, {processes} processes")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, draw, tell and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2, help="with one core each, where a CPU draws")
    parser.add_argument("--seconds", type=float, default=10.0, help="of drawing, a size")
    parser.add_argument("--only", help=f"of {', '.join(everything())}")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.processes <= 0 or not options.seconds > 0:
        parser.error(f"expected processes and seconds above 0; got {options.processes} and {options.seconds}")
    keys = options.only.split(",") if options.only else list(everything())
    if unknown := [key for key in keys if key not in everything()]:
        parser.error(f"expected some of {', '.join(everything())}; got {', '.join(unknown)}")
    os.environ.setdefault("LP_NUM_THREADS", "1")
    try:
        found = rates(options.seconds, options.processes, keys)
    except NoRenderer as error:
        sys.exit(str(error))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
