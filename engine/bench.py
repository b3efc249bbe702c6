"""How fast this machine samples: `mundo bench`, its command line and its report.
Knows no socket; how frames are timed is engine.spans', worlds in several processes are engine.crowd's."""

from __future__ import annotations

import engine.openmp  # noqa: F401  before anything that loads torch

# isort: split
import argparse
import cProfile
import json
import math
import os
import pstats
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from configs.paths import WEIGHTS
from engine.crowd import PartFailed, threads_each, together
from engine.device import CPU, HERE, NoDevice, Place, place_named
from engine.display import Sight
from engine.dynamics import STEPS
from engine.enlarging import Enlarger
from engine.limits import achieved, limits
from engine.limits import table as limits_table
from engine.messages import FRAME_RATE, RUNGS
from engine.models import models_on, place_of
from engine.rungs import LOWEST, Rung, rung_named
from engine.spans import WARM_UP_FRAMES, Span, joined, measure, total
from engine.threads import use_threads
from engine.world import Frame, Inputs, Models, PromptRefused, World
from model import native
from model.checkpoint import CheckpointError

PROFILE_LINES = 30
REFUSED = (CheckpointError, NoDevice, PromptRefused, OSError)


def report(spans: Sequence[Span], model: str, rung: Rung, worlds: int) -> dict[str, Any]:
    """The figures of `mundo bench --json`; `fps` is of all worlds together, intervals of each. Memory is each process's
    own, summed: what processes share counts in each."""
    whole = total(spans)
    return {
        "model": model,
        "device": device(),
        "rung": rung.name,
        "resolution": [rung.crop.width, rung.crop.height],
        "worlds": worlds,
        "processes": len(whole.interval_ms),
        **whole.figures(),
        "peak_rss_mb": round(whole.peak_mb, 1),
        "minutes": [{"minute": n, **span.figures()} for n, span in enumerate(spans, 1)],
    }


def device(place: Place = HERE) -> str:
    """What the figures were measured on."""
    gpu = f"{torch.cuda.get_device_name(place.device)}, " if place.device.type == "cuda" else ""
    return f"{gpu}cpu, {native.threads()} of {os.cpu_count()} threads, {torch.backends.cpu.get_cpu_capability()}"


def table(figures: dict[str, Any]) -> str:
    """The report for people."""
    width, height = figures["resolution"]
    worlds = f"worlds: {figures['worlds']}" + (
        f" in {figures['processes']} processes" if figures["processes"] > 1 else ""
    )
    lines = [
        f"{figures['model']} on {figures['device']}: {width}x{height}, {worlds}",
        f"{figures['fps']:.1f} newly sampled frames a second, peak memory {figures['peak_rss_mb']:.0f} MB",
        f"paced at {FRAME_RATE} a second, {figures['repeats']} pictures of a world would be shown again",
        *rates(figures),
        "",
        "minute    fps   step p50   p99   decode p50   p99   encode p50   p99   core ms   memory MB",
    ]
    for row in [*figures["minutes"], {"minute": "all", **figures}]:
        step, decode, encode = row["step_ms"], row["decode_ms"], row["encode_ms"]
        lines.append(
            f"{row['minute']!s:>6} {row['fps']:6.1f} {step['p50']:10.1f} {step['p99']:5.1f} {decode['p50']:12.1f} "
            f"{decode['p99']:5.1f} {encode['p50']:12.1f} {encode['p99']:5.1f} "
            f"{row['core_ms_a_frame']:9.1f} {row['rss_mb']:11.0f}"
        )
    return "\n".join([*lines, "", limits_table(figures["limits"])] if "limits" in figures else lines)


def rates(figures: dict[str, Any]) -> list[str]:
    """The line on the dynamics, where they were measured."""
    if "tflops" not in figures:
        return []
    share = f"{figures['efficiency']:.0%} of {figures['peak_tflops']:.2f}, this machine's ceiling at its shapes"
    return [f"dynamics: {figures['tflops']:.2f} TFLOP/s, {share}"]


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="mundo bench", description="Measure newly sampled frames a second.")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--minutes", type=float, default=0.0, help="a long run instead of --seconds")
    parser.add_argument("--prompt", default="a meadow at noon")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--random-weights", action="store_true", help="measure the architecture, untrained")
    parser.add_argument("--threads", type=int, default=0, help="of each process's kernels; 0: all cores, shared out")
    parser.add_argument("--rung", choices=RUNGS, default=LOWEST.name, help="of the ladder, by the lines streamed")
    parser.add_argument("--worlds", type=int, default=1, help="that step together, a frame of each a tick")
    parser.add_argument("--processes", type=int, default=1, help="that the worlds are shared out among")
    parser.add_argument("--steps", type=int, default=STEPS, help="of sampling a frame: 1, 2, 4 or 8")
    parser.add_argument("--profile", action="store_true", help="where the first world's time goes, by function")
    parser.add_argument("--limit", action="store_true", help="what the machine allows at these shapes")
    parser.add_argument("--device", default=CPU, help="of the large networks and the enlarger: cpu, cuda or cuda:N")
    options = parser.parse_args(arguments)
    options.seconds = options.minutes * 60 if options.minutes else options.seconds
    if not 0 < options.seconds < math.inf:
        parser.error(f"--seconds is above 0, not {options.seconds}")
    if options.worlds < 1:
        parser.error(f"--worlds is 1 or more, not {options.worlds}")
    if not 1 <= options.processes <= options.worlds:
        parser.error(f"--processes is 1 to as many as there are worlds, {options.worlds}, not {options.processes}")
    if options.profile and options.processes > 1:
        parser.error(f"--profile looks into one process, not {options.processes}")
    if options.steps not in (1, 2, 4, 8):
        parser.error(f"--steps is 1, 2, 4 or 8, not {options.steps}")
    if options.limit and options.device != CPU:
        parser.error(f"--limit measures this processor, and goes with --device {CPU}, not {options.device}")
    return options


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """The figures that the command line asks for. Raises CheckpointError, NoDevice, PromptRefused, OSError
    and PartFailed."""
    rung = rung_named(options.rung)
    if options.processes > 1:
        place_named(options.device)  # refused here and not by each
        spans = joined(together(partial(part, options), options.worlds, options.processes))
        models = loaded(options)
    else:
        models = loaded(options)
        spans = measured_here(options, models, range(options.worlds))
    figures = report(spans, models.name, rung, options.worlds)
    figures |= {"steps": options.steps, "device": device(models.batch.place)}
    if options.device != CPU:  # a processor's time says nothing of a GPU's
        return figures
    figures |= achieved(models, options.steps).figures()
    return figures | ({"limits": limits(models, rung, options.steps)} if options.limit else {})


def loaded(options: argparse.Namespace) -> Models:
    """The networks that are measured. Raises CheckpointError and NoDevice."""
    if options.random_weights:
        return Models.random(place=place_of(options.device))
    return models_on(options.weights, options.device)


def measured_here(
    options: argparse.Namespace, models: Models, seeds: range, begin: Callable[[], None] = lambda: None
) -> list[Span]:
    """The spans of worlds of these seeds in this process. Raises CheckpointError, PromptRefused and OSError."""
    place = place_of(options.device)
    enlarger = Enlarger.random(place) if options.random_weights else Enlarger.load(options.weights, place)
    sight = Sight(enlarger, fixed=rung_named(options.rung))
    worlds = [World(models, seed, options.prompt) for seed in seeds]
    for world in worlds:
        world.dynamics.steps = options.steps
    if not options.profile:
        return measure(worlds, sight, options.seconds, begin=begin)
    profiled = Profiled(worlds[0])
    spans = measure([profiled, *worlds[1:]], sight, options.seconds)
    profiled.print_times()
    return spans


class Profiled:
    """A world of whose steps, after those that warm up, it is said where their time goes, by function: of one alone,
    since a process has room for one profiler, which sees the thread that begins it and no other."""

    def __init__(self, world: World):
        self._world, self._profile, self._steps = world, cProfile.Profile(), 0
        self.say = world.say

    def step(self, inputs: Inputs) -> Frame:
        """The next frame."""
        self._steps += 1
        if self._steps <= WARM_UP_FRAMES:
            return self._world.step(inputs)
        frame: Frame = self._profile.runcall(self._world.step, inputs)
        return frame

    def print_times(self) -> None:
        """The functions that take most by themselves, kernels and operators in those that call them; then those that
        take most with all that they call."""
        stats = pstats.Stats(self._profile)
        for order in ("tottime", "cumtime"):
            stats.sort_stats(order).print_stats(PROFILE_LINES)


def part(options: argparse.Namespace, seeds: range, begin: Callable[[], None]) -> list[Span]:
    """One process's share. Raises PartFailed."""
    use_threads(options.threads)
    try:
        return measured_here(options, loaded(options), seeds, begin)
    except REFUSED as error:
        raise PartFailed(str(error)) from error


def main(arguments: list[str]) -> int:
    """`mundo bench`: see --help. 2 and one line of reason when it cannot."""
    options = parse(arguments)
    if options.processes > 1:
        options.threads = options.threads or threads_each(options.processes)
    use_threads(options.threads)
    try:
        figures = measured(options)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    except (*REFUSED, PartFailed) as error:
        print(f"mundo bench: {error}", file=sys.stderr)
        return 2
    print(table(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
