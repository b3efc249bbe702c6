"""What the machine allows, beside what is reached."""

from __future__ import annotations

import json

import pytest

from engine.limits import achieved, limits, table
from engine.models import Models
from engine.rungs import LADDER, LOWEST


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.random()


def test_the_dynamics_stay_below_the_ceiling_of_their_shapes(models: Models) -> None:
    figures = achieved(models, steps=2).figures()
    assert 0.01 < figures["efficiency"] <= 1
    assert figures["tflops"] == pytest.approx(figures["efficiency"] * figures["peak_tflops"], rel=0.02, abs=2e-3)


def test_more_steps_and_a_higher_rung_cost_more(models: Models) -> None:
    few, many = limits(models, LOWEST, steps=1), limits(models, LADDER[2], steps=4)
    assert many["parts"]["dynamics"]["gflop"] == pytest.approx(4 * few["parts"]["dynamics"]["gflop"], rel=1e-3)
    assert "ladder" in many["parts"] and "ladder" not in few["parts"]
    assert many["frame_core_ms"] > few["frame_core_ms"] > 0
    assert json.loads(json.dumps(many)) == many
    assert f"{many['frame_core_ms']:.2f} core ms a frame at least" in table(many)
