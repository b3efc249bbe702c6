"""Trains what says where a picture shows water: python -m model.training.waters --minutes 6.
Knows single views of many worlds, most of them by the shore; nothing of the running engine."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from configs.paths import WEIGHTS, cache_dir, load_toml
from model import checkpoint
from model.evaluation.gathering import files
from model.evaluation.stills import shows_water, worlds
from model.planes import pack
from model.tokenizer.frame import KIND as TOKENIZER_KIND
from model.tokenizer.frame import FrameTokenizer
from model.tokenizer.quick import quick_tokenizer
from model.training.loop import command, descend, keep_on, take_up
from model.training.optimizers import adam
from model.training.run import Run, step_seed
from model.training.showing import drafts
from model.waters import Waters, WatersConfig
from model.worlds.clips import start
from model.worlds.renderer import Renderer, View
from model.worlds.sounds import water_distances
from model.worlds.terrain import PLACES, bake
from model.worlds.weather import TIMES, WEATHERS, settled

LONGEST = 1.0
A_WORLD = 10  # views of each world: half of the 20 skies
STARTS = 6  # places to stand of which, for most views, the nearest to water is taken
BY_THE_SHORE = 0.7
CELL = 4  # half-resolution pixels of a cell of the answer, each way
HELD_OUT_WORLDS = 40
LOWER = slice(18, None)  # rows of cells below the horizon of a level view, where walkers walk


class Views(NamedTuple):
    """Latents [N, 16, 18, 32] in bf16 and how much of each cell is water, [N, 36, 64] in 0..1."""

    latents: Tensor
    water: Tensor


def draw(world: int, renderer: Renderer) -> dict[str, Tensor]:
    """A_WORLD views of a world without anything that falls: y [N, 288, 512], u, v [N, 144, 256] uint8, depth code
    [N, 144, 256] int32, water [N, 144, 256] bool."""
    rng = np.random.default_rng([world, 13])
    terrain = bake(PLACES[world % len(PLACES)], world)
    renderer.enter(terrain)
    rows: dict[str, list[Tensor]] = {name: [] for name in ("y", "u", "v", "depth", "water")}
    for chosen in rng.permutation(len(TIMES) * len(WEATHERS))[:A_WORLD]:
        time, weather = divmod(int(chosen), len(WEATHERS))
        starts = [start(terrain, rng) for _ in range(STARTS)]
        to_water = water_distances(terrain, np.array([(at.x, at.z) for at in starts], np.float32))
        at = starts[int(to_water.argmin()) if rng.random() < BY_THE_SHORE else 0]
        sky = asdict(settled(TIMES[time], WEATHERS[weather], rng))
        picture = renderer.draw(
            View(at.x, at.y, at.z, at.yaw, at.pitch, **sky, clock=float(rng.uniform(0, 60)), specks=False)
        )
        for name in ("y", "u", "v", "depth"):
            rows[name].append(torch.from_numpy(getattr(picture, name).astype("int32" if name == "depth" else "uint8")))
        rows["water"].append(shows_water(terrain, at, rows["depth"][-1]))
    return {name: torch.stack(values) for name, values in rows.items()}


def views(chosen: list[int]) -> Views:
    """Of these worlds, drawn where the cache lacks them."""
    path = WEIGHTS / "tokenizer.safetensors"
    eyes = quick_tokenizer(FrameTokenizer.load(path), checkpoint.load_extra(path, TOKENIZER_KIND).get("ranges"))
    latents, water = [], []
    for file in files(cache_dir() / "shores", chosen, draw):
        shown = load_file(file)
        planes = pack(shown["y"], shown["u"], shown["v"], shown["depth"])
        with torch.inference_mode():
            latents += [eyes.encode(one.contiguous())[0].bfloat16() for one in planes.split(1)]
        water.append(F.avg_pool2d(shown["water"].float(), CELL))
    return Views(torch.stack(latents), torch.cat(water))


@torch.inference_mode()
def accuracy(waters: Waters, held: Views) -> dict[str, float]:
    """Of the cells of the lower half that are water or land altogether: how many of either are taken for it."""
    said = torch.cat([waters.share(some.float()) for some in held.latents.split(256)])[:, LOWER] > 0.5
    true = held.water[:, LOWER]
    return {"water": float(said[true == 1].float().mean()), "land": float(1 - said[true == 0].float().mean())}


def train(run: Run, learnt: Views, section: Mapping[str, Any]) -> Waters:
    """Steps until the budget is spent or a signal comes -> the mean of the last ones."""
    assert isinstance(run.model, Waters) and isinstance(run.average, Waters)
    waters = run.model

    def step() -> Mapping[str, float | Tensor]:
        generator = torch.Generator().manual_seed(step_seed(section["seed"], run.step))
        rows = torch.randint(len(learnt.latents), (section["views"],), generator=generator)
        said = waters(drafts(learnt.latents[rows].float(), generator))
        loss = F.binary_cross_entropy_with_logits(said, learnt.water[rows])
        descend(run, loss, [waters], LONGEST)
        return {"loss": loss.detach()}

    keep_on(run, step, section["report_every_s"])
    return run.average.eval()


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    return command("waters", __doc__, "train-nano.toml", 6.0).parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    section: dict[str, Any] = load_toml(options.config)["waters"]
    torch.set_num_threads(1)  # small layers: threads would mostly wait for each other
    torch.manual_seed(section["seed"])
    waters = Waters(WatersConfig(**section["model"])).train()
    run = Run(
        cache_dir() / "runs" / options.run,
        waters,
        adam(waters.parameters(), section["rate"], section["decay"]),
        options.minutes,
    )
    with run.interruptible():
        if options.resume:
            take_up(run)
        found = train(run, views(worlds(section["worlds"], False)), section)
    held = accuracy(found, views(worlds(HELD_OUT_WORLDS, True)))
    print("held out: " + ", ".join(f"{name} {value:.4f}" for name, value in held.items()), flush=True)
    found.save(run.folder / "ema.safetensors", steps=run.step, worlds=section["worlds"], held_out=held)
    print(f"wrote {run.folder / 'ema.safetensors'}", flush=True)


if __name__ == "__main__":
    main()
