"""Pairs of what a walk tore and what is truly there."""

from collections.abc import Iterator
from dataclasses import replace
from math import cos, hypot, sin
from pathlib import Path

import numpy as np
import pytest
import torch

from engine import tearing
from engine.models import load_models
from engine.tearing import HOPS, MOST_M, MOST_RAD, WALKS, WAYS, begun, draw, grows_ahead, main, sentences_learnt, walked
from model.omni import CHANNELS, PATCH, patch
from model.worlds.renderer import Renderer
from model.worlds.terrain import bake


@pytest.fixture(scope="module", autouse=True)
def two_walks() -> Iterator[None]:
    """What holds of two in each world holds of all; in a process of the command's there are as many as ever."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tearing, "WALKS", 2)
        yield


@pytest.fixture(scope="module")
def pairs() -> dict[str, torch.Tensor]:
    return draw(load_models(), sentences_learnt(), 2002, Renderer())


def test_torn_views_are_of_the_same_scene_as_the_true_ones(pairs: dict[str, torch.Tensor]) -> None:
    count = tearing.WALKS * HOPS * WAYS
    assert all(len(part) == count for part in pairs.values()) and pairs["view"].shape == (count, 144, 103)
    view, true = pairs["view"].float(), patch(pairs["true"].float())
    known = view[..., PATCH : PATCH + 4].repeat(1, 1, CHANNELS)

    def apart(other: torch.Tensor) -> float:
        return float((((view[..., :PATCH] - other) * known).square().sum() / known.sum()).sqrt())

    assert 0 < apart(true) < 0.7 * apart(true.roll(HOPS * WAYS, 0)) and 0.3 < float(known.mean()) < 1


def test_the_same_world_is_torn_in_the_same_way(pairs: dict[str, torch.Tensor]) -> None:
    again = draw(load_models(), sentences_learnt(), 2002, Renderer())
    assert all(torch.equal(part, again[name]) for name, part in pairs.items())


def test_a_walk_goes_on_as_far_as_it_may() -> None:
    terrain, rng = bake("meadow", 2000), np.random.default_rng(0)
    ahead = set()
    for _ in range(20):
        at = begun(terrain, rng)
        on = walked(terrain, at, rng)
        assert hypot(on.x - at.x, on.z - at.z) < MOST_M + 0.3 and abs(on.yaw - at.yaw) <= MOST_RAD + 1e-6
        ahead.add((on.x - at.x) * sin(at.yaw) + (on.z - at.z) * cos(at.yaw) > 0)
    assert ahead == {True, False}, "expected walks, and steps back"


def test_who_stands_before_a_trunk_sees_nothing_that_grows() -> None:
    terrain = bake("meadow", 2000)
    (x, y, z), at = terrain.plants[0][0], begun(terrain, np.random.default_rng(0))
    before = replace(at, x=float(x), y=float(y) + 1.7, z=float(z) - 10, yaw=0.0)
    assert grows_ahead(terrain, before) > 0 and grows_ahead(terrain, replace(before, z=float(z) - 1)) == 0


def test_no_worlds_are_refused() -> None:
    with pytest.raises(SystemExit):
        main(["--worlds", "0"])


def test_the_command_writes_what_training_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from model.training.torn import FOLDER, Torn

    monkeypatch.setenv("MUNDO_CACHE", str(tmp_path))
    main(["--worlds", "1", "--held-out", "1", "--processes", "1"])
    assert len(Torn(tmp_path / FOLDER)) == len(Torn(tmp_path / FOLDER, held_out=True)) == WALKS * HOPS * WAYS
