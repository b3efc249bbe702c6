"""How many frames a second this machine draws: `python -m model.worlds.throughput [--processes N] [--json FILE]`.
Knows worlds to draw and a clock; refuses to know what frames are for."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from model.worlds.clips import start
from model.worlds.films import play
from model.worlds.opengl import NoRenderer
from model.worlds.painter import Painter
from model.worlds.policy import hands
from model.worlds.profiles import profile
from model.worlds.renderer import Renderer, View
from model.worlds.shots import Frame
from model.worlds.streaming import CLIPS
from model.worlds.terrain import PLACES, bake
from model.worlds.walker import step
from model.worlds.weather import TIMES, WEATHERS, settled

WORLD_FRAMES = 6  # that are drawn of each world before the next one's turn
CROP = Frame(512, 288, 768, 432, 2048, 1152)  # the middle of a large picture, by its part of the camera's frustum
SIZES = (Frame(256, 144), Frame(512, 288), Frame(2048, 1152), CROP)
Draws = Iterator[Callable[[], object]]


def _clips(frame: Frame) -> Draws:
    """Walks of all places, times and weathers, seen by the clips' renderer."""
    renderer, corner = Renderer(*frame.whole, (frame.width, frame.height)), (frame.left, frame.low)
    for seed in count():
        terrain, rng = bake(PLACES[seed % len(PLACES)], seed), np.random.default_rng([seed, 51])
        renderer.enter(terrain)
        walk, hand = start(terrain, rng), hands(rng)
        sky = asdict(settled(TIMES[seed // 4 % len(TIMES)], WEATHERS[seed % len(WEATHERS)], rng))
        for _ in range(WORLD_FRAMES):
            walk = step(terrain, walk, next(hand))
            yield partial(renderer.draw, View(walk.x, walk.y, walk.z, walk.yaw, walk.pitch, **sky), corner)


def _films(name: str, frame: Frame) -> Draws:
    painter, worlds = Painter(frame), profile(name)
    for seed in count():
        for number, (_, land, moment, _, _) in enumerate(play(seed, worlds, WORLD_FRAMES)):
            if not number:
                painter.enter(land)
            yield partial(painter.paint, moment.shot)


@dataclass(frozen=True)
class Drawn:
    """Frames that a process drew, the seconds that went by and the core-seconds (of all its threads) that it took."""

    frames: int
    spent_s: float
    core_s: float


def drawn(seconds: float, name: str, frame: Frame) -> Drawn:
    """What this process draws and reads back, worlds' making apart. Raises NoRenderer."""
    draws = _clips(frame) if name == CLIPS else _films(name, frame)
    frames, spent_s, core_s = 0, 0.0, 0.0
    while spent_s < seconds:
        draw = next(draws)
        draw()  # programs are compiled when first used: the second time counts
        begun_s, begun_core_s = time.perf_counter(), time.process_time()
        draw()
        spent_s += time.perf_counter() - begun_s
        core_s += time.process_time() - begun_core_s
        frames += 1
    return Drawn(frames, spent_s, core_s)


def rates(seconds: float, processes: int) -> dict[str, float]:
    """By profile and size: frames a second of so many processes together, and the milliseconds of a core that one
    takes, whatever else this machine does."""
    asked = [(name, frame) for name in (CLIPS, "nano", "full") for frame in SIZES]
    found = {}
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for name, frame in asked:
            of = f"_of_{frame.whole[0]}x{frame.whole[1]}" if frame == CROP else ""
            key = f"{name}_{frame.width}x{frame.height}{of}"
            parts = list(pool.map(partial(drawn, seconds, name), [frame] * processes))
            found[key] = sum(part.frames / part.spent_s for part in parts)
            core_ms = 1000 * sum(part.core_s for part in parts) / sum(part.frames for part in parts)
            found[f"{key}_core_ms"] = core_ms
            print(f"{key} {found[key]:.1f} frames/s, {core_ms:.1f} core-ms a frame", flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, draw, tell and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=2, help="with one core each, where a CPU draws")
    parser.add_argument("--seconds", type=float, default=10.0, help="of drawing, a size")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.processes <= 0 or not options.seconds > 0:
        parser.error(f"expected processes and seconds above 0; got {options.processes} and {options.seconds}")
    os.environ.setdefault("LP_NUM_THREADS", "1")
    try:
        found = rates(options.seconds, options.processes)
    except NoRenderer as error:
        sys.exit(str(error))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
