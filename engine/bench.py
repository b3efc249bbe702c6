"""How fast this machine samples: one world walked and turned without pause, each frame sampled, decoded and encoded.
Knows no socket and no clock but the stopwatch; every figure is of newly sampled frames."""

from __future__ import annotations

import engine.openmp  # noqa: F401  before anything that loads torch

# isort: split
import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from configs.paths import WEIGHTS
from engine.codec import FRAME_TICKS, CodecConfig, Crop, Encoder, Packet
from engine.messages import FRAME_RATE
from engine.meter import Meter, peak_mib, percentile, resident_mib
from engine.session import Steppable
from engine.threads import use_threads
from engine.world import Frame, Inputs, Models, PromptRefused, World, load_models
from model import native
from model.checkpoint import CheckpointError

WARM_UP_FRAMES = 8
MINUTE_S = 60.0
Clock = Callable[[], float]


@dataclass
class Span:
    """What a minute (or the last part of one) came to."""

    seconds: float = 0.0
    core_s: float = 0.0
    memory_mib: float = 0.0
    meter: Meter = field(default_factory=Meter)

    def figures(self) -> dict[str, Any]:
        """Frames a second, milliseconds a stage, and what a frame costs in milliseconds of all cores together."""
        return {
            "seconds": round(self.seconds, 2),
            "frames": self.meter.frames,
            "fps": round(self.meter.frames / self.seconds, 2) if self.seconds else 0.0,
            "step_ms": spread(self.meter.step_ms),
            "decode_ms": spread(self.meter.decode_ms),
            "encode_ms": spread(self.meter.encode_ms),
            "core_ms_a_frame": round(self.core_s * 1e3 / self.meter.frames, 1) if self.meter.frames else 0.0,
            "memory_mib": round(self.memory_mib, 1),
        }


def spread(values: list[float]) -> dict[str, float]:
    """Median and 99th percentile."""
    return {"p50": round(percentile(values, 50), 2), "p99": round(percentile(values, 99), 2)}


def walk(frame: int) -> Inputs:
    """Somebody who walks on and looks around: every frame shows something new."""
    seconds = frame / FRAME_RATE
    return Inputs(buttons=1, look_x=0.02 * math.sin(seconds), look_y=0.003 * math.cos(seconds / 2))


def frames_of(world: Steppable, encoder: Encoder) -> Iterator[tuple[Frame, Packet]]:
    """Endless frames with their packets; as in the worker, frame t is encoded while t + 1 is sampled."""
    with ThreadPoolExecutor(1, "encoding") as encoding:
        last: tuple[Frame, Future[Packet]] | None = None
        index = 0
        while True:
            frame = world.step(walk(index))
            if last:
                yield last[0], last[1].result()
            last = frame, encoding.submit(encoder.encode, frame.y, frame.u, frame.v, index * FRAME_TICKS)
            index += 1


def measure(world: Steppable, seconds: float, clock: Clock = time.perf_counter) -> list[Span]:
    """Sample for that long after a warm-up; a span a minute."""
    rollout = frames_of(world, Encoder(CodecConfig()))
    for _ in range(WARM_UP_FRAMES):
        next(rollout)
    spans, started_s, cores_since_s = [Span()], clock(), time.process_time()
    for frame, packet in rollout:
        span, passed_s = spans[-1], clock() - started_s
        span.meter.add(frame.step_ms, frame.decode_ms, packet.encode_ms)
        span.seconds = passed_s - MINUTE_S * (len(spans) - 1)
        if passed_s >= seconds or span.seconds >= MINUTE_S:
            span.memory_mib = resident_mib()
            span.core_s, cores_since_s = time.process_time() - cores_since_s, time.process_time()
        if passed_s >= seconds:
            break
        if span.seconds >= MINUTE_S:
            spans.append(Span())
    return spans


def total(spans: list[Span]) -> Span:
    """All spans as one."""
    whole = Span(sum(span.seconds for span in spans), sum(span.core_s for span in spans), spans[-1].memory_mib)
    for span in spans:
        whole.meter.step_ms += span.meter.step_ms
        whole.meter.decode_ms += span.meter.decode_ms
        whole.meter.encode_ms += span.meter.encode_ms
    return whole


def report(spans: list[Span], model: str) -> dict[str, Any]:
    """The figures of `mundo bench --json`."""
    crop = Crop.of(CodecConfig().width, CodecConfig().height)
    return {
        "model": model,
        "device": device(),
        "resolution": [crop.width, crop.height],
        "worlds": 1,
        **total(spans).figures(),
        "peak_memory_mib": round(peak_mib(), 1),
        "minutes": [{"minute": n, **span.figures()} for n, span in enumerate(spans, 1)],
    }


def device() -> str:
    """What the figures were measured on."""
    return f"cpu, {native.threads()} of {os.cpu_count()} threads, {torch.backends.cpu.get_cpu_capability()}"


def table(figures: dict[str, Any]) -> str:
    """The report for people."""
    width, height = figures["resolution"]
    lines = [
        f"{figures['model']} on {figures['device']}: {width}x{height}, {figures['worlds']} world",
        f"{figures['fps']:.1f} newly sampled frames a second, peak memory {figures['peak_memory_mib']:.0f} MiB",
        "",
        "minute    fps   step p50   p99   decode p50   p99   encode p50   p99   core ms   memory MiB",
    ]
    for row in [*figures["minutes"], {"minute": "all", **figures}]:
        step, decode, encode = row["step_ms"], row["decode_ms"], row["encode_ms"]
        lines.append(
            f"{row['minute']!s:>6} {row['fps']:6.1f} {step['p50']:10.1f} {step['p99']:5.1f} {decode['p50']:12.1f} "
            f"{decode['p99']:5.1f} {encode['p50']:12.1f} {encode['p99']:5.1f} "
            f"{row['core_ms_a_frame']:9.1f} {row['memory_mib']:12.0f}"
        )
    return "\n".join(lines)


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
    options = parser.parse_args(arguments)
    options.seconds = options.minutes * 60 if options.minutes else options.seconds
    if not 0 < options.seconds < math.inf:
        parser.error(f"--seconds is above 0, not {options.seconds}")
    return options


def main(arguments: list[str]) -> int:
    """`mundo bench`: see --help. 2 and one line of reason when it cannot."""
    options = parse(arguments)
    use_threads(options.threads)
    try:
        models = Models.random() if options.random_weights else load_models(options.weights)
        figures = report(measure(World(models, 0, options.prompt), options.seconds), models.name)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    except (CheckpointError, PromptRefused, OSError) as error:
        print(f"mundo bench: {error}", file=sys.stderr)
        return 2
    print(table(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
