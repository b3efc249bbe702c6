"""How frames are timed: worlds walked and turned without pause, each frame sampled, decoded and encoded.
Knows no process but its own and no clock but the stopwatch; every figure is of newly sampled frames."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from typing import Any

from engine.codec import FRAME_TICKS
from engine.display import Display, Shown, Sight
from engine.messages import FRAME_RATE
from engine.meter import MIB, Meter, peak_mib, percentile, resident_mib
from engine.pacing import next_tick
from engine.steppable import Steppable
from engine.world import Frame, Inputs

WARM_UP_FRAMES = 8
MINUTE_S = 60.0
Clock = Callable[[], float]


@dataclass
class Span:
    """What a minute (or the last part of one) came to; `interval_ms` from tick to tick, a list a process."""

    seconds: float = 0.0
    core_s: float = 0.0
    rss_mb: float = 0.0
    peak_mb: float = 0.0
    meter: Meter = field(default_factory=Meter)
    interval_ms: list[list[float]] = field(default_factory=lambda: [[]])

    def add(self, frames: Sequence[tuple[Frame, Shown]], interval_ms: float) -> None:
        """A tick: a frame of each world."""
        for frame, shown in frames:
            self.meter.add(frame.step_ms, frame.decode_ms + shown.enlarge_ms, shown.packet.encode_ms)
        self.interval_ms[0].append(interval_ms)

    def figures(self) -> dict[str, Any]:
        """Frames a second, milliseconds a stage, and what a frame costs in milliseconds of all cores together; pictures
        shown again are those of a world of the process that fared worst."""
        return {
            "seconds": round(self.seconds, 2),
            "frames": self.meter.frames,
            "fps": round(self.meter.frames / self.seconds, 2) if self.seconds else 0.0,
            "repeats": max(map(repeats, self.interval_ms)),
            "step_ms": spread(self.meter.step_ms),
            "decode_ms": spread(self.meter.decode_ms),
            "encode_ms": spread(self.meter.encode_ms),
            "interval_ms": spread(list(chain.from_iterable(self.interval_ms))),
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


def measure(
    worlds: Sequence[Steppable],
    sight: Sight,
    seconds: float,
    clock: Clock = time.perf_counter,
    begin: Callable[[], None] = lambda: None,
) -> list[Span]:
    """Sample for that long after a warm-up and whatever `begin` waits for, a frame of every world a tick, as in the
    worker; a span a minute."""
    rollouts = [frames_of(world, sight) for world in worlds]
    with ThreadPoolExecutor(len(worlds), "sampling") as sampling:
        for _ in range(WARM_UP_FRAMES):
            list(sampling.map(next, rollouts))
        begin()
        spans, started_s, cores_since_s, begun_s = [Span()], clock(), time.process_time(), 0.0
        while True:
            shown = list(sampling.map(next, rollouts))
            span, passed_s = spans[-1], clock() - started_s
            span.add(shown, (passed_s - begun_s) * 1e3)
            span.seconds, begun_s = passed_s - MINUTE_S * (len(spans) - 1), passed_s
            if passed_s >= seconds or span.seconds >= MINUTE_S:
                span.rss_mb, span.peak_mb = resident_mib() * MIB / 1e6, peak_mib() * MIB / 1e6
                span.core_s, cores_since_s = time.process_time() - cores_since_s, time.process_time()
            if passed_s >= seconds:
                break
            if span.seconds >= MINUTE_S:
                spans.append(Span())
    for rollout in rollouts:
        rollout.close()
    return spans


def total(spans: Sequence[Span]) -> Span:
    """Spans of the same processes, one after the other, as one."""
    whole = Span(sum(span.seconds for span in spans), sum(span.core_s for span in spans), spans[-1].rss_mb)
    whole.peak_mb = spans[-1].peak_mb
    whole.meter = _gathered(spans)
    whole.interval_ms = [
        list(chain.from_iterable(lane)) for lane in zip(*(span.interval_ms for span in spans), strict=True)
    ]
    return whole


def joined(parts: Sequence[Sequence[Span]]) -> list[Span]:
    """Spans of processes that ran at the same time, a span a minute: their cores' time, memory and frames summed. A
    minute is over when it is over for the last of them."""
    return [_beside(minute) for minute in zip_longest(*parts, fillvalue=Span())]


def _beside(spans: Sequence[Span]) -> Span:
    whole = Span(max(span.seconds for span in spans), sum(span.core_s for span in spans))
    whole.rss_mb, whole.peak_mb = sum(span.rss_mb for span in spans), sum(span.peak_mb for span in spans)
    whole.meter = _gathered(spans)
    whole.interval_ms = list(chain.from_iterable(span.interval_ms for span in spans))
    return whole


def _gathered(spans: Sequence[Span]) -> Meter:
    stages = zip(*((span.meter.step_ms, span.meter.decode_ms, span.meter.encode_ms) for span in spans), strict=True)
    return Meter(*(list(chain.from_iterable(stage)) for stage in stages))
