"""Trains the probe and measures it on rendered clips: pairs of frames with their truth, worn as a stream wears them.
Knows clips and the probe; refuses to know any learned world."""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from configs.paths import WEIGHTS, cache_dir
from model import planes
from model.evaluation.motion import camera_motion
from model.evaluation.probe import ATTRIBUTES, HEIGHT, WIDTH, Probe, ProbeConfig, normalised
from model.worlds import clips
from model.worlds.terrain import PLACES

BATCH, RATE, CALIBRATION_PAIRS = 16, 3e-3, 320
WALKS_M, STANDS_M = 0.5, 0.1  # between the two pictures of a pair
LEVEL_RAD = 0.45  # steeper views show nothing but sky, or nothing but ground
GAPS = (4, 8)  # frames between the two of a pair

Pairs = dict[str, Tensor]  # a, b [B, 3, H, W] in 0..255; attributes(_b) [B, 4]; place, pitch [B]; motion [B, 2]


def pairs(paths: list[Path], generator: torch.Generator, count: int) -> Pairs:
    """`count` pairs of random clips, one in each of their lights, with what is true of the first and between both."""
    rows: list[dict[str, Tensor]] = []
    for _ in range(count):
        clip = clips.read(paths[_draw(generator, len(paths))])
        light, gap = _draw(generator, clips.SKIES), GAPS[0] + _draw(generator, GAPS[1] - GAPS[0] + 1)
        frame = _draw(generator, clips.FRAMES - gap)
        rows.append(
            {
                "a": streamed(clip, light, frame),
                "b": streamed(clip, light, frame + gap),
                "attributes": attributes(clip["sky"][light, frame + 1]),
                "attributes_b": attributes(clip["sky"][light, frame + 1 + gap]),
                "place": clip["place"][0].long(),
                "pitch": clip["walk"][frame + 1, 4],
                "motion": motion(clip["walk"][frame + 1], clip["walk"][frame + 1 + gap]),
            }
        )
    batch = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    return batch | {k: batch[k].contiguous(memory_format=torch.channels_last) for k in "ab"}


def streamed(clip: dict[str, Tensor], light: int, frame: int) -> Tensor:
    """A frame's streamed part as RGB [3, 135, 240] in 0..255, straight from its planes."""
    top, left = planes.CROP_Y // 2, planes.CROP_X // 2
    y = F.avg_pool2d(clip["y"][light, frame][None, None].float(), 2)[0, 0]
    cut = (slice(top, top + HEIGHT), slice(left, left + WIDTH))
    luma, u, v = (p[cut].float() for p in (y, clip["u"][light, frame], clip["v"][light, frame]))
    luma, blue, red = (luma - 16) / 219, (u - 128) / 224 * planes.BLUE_SPAN, (v - 128) / 224 * planes.RED_SPAN
    green = -(planes.LUMA_RED * red + planes.LUMA_BLUE * blue) / planes.LUMA_GREEN
    return ((luma + torch.stack([red, green, blue])) * 255).clamp(0, 255)


def attributes(sky: Tensor) -> Tensor:
    """[6] of a sky -> snow, rain, fog, night in 0..1. Night is the sun below the horizon, twilight in between."""
    tod, _, fog, rain, snow, _ = sky.unbind()
    sun = torch.sin(2 * math.pi * tod)
    return torch.stack([snow, rain, fog, ((0.05 - sun) / 0.25).clamp(0, 1)])


def motion(before: Tensor, after: Tensor) -> Tensor:
    """Two walks [9] -> metres along the mean heading, radians to the right."""
    turn = torch.remainder(after[3] - before[3] + math.pi, 2 * math.pi) - math.pi
    heading = before[3] + turn / 2
    return torch.stack([(after[0] - before[0]) * heading.sin() + (after[2] - before[2]) * heading.cos(), turn])


def worn(picture: Tensor, generator: torch.Generator) -> Tensor:
    """[B, 3, H, W] as a codec, a network and a screen may leave them: soft, blocky, noisy, brighter or duller."""
    batch, _, height, width = picture.shape

    def some(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(batch, 1, 1, 1, generator=generator)

    soft = F.avg_pool2d(F.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, 1)
    picture = picture + some(0, 1) * (some(0, 1) < 0.6) * (soft - picture)
    blocks = F.interpolate(F.avg_pool2d(picture, 4, ceil_mode=True), scale_factor=4)[:, :, :height, :width]
    picture = picture + some(0, 0.5) * (some(0, 1) < 0.4) * (blocks - picture)
    step = some(1, 6)
    picture = torch.where(some(0, 1) < 0.3, (picture / step).round() * step, picture)
    picture = picture + some(0, 3) * torch.randn((batch, 1, height, width), generator=generator)
    grey = picture.mean(1, keepdim=True)
    picture = grey + some(0.85, 1.15) * (picture - grey)
    return (picture * some(0.9, 1.1) + some(-8, 8)).clamp(0, 255)


def loss_of(probe: Probe, batch: Pairs, generator: torch.Generator) -> Tensor:
    """Cross entropies of what is read from both pictures of each pair, half of them seen in a mirror."""
    pictures = torch.cat([batch["a"], batch["b"].flip(-1)])
    logits = probe.reader(normalised(worn(pictures, generator)))
    truth = torch.cat([batch["attributes"], batch["attributes_b"]])
    count = len(ATTRIBUTES)
    said = F.binary_cross_entropy_with_logits(logits[:, :count], truth)
    return 4 * said + 0.5 * F.cross_entropy(logits[:, count:], batch["place"].repeat(2))


def train(paths: list[Path], seconds: float, clock: Callable[[], float]) -> tuple[Probe, int]:
    """A probe trained for that long by the clock, and the number of its steps."""
    torch.manual_seed(0)
    probe = Probe(ProbeConfig(places=tuple(PLACES)))
    optimizer = torch.optim.AdamW(probe.parameters(), RATE, weight_decay=0.02)
    generator, start, step, shown = torch.Generator().manual_seed(0), clock(), 0, 0.0
    while (progress := (clock() - start) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * progress))
        loss = loss_of(probe, pairs(paths, generator, BATCH), generator)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        step, shown = step + 1, 0.95 * shown + 0.05 * loss.item()
        if step % 50 == 0:
            print(f"step {step}, {100 * progress:.0f} %, loss {shown / (1 - 0.95**step):.3f}", flush=True)
    calibrate(probe.eval(), pairs(paths, generator, CALIBRATION_PAIRS))
    return probe, step


@torch.no_grad()
def calibrate(probe: Probe, batch: Pairs) -> None:
    """Fits the line from growth to metres forward through the medians of those who walk and those who stand, in level
    and dry views. (Least squares would draw every reading toward the mean; many readings together shall be true.)"""
    said = torch.cat(
        [
            camera_motion(normalised(a), normalised(b))
            for a, b in zip(batch["a"].split(BATCH), batch["b"].split(BATCH), strict=True)
        ]
    )[:, 0]
    truth = batch["motion"][:, 0]
    fit = (batch["pitch"].abs() < LEVEL_RAD) & (batch["attributes"][:, :2] < 0.25).all(1)
    walks, stands = fit & (truth > WALKS_M), fit & (truth.abs() < STANDS_M)
    low, high = said[stands].median(), said[walks].median()
    slope = truth[walks].median() / (high - low).clamp_min(1e-3)
    probe.get_buffer("forward_line").copy_(torch.stack([slope, -slope * low]))


@torch.no_grad()
def measure(probe: Probe, paths: list[Path], steepest_rad: float, wear: bool) -> dict[str, float]:
    """Balanced accuracies on pairs of these clips, each attribute by itself, and errors of the motion. Frames in the
    midst of a change (a quarter to three quarters) count for none of the two sides."""
    logits, guesses, parts = [], [], []
    for batch in _sweep(paths):
        generator = torch.Generator().manual_seed(1)
        a, b = (normalised(worn(batch[k], generator) if wear else batch[k]) for k in "ab")
        seen = batch["pitch"].abs() < steepest_rad
        logits.append(probe.reader(a)[seen])
        guesses.append(probe.moved(a, b)[seen])
        parts.append({k: batch[k][seen] for k in ("attributes", "place", "motion")})
    said, guess = torch.cat(logits), torch.cat(guesses)
    truth, place, motions = (torch.cat([part[k] for part in parts]) for k in ("attributes", "place", "motion"))
    figures: dict[str, float] = {"pairs": len(truth)}
    for i, name in enumerate(ATTRIBUTES):
        figures[name] = balanced_accuracy(said[:, i] > 0, truth[:, i] > 0.75, truth[:, i] < 0.25)
    chosen = said[:, len(ATTRIBUTES) :].argmax(1)
    figures["place"] = float(torch.stack([(chosen[place == i] == i).float().mean() for i in place.unique()]).mean())
    return figures | _moves(guess, motions, truth)


def _moves(guess: Tensor, motions: Tensor, truth: Tensor) -> dict[str, float]:
    forward, turn = motions.unbind(1)
    dry = (truth[:, :2] < 0.25).all(1)
    return {
        "turn_side": balanced_accuracy(guess[:, 1] > 0, turn > 0.05, turn < -0.05),
        "turn_error_rad": float((guess[:, 1] - turn).abs().mean()),
        "walks": balanced_accuracy(guess[:, 0] > WALKS_M / 2, forward > WALKS_M, forward.abs() < STANDS_M),
        "dry_walks": balanced_accuracy(
            guess[dry, 0] > WALKS_M / 2, forward[dry] > WALKS_M, forward[dry].abs() < STANDS_M
        ),
        "dry_forward_correlation": float(torch.corrcoef(torch.stack([guess[dry, 0], forward[dry]]))[0, 1]),
    }


def balanced_accuracy(said: Tensor, yes: Tensor, no: Tensor) -> float:
    """Mean of the two recalls; not a number where a side has no example."""
    return float((said[yes].float().mean() + (~said[no]).float().mean()) / 2)


def _sweep(paths: list[Path]) -> Iterator[Pairs]:
    """Four pairs of every clip, always the same ones."""
    for path in paths:
        yield pairs([path], torch.Generator().manual_seed(int(path.stem)), 4)


def _draw(generator: torch.Generator, n: int) -> int:
    return int(torch.randint(n, (), generator=generator))


def main() -> None:
    """Parse, train, measure on held-out worlds, save."""
    parser = argparse.ArgumentParser(prog="python -m model.evaluation.probe", description=__doc__)
    parser.add_argument("--clips", type=Path, default=cache_dir() / "clips-nano")
    parser.add_argument("--minutes", type=float, default=5.0, help="of processor time, so that a busy machine counts")
    parser.add_argument("--out", type=Path, default=WEIGHTS / "probe.safetensors")
    arguments = parser.parse_args()
    training, held_out = clips.list_clips(arguments.clips), clips.list_clips(arguments.clips, validation=True)
    if len(training) < 8 or not held_out:
        parser.error(f"expected clips in {arguments.clips}, found {len(training)} and {len(held_out)} held out")
    os.nice(19)
    torch.set_num_threads(1)
    probe, steps = train(training, 60 * arguments.minutes, time.process_time)
    figures = {
        "all views": measure(probe, held_out, math.inf, wear=False),
        "level views": measure(probe, held_out, LEVEL_RAD, wear=False),
        "level views, worn": measure(probe, held_out, LEVEL_RAD, wear=True),
    }
    print(probe.describe())
    for name, values in figures.items():
        print(f"{len(held_out)} held-out clips, {name}: " + ", ".join(f"{k} {v:.3f}" for k, v in values.items()))
    probe.save(arguments.out, {"steps": steps, "training_clips": len(training), "held_out": figures})
