"""What all trainings share: a step that nothing unbounded gets through, and a pace told when it is due."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from model.training.loop import Pace, descend, keep_on
from model.training.optimizers import adam
from model.training.run import Run


def new_run(folder: Path) -> tuple[Run, nn.Linear]:
    torch.manual_seed(0)
    network = nn.Linear(3, 1)
    return Run(folder, network, adam(network.parameters(), 0.1, 0.0), minutes=1), network


def test_a_step_goes_down_and_one_without_a_finite_gradient_leaves_the_weights(tmp_path: Path):
    run, network = new_run(tmp_path)
    before = network.weight.clone()
    lengths = descend(run, network(torch.full((1, 3), torch.inf)).sum(), [network], 1.0)
    assert not lengths.isfinite() and run.step == 1
    assert torch.equal(network.weight, before)
    lengths = descend(run, network(torch.ones(1, 3)).sum(), [network], 1.0)
    assert lengths.tolist() == pytest.approx([2.0]) and run.step == 2
    assert (network.weight < before).all()


def test_a_pace_is_told_when_it_is_due_and_counts_anew():
    assert Pace(60.0).add(5) is None
    pace = Pace(0.0)
    first = pace.add(5)
    assert first is not None and first > 0
    assert pace.add(0) == 0


def test_steps_go_on_until_the_run_is_over_and_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run, network = new_run(tmp_path)

    def step() -> dict[str, float]:
        descend(run, network(torch.ones(1, 3)).sum(), [network], 1.0)
        run.stopping = run.step == 3
        return {"loss": 0.5}

    keep_on(run, step, 0.0)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and lines[-1].startswith("step 3 spent 0.0 min, ") and lines[-1].endswith(" loss 0.5000")
