"""How a world wears while somebody strolls through it, looks around and wishes for other light, for minutes or hours:
python -m engine.hours --minutes 30 [--prompt TEXT] [--seed N] [--strip FILE] [--json FILE] [--truth]. Knows a walk,
wishes and what can be told of pictures alone. `--truth`: the same stroll through a meadow of the simulator, which wears
in nothing: how far minutes differ by what happens to stand there."""

from __future__ import annotations

import engine.openmp  # noqa: F401  before anything that loads torch

# isort: split
import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import fmean, median

import numpy as np

from engine.evaluate import picture_of
from engine.messages import FRAME_RATE
from engine.render import Planes, write_strip
from engine.steppable import Steppable
from engine.world import Frame, Inputs, World, load_models
from model.evaluation.metrics.drift import properties
from model.evaluation.motion import camera_motion
from model.evaluation.pictures import Picture, look
from model.evaluation.scenes import scene
from model.evaluation.subjects import Act, Beginning, Simulator, Wish
from model.measuring import measured
from model.worlds.walker import Controls

# One of them in the middle of each minute; the fifth brings back the light of the beginning
WISHES = {
    "the sun sets": ("dusk", ""),
    "night falls": ("night", ""),
    "let it be day": ("day", ""),
    "it rains": ("", "rain"),
    "the sky clears": ("", "clear"),
}
ROUND_MIN = len(WISHES)  # minutes after which the same is wished for again
FORWARD, BACK = 1 << 0, 1 << 1
ROUND, WALK, TURN_FROM, TURN_TO, BACK_FROM = 240, 130, 140, 170, 220  # frames of a round of the walk
MOST_RAD, LEAST_RAD = 0.05, 0.03  # of a turn, in a frame
APART = 2  # frames between two pictures in which a turn is looked for
SAME = 1e-3  # of luma in 0..1: pictures that differ by less stand still
BLACK, WHITE = 0.02, 0.98
STILLS_S = 60


@dataclass
class Minute:
    """What is told of one: the mean of each of `properties`, how much of the turns that were asked for is seen, the
    share of black and of blown-out pixels in its worst second, and the longest time without a change in seconds."""

    shown: dict[str, list[float]] = field(default_factory=dict)
    turns: list[float] = field(default_factory=list)
    black: float = 0.0
    white: float = 0.0
    frozen_s: float = 0.0

    def look_at(self, picture: Picture) -> None:
        """A picture a second."""
        for name, value in properties(picture).items():
            self.shown.setdefault(name, []).append(value)
        luma = (picture.y.float() - 16) / 219
        self.black = max(self.black, float((luma < BLACK).float().mean()))
        self.white = max(self.white, float((luma > WHITE).float().mean()))

    def figures(self) -> dict[str, float]:
        """Of all of it."""
        told = {name: fmean(values) for name, values in self.shown.items()}
        turned = {"turned": median(self.turns)} if self.turns else {}
        return told | turned | {"black": self.black, "white": self.white, "frozen_s": self.frozen_s}


def inputs(frame: int, turn: float) -> Inputs:
    """Of a round: some steps, a turn by so many radians in each of its frames, a rest, and some steps back."""
    at = frame % ROUND
    buttons = FORWARD if at < WALK else BACK if at >= BACK_FROM else 0
    return Inputs(buttons=buttons, look_x=turn if TURN_FROM <= at < TURN_TO else 0.0)


class Simulated:
    """A meadow of the simulator, one of those that no training drew, in the place of a world."""

    def __init__(self, seed: int):
        self._simulator, self._frame = Simulator(), 0
        self._wish: Wish | None = None
        self._simulator.reset(Beginning(scene(seed, "day", "clear", "meadow")))

    def say(self, text: str) -> None:
        self._wish = Wish(text, *WISHES[text])

    def step(self, given: Inputs) -> Frame:
        hands = Controls(bool(given.buttons & FORWARD), bool(given.buttons & BACK), look_x=given.look_x)
        picture = self._simulator.step(Act(hands, self._wish))
        self._wish, self._frame = None, self._frame + 1
        y, u, v = (part.numpy() for part in (picture.y, picture.u, picture.v))
        return Frame(self._frame, y, u, v, {}, [], 0.0, 0.0)


class Stroll:
    """Somebody who walks for minutes through one world."""

    def __init__(self, world: Steppable, seed: int):
        self.world = world
        self.minutes: list[Minute] = []
        self.stills: list[Frame] = []
        self._rng = np.random.default_rng(seed)
        self._turn, self._frame = 0.0, 0
        self._before: list[Picture] = []
        self._still = 0  # frames without a change

    def minute(self) -> dict[str, float]:
        """Another one; its figures."""
        self.minutes.append(Minute())
        for at in range(60 * FRAME_RATE):
            if at == 30 * FRAME_RATE:
                self.world.say(tuple(WISHES)[(len(self.minutes) - 1) % ROUND_MIN])
            self._step()
        return self.minutes[-1].figures()

    def _step(self) -> None:
        minute, at = self.minutes[-1], self._frame % ROUND
        if at == 0:
            self._turn = float(self._rng.choice([-1, 1]) * self._rng.uniform(LEAST_RAD, MOST_RAD))
        frame = self.world.step(inputs(self._frame, self._turn))
        picture = picture_of(frame)
        if self._before:
            change = (picture.y.float() - self._before[-1].y.float()).abs().mean() / 219
            self._still = self._still + 1 if float(change) < SAME / FRAME_RATE else 0
            minute.frozen_s = max(minute.frozen_s, self._still / FRAME_RATE)
        self._before = [*self._before, picture][-APART - 1 :]
        if TURN_FROM + APART <= at < TURN_TO and at % APART == 0:
            seen = camera_motion(look([self._before[0]]), look([picture]))[0, 1]
            minute.turns.append(float(seen) / (APART * self._turn))
        if self._frame % FRAME_RATE == 0:
            minute.look_at(picture)
        if self._frame % (STILLS_S * FRAME_RATE) == (STILLS_S // 2 - 2) * FRAME_RATE:
            self.stills.append(frame)
        self._frame += 1


def against_the_first(minutes: Sequence[dict[str, float]]) -> dict[str, float]:
    """How far minutes went from those of the first round in which the same had been wished for, and whole rounds, in
    which it counts for less what happens to stand there, from the first: of each property the lowest and the highest
    ratio, and the one of its `trend`; and the worst of what has no ratio. Raises ValueError on fewer minutes than two
    rounds have."""
    if len(minutes) < 2 * ROUND_MIN:
        raise ValueError(f"expected {2 * ROUND_MIN} minutes or more, got {len(minutes)}")
    later = list(enumerate(minutes))[ROUND_MIN:]
    whole = [minutes[at : at + ROUND_MIN] for at in range(0, len(minutes) - ROUND_MIN + 1, ROUND_MIN)]
    out: dict[str, float] = {}
    for name in ("sharpness", "luma", "saturation", "turned"):
        ratios = [minute[name] / minutes[at % ROUND_MIN][name] for at, minute in later]
        out |= {f"{name}_least": min(ratios), f"{name}_most": max(ratios)}
        first, *rounds = (fmean(minute[name] for minute in each) for each in whole)
        out |= {f"{name}_round_least": min(rounds) / first, f"{name}_round_most": max(rounds) / first}
        out[f"{name}_trend"] = trend([minute[name] for minute in minutes])
    return out | {f"{name}_most": max(minute[name] for minute in minutes) for name in ("black", "white", "frozen_s")}


def trend(values: Sequence[float]) -> float:
    """The last of values, one a minute, over the first of its round, as the straight line through their logarithms has
    it that fits best when each wish has a height of its own: what wears, without what happens to stand there."""
    logs, at = np.log(np.maximum(values, 1e-6)), np.arange(len(values), dtype=float)
    for wish in range(ROUND_MIN):
        logs[wish::ROUND_MIN] -= logs[wish::ROUND_MIN].mean()
        at[wish::ROUND_MIN] -= at[wish::ROUND_MIN].mean()
    return float(np.exp((logs * at).sum() / (at * at).sum() * (len(values) - ROUND_MIN)))


def sheet(stills: Sequence[Frame]) -> Planes:
    """One picture of many, a round of minutes in a row; what is left of the last row stays grey."""
    planes = []
    for name in ("y", "u", "v"):
        tiles = [getattr(still, name) for still in stills]
        tiles += [np.full_like(tiles[0], 128)] * (-len(tiles) % ROUND_MIN)
        rows = [np.concatenate(tiles[at : at + ROUND_MIN], 1) for at in range(0, len(tiles), ROUND_MIN)]
        planes.append(np.concatenate(rows))
    y, u, v = planes
    return y, u, v


def figures(options: argparse.Namespace) -> dict[str, float]:
    """A line on standard output for each minute; all of it against the first round."""
    world: Steppable = Simulated(options.seed) if options.truth else World(load_models(), options.seed, options.prompt)
    stroll, told = Stroll(world, options.seed), []
    for number in range(options.minutes):
        told.append(stroll.minute())
        print(
            f"minute {number + 1}: " + " ".join(f"{name} {value:.3f}" for name, value in told[-1].items()), flush=True
        )
        if options.strip:
            write_strip(options.strip, [sheet(stroll.stills)])
    return against_the_first(told)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m engine.hours", description=__doc__)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--prompt", default="a meadow with trees on a clear day")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--strip", type=Path, help="a PNG of a still of each minute, side by side")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--truth", action="store_true", help="stroll through the simulator instead")
    options = parser.parse_args(arguments)
    if options.minutes < 2 * ROUND_MIN:
        parser.error(f"--minutes: expected {2 * ROUND_MIN} or more; got {options.minutes}")
    measured(partial(figures, options), options.json)


if __name__ == "__main__":
    main()
