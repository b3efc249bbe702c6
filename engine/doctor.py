"""Which rungs of the ladder this machine holds, and what it lacks: `mundo doctor`.
Knows the bench and the machine; nothing of people and sockets."""

from __future__ import annotations

import engine.openmp  # noqa: F401  before anything that loads torch

# isort: split
import argparse
import hashlib
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from configs.paths import WEIGHTS, cache_dir
from engine.bench import device
from engine.device import CPU, NoDevice
from engine.display import Sight
from engine.enlarging import Enlarger
from engine.ladder import TO_SPARE, highest
from engine.messages import FRAME_RATE, MOST_WORKERS
from engine.models import models_on, place_of
from engine.rungs import LADDER, LOWEST
from engine.spans import measure, total
from engine.steppable import Steppable
from engine.threads import use_threads
from engine.world import World
from model import native
from model.checkpoint import CheckpointError, sha256

SECONDS = 2.0  # on each rung
MOST_WORLDS = 64  # of one worker, whatever the machine
CORES, MEMORY_GIB = 2, 2.0  # below, the lowest rung does not keep up
GIB_A_WORKER = 0.75  # with its networks and a world or two
CORES_BESIDE_GPU, GIB_BESIDE_GPU = 2, 1.5  # of the host, for each worker


@dataclass(frozen=True)
class Found:
    """What a rung came to: newly sampled frames a second when nothing waits, and milliseconds of all cores a frame."""

    rung: str
    fps: float
    core_ms: float

    @property
    def holds(self) -> bool:
        """Whether it keeps up, with time to spare."""
        return self.fps >= TO_SPARE * FRAME_RATE


def examine(world: Steppable, enlarger: Enlarger, seconds: float = SECONDS) -> list[Found]:
    """Each rung from below, for so long."""
    found = []
    for rung in LADDER:
        figures = total(measure([world], Sight(enlarger, fixed=rung), seconds)).figures()
        found.append(Found(rung.name, figures["fps"], figures["core_ms_a_frame"]))
    return found


def lacks(found: Sequence[Found]) -> list[str]:
    """What this machine lacks, a sentence each."""
    missing = []
    cores, memory = len(os.sched_getaffinity(0)), memory_gib()
    try:
        native.require("omni")
    except native.Unsupported as why:
        missing.append(f"Fast kernels: {why}. Networks run in torch, several times slower.")
    if cores < CORES:
        missing.append(f"Cores: {cores} may be used, {CORES} are needed.")
    if memory < MEMORY_GIB:
        missing.append(f"Memory: {memory:.1f} GiB, {MEMORY_GIB:.0f} are needed.")
    if not torch.cuda.is_available():
        missing.append("A GPU: none is there for --device cuda.")
    busy = os.getloadavg()[0]
    if busy > 1.5 * cores:
        missing.append(f"Rest: {busy:.1f} programs want its {cores} cores; these figures are lower than they could be.")
    for each in found:
        if not each.holds:
            missing.append(f"Speed for {each.rung}: {each.fps:.1f} frames a second of {TO_SPARE * FRAME_RATE:.1f}.")
    return missing


def known_rates(weights: Path, device: str = CPU) -> tuple[float, ...] | None:
    """Frames a second on each rung, if this machine was examined with these weights, threads and device."""
    return _known(weights, device, "fps")


def worlds_held(weights: Path, device: str = CPU, number: int = 0, workers: int = 1) -> int:
    """How many worlds the worker of this number, of so many, has to hold so that all worlds have 24 frames a second on
    the lowest rung with time to spare, by what a frame was found to cost; 1 where this machine was not examined."""
    worlds = _worlds_on(min(native.allowed(), workers * native.most_cores()), weights, device)
    return min(MOST_WORLDS, max(1, worlds // workers + (number < worlds % workers)))


def workers_held(weights: Path, device: str = CPU) -> int:
    """How many workers make the most of this machine: on the processor one for each world that it holds, since worlds
    of one worker wait for its interpreter, at most one a core and in half of the memory; beside a GPU one for each two
    cores of its host, since what the GPU does is little of a frame."""
    if device != CPU:
        fit = int(memory_gib() / 2 / GIB_BESIDE_GPU)
        return min(MOST_WORKERS, max(1, min(native.allowed() // CORES_BESIDE_GPU, fit)))
    cores, fit = native.allowed(), int(memory_gib() / 2 / GIB_A_WORKER)
    return min(MOST_WORKERS, max(1, min(_worlds_on(cores, weights, device), cores, fit)))


def crowd_held(weights: Path, device: str = CPU) -> dict[str, int]:
    """How many worlds this machine holds, and in how many workers."""
    workers = workers_held(weights, device)
    return {"worlds": sum(worlds_held(weights, device, at, workers) for at in range(workers)), "workers": workers}


def _worlds_on(cores: int, weights: Path, device: str) -> int:
    core_ms = _known(weights, device, "core_ms")
    return 1 if core_ms is None else int(cores * 1e3 / (core_ms[0] * TO_SPARE * FRAME_RATE))


def memory_gib() -> float:
    """Of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _known(weights: Path, device: str, name: str) -> tuple[float, ...] | None:
    try:
        kept = json.loads(_place(weights, device).read_text("utf-8"))
        values = tuple(float(each[name]) for each in kept)
        return values if len(values) == len(LADDER) and all(value > 0 for value in values) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_rates(weights: Path, found: Sequence[Found], device: str = CPU) -> tuple[float, ...]:
    """Keeps what was found for workers to come, whole or not at all; the frames a second on each rung."""
    place = _place(weights, device)
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_suffix(f".{os.getpid()}.tmp")
    partial.write_text(json.dumps([asdict(each) for each in found]), "utf-8")
    partial.replace(place)
    return tuple(each.fps for each in found)


def _place(weights: Path, device: str) -> Path:
    files = sorted(path for path in weights.glob("*.safetensors"))
    where = [] if device == CPU else [device]
    parts = [*where, native.processor(), platform.node(), str(native.most_cores()), *(sha256(path) for path in files)]
    return cache_dir() / "doctor" / f"{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}.json"


def table(found: Sequence[Found]) -> str:
    """The report for people."""
    lines = [device(), "", "rung    frames/s   core ms a frame   holds 24 with 15 % to spare"]
    lines += [f"{e.rung:<7} {e.fps:8.1f} {e.core_ms:17.1f}   {'yes' if e.holds else 'no'}" for e in found]
    chosen = found[highest([each.fps for each in found])]
    lines += ["", f"Worlds begin at {chosen.rung}.", *(f"Lacks: {each}" for each in lacks(found))]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """`mundo doctor`: see --help. 2 and one line of reason when it cannot."""
    parser = argparse.ArgumentParser(prog="mundo doctor", description="Which rungs this machine holds; what it lacks.")
    parser.add_argument("--json", type=Path, help="write what was found there")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="on each rung")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--threads", type=int, default=0, help="of the networks; 0: all cores")
    parser.add_argument("--device", default=CPU, help="of the large networks and the enlarger: cpu, cuda or cuda:N")
    options = parser.parse_args(arguments)
    if not 0 < options.seconds < 3600:
        parser.error(f"--seconds is between 0 and 3600, not {options.seconds}")
    use_threads(options.threads)
    try:
        world = World(models_on(options.weights, options.device), 0)
        found = examine(world, Enlarger.load(options.weights, place_of(options.device)), options.seconds)
    except (CheckpointError, NoDevice, OSError) as error:
        print(f"mundo doctor: {error}", file=sys.stderr)
        return 2
    keep_rates(options.weights, found, options.device)
    crowd = crowd_held(options.weights, options.device)
    if options.json:
        rates = [each.fps for each in found]
        said = {"rungs": [asdict(e) | {"holds": e.holds} for e in found], "chosen": found[highest(rates)].rung}
        options.json.write_text(json.dumps(said | crowd | {"lacks": lacks(found)}, indent=2) + "\n", "utf-8")
    print(table(found))
    print(f"Worlds at {LOWEST.name} at the same time: {crowd['worlds']}, workers: {crowd['workers']}.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
