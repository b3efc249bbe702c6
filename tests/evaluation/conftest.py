"""Truth that is drawn once for all tests, players that spoil it, and cases summed up as figures."""

import copy
import dataclasses
import functools

import numpy as np
import pytest
import torch

from model.evaluation.episodes import Episode, Truth
from model.evaluation.figures import Court, Size
from model.evaluation.judge_examples import Reconstruction
from model.evaluation.judges import MOTIONS, Judges
from model.evaluation.pictures import Picture
from model.evaluation.scenes import undone
from model.evaluation.subjects import Act, blur

SMALL = Size(
    walks=1,
    responses=2,
    visits=1,
    away_s=(10,),
    prompts=3,
    fresh=1,
    changes=1,
    drifts=1,
    drift_s=14,
    jumps=1,
    balls=1,
    subjects=2,
)


STEPPING = 2  # a walk in which steps are to be seen: in most, nobody could tell


@pytest.fixture(scope="session")
def court(tmp_path_factory) -> Court:
    return Court(Truth(tmp_path_factory.mktemp("truth")), Judges.load())


@pytest.fixture(scope="session")
def reconstruct() -> Reconstruction:
    return Reconstruction()


class Spoiled:
    """The truth with something done to it: to each picture, to their order, or to what hands did."""

    invents = False

    def __init__(self, court, pictures=None, order=None, hands=None):
        self._truth, self._pictures, self._order, self._hands = court.truth, pictures, order, hands

    def play(self, episode):
        if self._hands:
            acts = tuple(Act(self._hands(act.controls), act.say) for act in episode.acts)
            episode = Episode(episode.name, episode.scene, acts, episode.looked)
        shots = self._truth.play(episode)
        if self._order:
            frames = sorted(shots)
            shots = {frame: shots[other] for frame, other in zip(frames, self._order(frames), strict=True)}
        return {f: self._pictures(p) for f, p in shots.items()} if self._pictures else shots

    def encoded(self, episode):
        return self.play(episode)[0]


def tinted(picture: Picture) -> Picture:
    """Darker and redder."""
    y = (16 + (picture.y.float() - 16) * 0.6).to(torch.uint8)
    return Picture(y, picture.u, (picture.v.float() + 28).clamp(16, 240).to(torch.uint8))


def shuffled(frames):
    return [frames[i] for i in np.random.default_rng(3).permutation(len(frames))]


@pytest.fixture(scope="session")
def spoiled(court):
    return {
        "blur": Spoiled(court, pictures=lambda p: blur(p, 6)),
        "colour shift": Spoiled(court, pictures=tinted),
        "shuffle": Spoiled(court, order=shuffled),
        "frozen": Spoiled(court, order=lambda frames: [frames[0]] * len(frames)),
        "wrong controls": Spoiled(court, hands=undone),
    }


def silent(judges: Judges) -> Judges:
    """Judges who look at no motion: half of the time is theirs, and many figures do not rest on them."""
    judges = copy.copy(judges)
    judges.motions = lambda windows: {name: torch.full((len(windows), 3), 1 / 3) for name in MOTIONS}
    judges.speeds = lambda looks: torch.zeros(len(looks), 3)
    return judges


@pytest.fixture(scope="session")
def measured(court):
    """A metric's figures for a player, over all cases of the small size: name -> value. Those that rest on judges mean
    something with `judged` alone."""
    quiet = Court(court.truth, silent(court.judges))

    @functools.cache
    def measure(metric, player, judged=True) -> dict[str, float]:
        size, asked = SMALL, court if judged else quiet
        numbers = range(len(metric.names(size)))
        if metric.name == "control" and judged:
            size = dataclasses.replace(SMALL, walks=STEPPING + 1)
            numbers = range(STEPPING, len(metric.names(size)))
        cases = [metric.case(n, size, player, asked) for n in numbers]
        return {
            figure.name: figure.of([v for case in cases if (v := case.values.get(figure.name)) is not None])
            for figure in metric.figures
        }

    return measure
