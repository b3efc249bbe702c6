"""How near a frame is to what the machine allows: the rate inside the dynamics step beside the ceiling at its shapes,
and the least time that the networks' products and bytes of a frame take. Knows networks and ceilings; no sessions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from engine.dynamics import Dynamics
from engine.models import Models
from engine.rungs import Rung
from model import native
from model.ceilings import GIGA, Ceiling, bandwidth
from model.ladder.network import GIVEN, Ladder, LadderConfig
from model.omni import GROUPS, PATCH, VIEW, given_alone
from model.omni_int8 import Int8Omni
from model.planes import CHANNELS, GRID_HEIGHT, GRID_WIDTH
from model.tokenizer.frame import STRIDE, FrameTokenizer
from model.work import Work, module_work, omni_work

TURNS, TURN_S = 3, 0.1  # of dynamics and ceiling, one after the other, and processor seconds of dynamics in each
TERA = 1e12


@dataclass(frozen=True)
class Achieved:
    """Of the dynamics step, whole: what it computes, how long a core takes for that, and how long it takes at least."""

    flops: int
    core_s: float
    least_s: float

    def figures(self) -> dict[str, float]:
        """TFLOP/s of the threads in use, reached and at most."""
        threads = native.threads()
        return {
            "tflops": round(self.flops / self.core_s / TERA * threads, 3),
            "peak_tflops": round(self.flops / self.least_s / TERA * threads, 3),
            "efficiency": round(self.least_s / self.core_s, 3),
        }


def in_integers(models: Models) -> bool:
    """Whether the engine computes products with weights in 8-bit integers here."""
    return isinstance(models.omni, Int8Omni)


def achieved(models: Models, steps: int) -> Achieved:
    """A frame's dynamics with a full window, and the ceiling at its shapes, in turn; processor time of all threads."""
    return _achieved(models, steps, omni_work(models.config, in_integers(models)))


@torch.inference_mode()
def _achieved(models: Models, steps: int, work: Work) -> Achieved:
    dynamics = Dynamics(models.omni, models.config)
    dynamics.steps = steps
    noise = torch.randn(1, 1, GROUPS["video"], PATCH)
    instruction, state = torch.randn(1, GROUPS["instruction"], models.config.width), torch.randn(GROUPS["state"], 8)
    given = given_alone(instruction, 1.0, state, torch.randn(1, GROUPS["video"], VIEW), (0.0, 1.0))
    for _ in range(models.config.window + 1):
        dynamics.denoise(noise, given)
    core_s, least_s = [], []
    for _ in range(TURNS):
        least_s.append(Ceiling(work.products.items()).seconds(work.products.items()))
        begun_s, frames = time.process_time(), 0
        while (passed_s := time.process_time() - begun_s) < TURN_S:
            dynamics.denoise(noise, given)
            frames += 1
        core_s.append(passed_s / frames)
    return Achieved(steps * work.flops, sorted(core_s)[TURNS // 2], steps * sorted(least_s)[TURNS // 2])


def parts(models: Models, rung: Rung, steps: int) -> dict[str, tuple[int, Work]]:
    """What a frame calls and how often, by the configuration of each network. A dream calls the inventor once more."""
    integers = in_integers(models)
    tokenizer = FrameTokenizer(models.tokenizer.config)
    planes = torch.zeros(1, CHANNELS, GRID_HEIGHT, GRID_WIDTH)
    latents = torch.zeros(1, tokenizer.config.latent_channels, GRID_HEIGHT // STRIDE, GRID_WIDTH // STRIDE)
    found = {
        "dynamics": (steps, omni_work(models.config, integers)),
        "encoder": (1, module_work(tokenizer.encoder, lambda: tokenizer.encode(planes), integers)),
        "decoder": (1, module_work(tokenizer.decoder, lambda: tokenizer.decode(latents), integers)),
    }
    if rung.scale > 1:
        ladder = Ladder(LadderConfig())
        head = ladder.heads[(2, 4).index(rung.scale)]
        given = torch.zeros(1, GIVEN, GRID_HEIGHT, GRID_WIDTH)
        work = module_work(ladder, lambda: head(ladder.features(given)), integers)
        found["ladder"] = (1, work)
    return found


def limits(models: Models, rung: Rung, steps: int) -> dict[str, Any]:
    """The figures of `mundo bench --limit`: ceilings of a core at each shape, memory, and the bound of a frame."""
    found = parts(models, rung, steps)
    read, copied = bandwidth()
    threads = native.threads()
    shapes, bounds = [], {}
    for name, (calls, work) in found.items():
        ceiling = Ceiling(work.products.items())
        shapes += [row(name, rates, work.products) for rates in ceiling.rates]
        bounds[name] = {
            "calls": calls,
            "gflop": round(calls * work.flops / GIGA, 4),
            "mbytes": round(calls * work.bytes / 1e6, 3),
            "products_ms": round(calls * ceiling.seconds(work.products.items()) * 1e3, 3),
            "memory_ms": round(calls * work.bytes / read * 1e3, 3),
        }
    least = sum(max(bound["products_ms"], bound["memory_ms"]) for bound in bounds.values())
    return {
        "threads": threads,
        "read_gbytes_s": round(read / GIGA, 1),
        "copy_gbytes_s": round(copied / GIGA, 1),
        "shapes": shapes,
        "parts": bounds,
        "frame_core_ms": round(least, 3),
        "frame_fps": round(1e3 * threads / least, 1),
    }


def row(part: str, rates: Any, times: Mapping[Any, int]) -> dict[str, Any]:
    """One shape's ceilings in GFLOP/s of a core."""
    product = rates.product
    kinds = ("ours", "torch_int8", "torch_bf16", "torch_fp32")
    return {
        "part": part,
        "shape": [product.rows, product.inputs, product.outputs],
        "times": times[product],
        "type": "int8" if product.integers else "fp32",
        **{kind: round(getattr(rates, kind) / GIGA, 1) for kind in kinds},
    }


def table(figures: dict[str, Any]) -> str:
    """The limits for people."""
    lines = ["GFLOP/s of a core at the shapes of the networks' products (rows x inputs x outputs):"]
    lines.append("part       shape              times  type      ours  torch int8   bf16   fp32")
    for each in figures["shapes"]:
        shape = "x".join(map(str, each["shape"]))
        lines.append(
            f"{each['part']:<10} {shape:<18} {each['times']:5}  {each['type']} {each['ours']:9.0f} "
            f"{each['torch_int8']:11.0f} {each['torch_bf16']:6.0f} {each['torch_fp32']:6.0f}"
        )
    lines.append(f"memory: a core reads {figures['read_gbytes_s']} and copies {figures['copy_gbytes_s']} GB/s")
    lines.append("part       calls   GFLOP      MB   products ms   memory ms   (of a core, at least)")
    for name, part in figures["parts"].items():
        lines.append(
            f"{name:<10} {part['calls']:5} {part['gflop']:7.3f} {part['mbytes']:7.2f} {part['products_ms']:13.2f} "
            f"{part['memory_ms']:11.2f}"
        )
    bound = f"{figures['frame_core_ms']:.2f} core ms a frame at least, {figures['frame_fps']:.0f} frames/s"
    return "\n".join([*lines, f"networks alone: {bound} on {figures['threads']} threads"])
