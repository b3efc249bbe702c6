"""The roofline of web/docs/speed.md: what a frame computes and reads, the time that takes at least, and the worlds that
follow: by measured ceilings for this processor, by published ones for GPUs, on which nothing was measured.

    .venv/bin/python scripts/roofline.py            # two threads
    .venv/bin/python scripts/roofline.py --threads 4
"""

from __future__ import annotations

import engine.openmp  # noqa: F401  before anything that loads torch

# isort: split
import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine.dynamics import STEPS
from engine.limits import limits, parts
from engine.messages import FRAME_RATE
from engine.models import Models
from engine.rungs import LADDER, Rung
from model import native
from model.work import Work

PLANE_BYTES = 3 / 2  # of a pixel in 4:2:0


@dataclass(frozen=True)
class Published:
    """Peaks of a GPU as its maker states them: dense bf16 FLOP/s, and bytes/s of its memory and of its bus."""

    flops_s: float
    bytes_s: float
    bus_bytes_s: float
    source: str


H100 = Published(989e12, 3.35e12, 64e9, "NVIDIA H100 datasheet, SXM: 989 TFLOP/s, 3.35 TB/s, PCIe 5 x16")
H200 = Published(989e12, 4.8e12, 64e9, "NVIDIA H200 datasheet, SXM: 989 TFLOP/s, 4.8 TB/s, PCIe 5 x16")
GPUS = {"H100": H100, "H200": H200}


def cpu_rows(models: Models) -> list[str]:
    """A row a rung, of measured ceilings."""
    rows = []
    for rung in LADDER:
        found = limits(models, rung, STEPS)
        gflop = sum(part["gflop"] for part in found["parts"].values())
        products, memory = (
            sum(part[kind] for part in found["parts"].values()) for kind in ("products_ms", "memory_ms")
        )
        cells = (f"{gflop:.2f}", f"{_megabytes(models, rung):.1f}", f"{products:.2f}", f"{memory:.2f}")
        worlds = found["frame_fps"] / FRAME_RATE
        rows.append(f"| {rung.name} | {' | '.join(cells)} | {found['frame_core_ms']:.2f} | {worlds:.1f} |")
    return rows


def gpu_rows(models: Models, name: str, gpu: Published) -> list[str]:
    """A row a rung, of published peaks, in bf16: half of the bytes of floats, twice those of 8-bit integers."""
    rows = []
    for rung in LADDER:
        found = parts(models, rung, STEPS)
        flops = sum(calls * work.flops for calls, work in found.values())
        past, weights = (sum(size(calls, work) for calls, work in found.values()) for size in (_past, _weights))
        planes = PLANE_BYTES * rung.codec.width * rung.codec.height
        compute_s, memory_s, bus_s = flops / gpu.flops_s, (past + planes) / gpu.bytes_s, planes / gpu.bus_bytes_s
        tick_s = 1 / FRAME_RATE - weights / gpu.bytes_s  # weights are read once for all worlds
        worlds = tick_s / max(compute_s, memory_s, bus_s)
        times = " | ".join(f"{seconds * 1e6:.1f}" for seconds in (compute_s, memory_s, bus_s))
        rows.append(
            f"| {name} | {rung.name} | {flops / 1e9:.2f} | {(past + planes) / 1e6:.1f} | {times} | {worlds:.0f} |"
        )
    return rows


def _past(calls: int, work: Work) -> float:
    return calls * work.past_bytes / 2


def _weights(calls: int, work: Work) -> float:
    return calls * work.weight_bytes * 2


def _megabytes(models: Models, rung: Rung) -> float:
    return sum(calls * work.bytes for calls, work in parts(models, rung, STEPS).values()) / 1e6


def main(arguments: Sequence[str]) -> int:
    """Both tables, as Markdown."""
    parser = argparse.ArgumentParser(prog="scripts/roofline.py", description="The tables of web/docs/speed.md.")
    parser.add_argument("--threads", type=int, default=2, help="of this processor")
    options = parser.parse_args(arguments)
    native.use_threads(options.threads)
    torch.set_num_threads(1)
    models = Models.random()
    print("| rung | GFLOP | MB | products ms | memory ms | core ms at least | worlds at most |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(cpu_rows(models)))
    print("\n| GPU | rung | GFLOP | MB a world | products us | memory us | bus us | worlds at most |")
    print("|---|---|---|---|---|---|---|---|")
    for name, gpu in GPUS.items():
        print("\n".join(gpu_rows(models, name, gpu)))
    print("\n" + "\n".join(f"{name}: {gpu.source}." for name, gpu in GPUS.items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
