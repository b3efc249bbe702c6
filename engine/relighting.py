"""How near known pictures come to truth when their light changes, beside silhouettes and elsewhere: the simulator draws
one view under two skies, and the first is relit as worlds are: python -m engine.relighting [--views N] [--json FILE].
Knows skies and silhouettes; nothing of what is served."""

from __future__ import annotations

import engine.openmp  # noqa: F401  before anything that loads torch

# isort: split
import argparse
from collections.abc import Sequence
from dataclasses import asdict, astuple, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.imagination import Imagination, Told
from engine.models import Models, load_models
from engine.recollection import Recollection, all_own
from model.beside import most_around
from model.borders import DEPTH, SKY
from model.conditioning import state
from model.evaluation.figures import mean
from model.geometry import drawn_here
from model.measuring import measured
from model.planes import pack
from model.relight import silhouettes
from model.worlds.captions import describe
from model.worlds.clips import HELD_OUT, start
from model.worlds.opengl import Picture
from model.worlds.renderer import Renderer, View
from model.worlds.terrain import PLACES, bake
from model.worlds.weather import settled

BEFORE = (("day", "clear"), ("dusk", "clear"), ("day", "overcast"))
AFTER = (("night", "clear"), ("day", "rain"), ("day", "snow"), ("day", "fog"), ("dusk", "clear"), ("night", "rain"))
SPOTS, NEAR_CODE, UPPER = 12, 0.3, 80  # looks at a world for one whose upper rows show much that is so near
BESIDE, NEAR = 4, -0.6  # half-resolution pixels beside a silhouette; depth's plane of what one is before
LONG_AGO_S = 5.0
SEED = 77


def packed(drawn: Picture) -> Tensor:
    """The simulator's picture as planes [1, 7, 144, 256]."""
    parts = (drawn.y, drawn.u, drawn.v, drawn.depth.astype(np.int32))
    return pack(*(torch.from_numpy(np.ascontiguousarray(part))[None] for part in parts))


def before_something_near(renderer: Renderer, seed: int) -> tuple[str, View]:
    """The place of a seed's world, and of some views of it the one that shows most of what is near and high."""
    rng, place = np.random.default_rng([seed, SEED]), PLACES[seed % len(PLACES)]
    terrain, found = bake(place, seed), list[tuple[float, View]]()
    renderer.enter(terrain)
    for _ in range(SPOTS):
        at = start(terrain, rng)
        view = View(at.x, at.y, at.z, at.yaw, at.pitch, specks=False)
        share = float((renderer.draw(view).depth[:UPPER] > NEAR_CODE * 65535).mean())
        found.append((share if share < 0.5 else 0.0, view))
    return place, max(found, key=lambda one: one[0])[1]


@torch.inference_mode()
def relit(models: Models, known: Tensor, told: Told, before: Tensor) -> Tensor:
    """Planes [1, 7, 144, 256] that show the sky `before` [6], in the light of what is told, [1, 8, 144, 256]."""
    pose = torch.tensor([told.state.pose])
    seen = all_own(drawn_here(known), pose, state.light(before))
    glimpse = models.see([seen], seen, [], pose, state.light(told.state.sky))
    generator = torch.Generator().manual_seed(SEED)
    latents = Imagination(models, Recollection(models), generator).relit(told, glimpse.tokens)
    return models.draw(latents, (glimpse, torch.zeros_like(glimpse.other_light)))[0]


def off(made: Tensor, truth: Tensor) -> dict[str, float]:
    """By how much planes are off the true ones, luma and colours together, in shares of the range: all over, and of the
    sky and the land beside silhouettes of what is near."""
    error = (made[:, :DEPTH] - truth[:, :DEPTH]).abs() / 2
    error = error[:, :4].mean(1, keepdim=True) + error[:, 4:].mean(1, keepdim=True)
    depth = truth[:, DEPTH : DEPTH + 1]
    beside = (most_around(silhouettes(depth), BESIDE) > 0) & (most_around(depth, BESIDE + 1) > NEAR)
    parts = {
        "all": torch.ones_like(beside),
        "sky_beside": beside & (depth < SKY),
        "land_beside": beside & (depth >= SKY),
    }
    return {name: float(error[part].mean()) for name, part in parts.items() if part.any()}


def figures(views: int) -> dict[str, float]:
    """Mean errors of so many views."""
    models, renderer, found = load_models(), Renderer(), dict[str, list[float]]()
    for at in range(views):
        seed = HELD_OUT * at  # no training sees every so many worlds
        rng = np.random.default_rng([seed, SEED + 1])
        place, view = before_something_near(renderer, seed)
        names = AFTER[at % len(AFTER)]
        before, after = settled(*BEFORE[at // len(AFTER) % len(BEFORE)], rng), settled(*names, rng)
        known, truth = (packed(renderer.draw(replace(view, **asdict(sky)))) for sky in (before, after))
        text = describe(place, *names, rng, "en")
        now = state.WorldState(state.PLACES.index(place), torch.tensor(astuple(after)))
        made = relit(models, known, Told.by(models, text, LONG_AGO_S, now), torch.tensor(astuple(before)))
        for name, value in off(made, truth).items():
            found.setdefault(name, []).append(value)
    return {name: mean(values) for name, values in found.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m engine.relighting", description=__doc__)
    parser.add_argument("--views", type=int, default=42)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.views < 1:
        parser.error(f"--views: expected 1 or more; got {options.views}")
    measured(partial(figures, options.views), options.json)


if __name__ == "__main__":
    main()
