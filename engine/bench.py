"""How fast this machine samples: one world walked and turned without pause, each frame sampled, decoded and encoded.
Knows no socket and no clock but the stopwatch; every figure is of newly sampled frames."""

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
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from configs.paths import WEIGHTS
from engine.codec import FRAME_TICKS
from engine.device import CPU, HERE, NoDevice, Place
from engine.display import Display, Shown, Sight
from engine.dynamics import STEPS
from engine.enlarging import Enlarger
from engine.limits import achieved, limits
from engine.limits import table as limits_table
from engine.messages import FRAME_RATE, RUNGS
from engine.meter import MIB, Meter, peak_mib, percentile, resident_mib
from engine.models import models_on, place_of
from engine.pacing import next_tick
from engine.rungs import LOWEST, Rung, rung_named
from engine.steppable import Steppable
from engine.threads import use_threads
from engine.world import Frame, Inputs, Models, PromptRefused, World
from model import native
from model.checkpoint import CheckpointError

WARM_UP_FRAMES = 8
MINUTE_S = 60.0
PROFILE_LINES = 30
Clock = Callable[[], float]


@dataclass
class Span:
    """What a minute (or the last part of one) came to."""

    seconds: float = 0.0
    core_s: float = 0.0
    rss_mb: float = 0.0
    meter: Meter = field(default_factory=Meter)
    interval_ms: list[float] = field(default_factory=list)

    def add(self, frames: Sequence[tuple[Frame, Shown]], interval_ms: float) -> None:
        """A tick: a frame of each world."""
        for frame, shown in frames:
            self.meter.add(frame.step_ms, frame.decode_ms + shown.enlarge_ms, shown.packet.encode_ms)
        self.interval_ms.append(interval_ms)

    def figures(self) -> dict[str, Any]:
        """Frames a second, milliseconds a stage, and what a frame costs in milliseconds of all cores together."""
        return {
            "seconds": round(self.seconds, 2),
            "frames": self.meter.frames,
            "fps": round(self.meter.frames / self.seconds, 2) if self.seconds else 0.0,
            "repeats": repeats(self.interval_ms),
            "step_ms": spread(self.meter.step_ms),
            "decode_ms": spread(self.meter.decode_ms),
            "encode_ms": spread(self.meter.encode_ms),
            "interval_ms": spread(self.interval_ms),
            "core_ms_a_frame": round(self.core_s * 1e3 / self.meter.frames, 1) if self.meter.frames else 0.0,
            "rss_mb": round(self.rss_mb, 1),
        }


def repeats(interval_ms: Sequence[float]) -> int:
    """How often a viewer would be shown a picture again, had frames that took so long been paced as a worker's are."""
    now_s, slot, count = 0.0, -1, 0
    for each in interval_ms:
        tick = next_tick(0.0, slot, now_s)
        slot, count = tick.slot, count + tick.skipped
        now_s += tick.wait_s + each / 1e3
    return count


def spread(values: list[float]) -> dict[str, float]:
    """Median and 99th percentile."""
    return {"p50": round(percentile(values, 50), 2), "p99": round(percentile(values, 99), 2)}


def walk(frame: int) -> Inputs:
    """Somebody who walks on and looks around: every frame shows something new."""
    seconds = frame / FRAME_RATE
    return Inputs(buttons=1, look_x=0.02 * math.sin(seconds), look_y=0.003 * math.cos(seconds / 2))


def frames_of(world: Steppable, sight: Sight) -> Generator[tuple[Frame, Shown], None, None]:
    """Endless frames with their packets; as in the worker, frame t is enlarged and encoded while t + 1 is sampled."""
    display = Display(sight, 0.0)
    with ThreadPoolExecutor(1, "encoding") as encoding:
        last: tuple[Frame, Future[Shown]] | None = None
        index = 0
        while True:
            frame = world.step(walk(index))
            if last:
                yield last[0], last[1].result()
            last = frame, encoding.submit(display.show, frame, index * FRAME_TICKS, False, 0)
            index += 1


def measure(worlds: Sequence[Steppable], sight: Sight, seconds: float, clock: Clock = time.perf_counter) -> list[Span]:
    """Sample for that long after a warm-up, a frame of every world a tick, as in the worker; a span a minute."""
    rollouts = [frames_of(world, sight) for world in worlds]
    with ThreadPoolExecutor(len(worlds), "sampling") as sampling:
        for _ in range(WARM_UP_FRAMES):
            list(sampling.map(next, rollouts))
        spans, started_s, cores_since_s, begun_s = [Span()], clock(), time.process_time(), 0.0
        while True:
            shown = list(sampling.map(next, rollouts))
            span, passed_s = spans[-1], clock() - started_s
            span.add(shown, (passed_s - begun_s) * 1e3)
            span.seconds, begun_s = passed_s - MINUTE_S * (len(spans) - 1), passed_s
            if passed_s >= seconds or span.seconds >= MINUTE_S:
                span.rss_mb = resident_mib() * MIB / 1e6
                span.core_s, cores_since_s = time.process_time() - cores_since_s, time.process_time()
            if passed_s >= seconds:
                break
            if span.seconds >= MINUTE_S:
                spans.append(Span())
    for rollout in rollouts:
        rollout.close()
    return spans


def total(spans: list[Span]) -> Span:
    """All spans as one."""
    whole = Span(sum(span.seconds for span in spans), sum(span.core_s for span in spans), spans[-1].rss_mb)
    for span in spans:
        whole.meter.step_ms += span.meter.step_ms
        whole.meter.decode_ms += span.meter.decode_ms
        whole.meter.encode_ms += span.meter.encode_ms
        whole.interval_ms += span.interval_ms
    return whole


def report(spans: list[Span], model: str, rung: Rung, worlds: int) -> dict[str, Any]:
    """The figures of `mundo bench --json`; `fps` is of all worlds together, intervals of each."""
    return {
        "model": model,
        "device": device(),
        "rung": rung.name,
        "resolution": [rung.crop.width, rung.crop.height],
        "worlds": worlds,
        **total(spans).figures(),
        "peak_rss_mb": round(peak_mib() * MIB / 1e6, 1),
        "minutes": [{"minute": n, **span.figures()} for n, span in enumerate(spans, 1)],
    }


def device(place: Place = HERE) -> str:
    """What the figures were measured on."""
    gpu = f"{torch.cuda.get_device_name(place.device)}, " if place.device.type == "cuda" else ""
    return f"{gpu}cpu, {native.threads()} of {os.cpu_count()} threads, {torch.backends.cpu.get_cpu_capability()}"


def table(figures: dict[str, Any]) -> str:
    """The report for people."""
    width, height = figures["resolution"]
    lines = [
        f"{figures['model']} on {figures['device']}: {width}x{height}, worlds: {figures['worlds']}",
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
    parser.add_argument("--threads", type=int, default=0, help="torch threads; 0: all cores")
    parser.add_argument("--rung", choices=RUNGS, default=LOWEST.name, help="of the ladder, by the lines streamed")
    parser.add_argument("--worlds", type=int, default=1, help="that step together, a frame of each a tick")
    parser.add_argument("--steps", type=int, default=STEPS, help="of sampling a frame: 1, 2, 4 or 8")
    parser.add_argument("--profile", action="store_true", help="where the sampling thread's time goes, by function")
    parser.add_argument("--limit", action="store_true", help="what the machine allows at these shapes")
    parser.add_argument("--device", default=CPU, help="of the large networks: cpu, cuda or cuda:N")
    options = parser.parse_args(arguments)
    options.seconds = options.minutes * 60 if options.minutes else options.seconds
    if not 0 < options.seconds < math.inf:
        parser.error(f"--seconds is above 0, not {options.seconds}")
    if options.worlds < 1:
        parser.error(f"--worlds is 1 or more, not {options.worlds}")
    if options.steps not in (1, 2, 4, 8):
        parser.error(f"--steps is 1, 2, 4 or 8, not {options.steps}")
    if options.limit and options.device != CPU:
        parser.error(f"--limit measures this processor, and goes with --device {CPU}, not {options.device}")
    return options


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """The figures that the command line asks for. Raises CheckpointError, NoDevice, PromptRefused
    and OSError."""
    random = options.random_weights
    models = Models.random(place=place_of(options.device)) if random else models_on(options.weights, options.device)
    sight = Sight(Enlarger.random() if random else Enlarger.load(options.weights), fixed=rung_named(options.rung))
    worlds = [World(models, seed, options.prompt) for seed in range(options.worlds)]
    for world in worlds:
        world.dynamics.steps = options.steps
    profile = cProfile.Profile()
    if options.profile:
        spans = profile.runcall(measure, worlds, sight, options.seconds)
        pstats.Stats(profile).sort_stats("tottime").print_stats(PROFILE_LINES)
    else:
        spans = measure(worlds, sight, options.seconds)
    figures = report(spans, models.name, sight.fixed, options.worlds)
    figures |= {"steps": options.steps, "device": device(models.batch.place)}
    if options.device != CPU:  # a processor's time says nothing of a GPU's
        return figures
    figures |= achieved(models, options.steps).figures()
    return figures | ({"limits": limits(models, sight.fixed, options.steps)} if options.limit else {})


def main(arguments: list[str]) -> int:
    """`mundo bench`: see --help. 2 and one line of reason when it cannot."""
    options = parse(arguments)
    use_threads(options.threads)
    try:
        figures = measured(options)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    except (CheckpointError, NoDevice, PromptRefused, OSError) as error:
        print(f"mundo bench: {error}", file=sys.stderr)
        return 2
    print(table(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
