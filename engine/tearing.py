"""Torn views and what is truly there, for who learns to draw them whole: in worlds of the simulator somebody walks on
and turns from invented and true pictures as in served ones: python -m engine.tearing --worlds 400 --processes 2.
Knows walks, skies and how views tear; nothing of what learns from them."""

from __future__ import annotations

import engine.openmp  # noqa: F401  before anything that loads torch

# isort: split
import argparse
import multiprocessing
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, replace
from functools import partial
from math import atan2, hypot, pi
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from configs.paths import cache_dir, load_toml
from engine import sampler
from engine.imagination import Told, imagine_well, onwards
from engine.models import Glimpse, Models, load_models
from engine.recollection import all_own, nothing
from engine.relighting import packed
from engine.renewal import STEPS, with_fresh
from model.conditioning import state
from model.detail import finished
from model.dust import without_dust
from model.evaluation.gathering import files
from model.evaluation.stills import worlds
from model.heavens import under
from model.omni import GROUPS, PATCH, VIEW, patch, unpatch
from model.overlay import Known
from model.training.sentences import Sentences
from model.training.torn import FOLDER
from model.worlds.clips import start
from model.worlds.renderer import Renderer, View
from model.worlds.terrain import PLACES, Terrain, bake
from model.worlds.walker import FRAME_S, WALK_M_S, Controls, Walk, step
from model.worlds.weather import TIMES, WEATHERS, Sky, settled

SKETCHES = (3, 4, 5)  # of STEPS, that a true picture is ahead when it is drawn as served ones are
WALKS, HOPS, WAYS = 4, 3, 3  # in each world; pictures of each walk; and ways on from each, of which it takes the last
WOODED = 0.4  # the share of worlds that are meadows, where most trees are
TIME_SHARES, WEATHER_SHARES = (0.2, 0.45, 0.2, 0.15), (0.45, 0.2, 0.15, 0.1, 0.1)  # of TIMES and WEATHERS
SPOTS, AMONG = 8, 0.7  # places to stand; the share of walks that begin where most grows ahead
NEAREST_M, FARTHEST_M, AHEAD_RAD = 2.5, 40.0, 0.6  # of what grows ahead
LEAST_M, MOST_M = 0.5, 5.0  # of a walk from one picture to the next
TURNS, SLIGHT_RAD, MOST_RAD = 0.4, 0.1, 1.2  # the share of walks in which somebody turns; a deviation, and by how much
BACK = 0.35  # the share of walks on that are steps back, from which one sees what the picture's border cut
STARTING, HELD_UP = 4, 0.4  # frames until somebody walks, and the share of a walk's speed below which something holds
TRUE = 0.2  # the share of walks that begin with a true picture and not with an invented one
ASIDE, ASIDE_RAD = 0.6, (0.6, 1.1)  # the share of walks in which what lies aside was dreamed of, and how far aside
REMEMBERED = 4  # pictures that are looked at
SAID, SOMEWHERE = 0.75, 0.85  # how often a time or a weather is named, and a place
AGES_S = (2.0, 60.0)  # for which a prompt has stood
WALK_SEED = 41


@dataclass(frozen=True)
class Scene:
    """Where a walk is drawn: under which sky, told how."""

    models: Models
    renderer: Renderer
    sky: Sky
    clock: float
    told: Told
    said: tuple[int, int, int]
    rng: np.random.Generator
    noise: torch.Generator

    def at(self, walk: Walk) -> Told:
        """What is told of somebody there."""
        pose = [walk.x, walk.y, walk.z, walk.yaw, walk.pitch]
        return replace(self.told, state=replace(self.told.state, pose=pose))

    def true(self, walk: Walk) -> Tensor:
        """Latents [1, 16, 18, 32] of what is seen from there."""
        view = View(walk.x, walk.y, walk.z, walk.yaw, walk.pitch, **asdict(self.sky), clock=self.clock, specks=False)
        return self.models.tokenizer.encode(packed(self.renderer.draw(view)).contiguous())

    def seen(self, walk: Walk, known: list[Known]) -> Glimpse:
        """What some pictures, the newest first, show of the view from there."""
        now = self.at(walk).state
        pose, light = torch.tensor([now.pose]), state.light(now.sky)
        return self.models.see(known[:1], nothing(pose, light), known[1:], pose, light, beyond=True)

    def as_served(self, walk: Walk, true: Tensor, seen: Glimpse | None) -> Known:
        """True latents drawn as served pictures are, told what is seen, as a keyframe that shows all of its view."""
        told, at = self.at(walk), int(self.rng.choice(SKETCHES))
        noisy = sampler.with_noise(patch(true)[:, None], self._noise(), at / STEPS)
        view = torch.zeros(1, GROUPS["video"], VIEW) if seen is None else seen.tokens
        for done in range(at, STEPS):
            clean = imagine_well(self.models, told, view, noisy, done / STEPS).clean.float()
            noisy = onwards(noisy, clean, done / STEPS, STEPS, self._noise())
        planes = finished(self.models.finishing(self.models.decode(unpatch(noisy[:, 0]).clamp(-3, 3))))
        return self.kept(walk, without_dust(planes if seen is None else with_fresh(planes, seen)))

    def kept(self, walk: Walk, planes: Tensor) -> Known:
        """Planes [1, 8, 144, 256] as a keyframe that shows all of its view."""
        now = self.at(walk).state
        return all_own(planes, torch.tensor([now.pose]), state.light(now.sky))

    def pair(self, walk: Walk, seen: Glimpse, true: Tensor) -> dict[str, Tensor]:
        """What is told there of what is seen, and true latents."""
        told = self.at(walk)
        return {
            "view": under(seen.tokens, *told.state.heavens())[0].bfloat16(),
            "true": true[0].bfloat16(),
            "said": torch.tensor(self.said),
            "age_s": torch.tensor(told.age_s),
            "state": told.dry.tokens(),
        }

    def _noise(self) -> Tensor:
        return torch.randn(1, 1, GROUPS["video"], PATCH, generator=self.noise)


def grows_ahead(terrain: Terrain, walk: Walk) -> int:
    """How many plants somebody sees who looks ahead from there; none where one of them is in the way."""
    feet = terrain.plants[0]
    away = [(x - walk.x, z - walk.z) for x, _, z in feet]
    ahead = [hypot(x, z) for x, z in away if abs((atan2(x, z) - walk.yaw + pi) % (2 * pi) - pi) < AHEAD_RAD]
    return sum(m < FARTHEST_M for m in ahead) if min(ahead, default=NEAREST_M) >= NEAREST_M else 0


def begun(terrain: Terrain, rng: np.random.Generator) -> Walk:
    """Where a walk begins, mostly among what grows."""
    spots = [start(terrain, rng) for _ in range(SPOTS)]
    chosen = max(spots, key=partial(grows_ahead, terrain)) if rng.random() < AMONG else spots[0]
    return replace(chosen, pitch=chosen.pitch / 2)


def walked(terrain: Terrain, walk: Walk, rng: np.random.Generator) -> Walk:
    """Where somebody is who has gone on for some metres, or back, or until held up, and looked aside or turned."""
    frames = max(1, int(rng.uniform(LEAST_M, MOST_M) / (WALK_M_S * FRAME_S)))
    turn = rng.uniform(-MOST_RAD, MOST_RAD) if rng.random() < TURNS else rng.normal(0, SLIGHT_RAD)
    back = bool(rng.random() < BACK)
    for frame in range(frames):
        on = step(terrain, walk, Controls(forward=not back, back=back, look_x=float(turn) / frames))
        held = frame > STARTING and hypot(on.x - walk.x, on.z - walk.z) < HELD_UP * WALK_M_S * FRAME_S
        walk = on
        if held:
            break
    return walk


def scene(
    models: Models, sentences: Sentences, renderer: Renderer, terrain: Terrain, rng: np.random.Generator
) -> Scene:
    """A sky over a world, and what is said of them."""
    shares = (TIMES, TIME_SHARES), (WEATHERS, WEATHER_SHARES)
    time, weather = (int(rng.choice(len(names), p=p)) for names, p in shares)
    sky, place = settled(TIMES[time], WEATHERS[weather], rng), PLACES.index(terrain.place)
    said_time, said_weather = (
        at if rng.random() < SAID else len(names) for at, names in ((time, TIMES), (weather, WEATHERS))
    )
    unsaid = said_time == len(TIMES) and said_weather == len(WEATHERS)
    said_place = place if unsaid or rng.random() < SOMEWHERE else len(PLACES)
    said = said_place, said_time, said_weather
    features = sentences.take(torch.tensor([sentences.states[said] + int(rng.integers(sentences.count))]))
    now = state.WorldState(place, torch.tensor(astuple(sky), dtype=torch.float32))
    told = Told(models.inventor.resample(*features), models.omni.resample(*features), float(rng.uniform(*AGES_S)), now)
    noise = torch.Generator().manual_seed(int(rng.integers(2**31)))
    return Scene(models, renderer, sky, float(rng.uniform(0, 60)), told, said, rng, noise)


@torch.inference_mode()
def draw(models: Models, sentences: Sentences, world: int, renderer: Renderer) -> dict[str, Tensor]:
    """A world's pairs, N = WALKS x HOPS x WAYS: what is told of the torn view [N, 144, 103] and the true latents [N,
    16, 18, 32]; what is told with them (said [N, 3] as `Sentences` counts it, age_s [N], state [N, 4, 8])."""
    rng = np.random.default_rng([world, WALK_SEED])
    terrain = bake("meadow" if rng.random() < WOODED else PLACES[world % len(PLACES)], world)
    renderer.enter(terrain)
    rows = []
    for _ in range(WALKS):
        rows += walk_on(terrain, scene(models, sentences, renderer, terrain, rng))
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def first_pictures(terrain: Terrain, under_sky: Scene) -> tuple[Walk, list[Known]]:
    """Where a walk begins, and what is known there: what was seen first, and sometimes what lies aside."""
    rng, models = under_sky.rng, under_sky.models
    walk = begun(terrain, rng)
    true = under_sky.true(walk)
    if rng.random() < TRUE:
        known = [under_sky.kept(walk, finished(models.finishing(models.decode(true))))]
    else:
        known = [under_sky.as_served(walk, true, None)]
    if rng.random() < ASIDE:
        aside = replace(walk, yaw=walk.yaw + float(rng.uniform(*ASIDE_RAD) * rng.choice((-1, 1))), pitch=0.0)
        known.append(under_sky.as_served(aside, under_sky.true(aside), under_sky.seen(aside, known)))
    return walk, known


def walk_on(terrain: Terrain, under_sky: Scene) -> list[dict[str, Tensor]]:
    """The pairs of one walk."""
    rows = list[dict[str, Tensor]]()
    at, known = first_pictures(terrain, under_sky)
    for hop in range(HOPS):
        for _ in range(WAYS):
            walk = walked(terrain, at, under_sky.rng)
            seen, true = under_sky.seen(walk, known), under_sky.true(walk)
            rows.append(under_sky.pair(walk, seen, true))
        if hop + 1 < HOPS:
            at, known = walk, [under_sky.as_served(walk, true, seen), *known][:REMEMBERED]
    return rows


def sentences_learnt() -> Sentences:
    """Those that the inventing network learns from."""
    training = load_toml("train-inventor.toml")["dynamics"]["training"]
    return Sentences(None, training["sentences"], training["seed"], kept=cache_dir())


def fill(folder: Path, chosen: list[int]) -> int:
    """The pairs of these worlds in files, drawn where they are missing; how many worlds."""
    torch.set_num_threads(1)
    return len(files(folder, chosen, partial(draw, load_models(), sentences_learnt())))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m engine.tearing", description=__doc__)
    parser.add_argument("--worlds", type=int, default=400, help="to learn from")
    parser.add_argument("--held-out", type=int, default=24, help="to measure with")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    if min(options.worlds, options.held_out, options.processes) < 1:
        parser.error("--worlds, --held-out, --processes: expected 1 or more of each")
    chosen = worlds(options.held_out, True) + worlds(options.worlds, False)
    parts = [chosen[first :: options.processes] for first in range(options.processes)]
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        count = sum(pool.map(partial(fill, cache_dir() / FOLDER), parts))
    print(f"{count} worlds, {WALKS * HOPS * WAYS} pairs each, in {cache_dir() / FOLDER}", flush=True)


if __name__ == "__main__":
    main()
