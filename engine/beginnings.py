"""Whether new worlds show what was asked for, in their first frame and all around it, as the judges of `mundo eval`
read pictures: python -m engine.beginnings [--drafts N] [--patience S] [--json FILE]. Knows sentences, and what they
ask for."""

from __future__ import annotations

import engine.openmp  # noqa: F401  before anything that loads torch

# isort: split
import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from itertools import product
from math import inf, pi
from pathlib import Path

import numpy as np
import torch

from engine import imagination
from engine.evaluate import picture_of
from engine.world import Inputs, World, load_models
from model.conditioning.state import PLACES
from model.evaluation.figures import mean
from model.evaluation.judges import ATTRIBUTES, Judges
from model.evaluation.metrics.fidelity import feature_distance
from model.evaluation.pictures import Picture, look
from model.measuring import measured
from model.worlds.captions import describe
from model.worlds.clips import HELD_OUT, start
from model.worlds.renderer import Renderer, View
from model.worlds.terrain import bake
from model.worlds.weather import settled

SKIES = (("day", "clear"), ("day", "overcast"), ("day", "rain"), ("dusk", "clear"), ("dawn", "clear"))  # with a place
SENTENCES, SEED = 2, 90_211  # of each place and sky; of a seed that no training draws from
LAND = 1000  # worlds of one set of the simulator's
VIEWS, FRAMES = 10, 9  # of a full turn, and frames from one to the next


def asked() -> Iterator[tuple[str, dict[str, str]]]:
    """English sentences of the grammar, and what each asks for. All of it can be seen: nobody tells places apart in
    fog, in snow or at night."""
    rng = np.random.default_rng(SEED)
    for place, (time, weather), _ in product(PLACES, SKIES, range(SENTENCES)):
        yield describe(place, time, weather, rng, "en"), {"place": place, "time": time, "weather": weather}


def simulated(world: int) -> list[list[Picture]]:
    """Of what each sentence asks for a level view, and those of a full turn, as the simulator draws them; of other
    worlds for other numbers."""
    renderer, out = Renderer(), []
    for at, (_, wanted) in enumerate(asked()):
        seed = HELD_OUT * (world * LAND + at)  # no training sees every so many worlds
        terrain, rng = bake(wanted["place"], seed), np.random.default_rng([seed, SEED])
        renderer.enter(terrain)
        stands, sky = start(terrain, rng), asdict(settled(wanted["time"], wanted["weather"], rng))
        yaws = [stands.yaw + 2 * pi * view / VIEWS for view in range(VIEWS + 1)]
        drawn = [renderer.draw(View(stands.x, stands.y, stands.z, yaw, 0.0, **sky)) for yaw in yaws]
        out.append([Picture(*(torch.from_numpy(plane) for plane in (one.y, one.u, one.v))) for one in drawn])
    return out


def rightly(judges: Judges, shown: list[Picture], wanted: dict[str, str]) -> dict[str, list[float]]:
    """Which attributes the first of some pictures shows rightly, and the others: 1 or 0 of each."""
    read, out = judges.read(look(shown)), dict[str, list[float]]()
    for name, classes in ATTRIBUTES.items():
        found = (read[name].argmax(1) == classes.index(wanted[name])).float().tolist()
        out |= {f"first_{name}": found[:1], f"turn_{name}": found[1:]}
    return out


def figures(patience_s: float) -> dict[str, float]:
    """The share of attributes that first frames show rightly, and the views of a full turn (who turns on a coast sees a
    meadow, too), and how far first frames are from the simulator's in the judges' features; beside the same of the
    simulator's own."""
    models, judges = load_models(), Judges.load()
    right: dict[str, list[float]] = {}
    firsts = list[Picture]()

    def count(whose: str, shown: list[Picture], wanted: dict[str, str]) -> None:
        for name, found in rightly(judges, shown, wanted).items():
            right.setdefault(whose + name, []).extend(found)

    for seed, (text, wanted) in enumerate(asked()):
        world = World(models, seed, text)
        world.patience_s = patience_s
        shown_here = pictures(world)
        firsts.append(shown_here[0])
        count("", shown_here, wanted)
    worlds = [simulated(number) for number in (1, 2)]
    for each in worlds:
        for (_, wanted), views in zip(asked(), each, strict=True):
            count("true_", views, wanted)
    sets = (*([views[0] for views in each] for each in worlds), firsts)
    drawn, others, invented = (judges.features(look(some)) for some in sets)
    distances = {
        "first_feature_distance": feature_distance(invented, drawn),
        "true_feature_distance": feature_distance(others, drawn),
    }
    return {name: mean(found) for name, found in right.items()} | distances


def pictures(world: World) -> list[Picture]:
    """The first one, and the views of a full turn."""
    first, turn = world.step(Inputs()), Inputs(look_x=2 * pi / (VIEWS * FRAMES))
    around = [world.step(turn) for _ in range(VIEWS * FRAMES)][FRAMES - 1 :: FRAMES]
    return [picture_of(frame) for frame in (first, *around)]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m engine.beginnings", description=__doc__)
    parser.add_argument("--drafts", type=int, help="of each picture, instead of as many as the engine makes")
    parser.add_argument("--patience", type=float, default=inf, help="seconds that a world may dream before its turn")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    if options.drafts is not None:
        if options.drafts < 1:
            parser.error(f"--drafts: expected 1 or more; got {options.drafts}")
        imagination.DRAFTS = imagination.DREAM_DRAFTS = options.drafts
    measured(partial(figures, options.patience), options.json)


if __name__ == "__main__":
    main()
