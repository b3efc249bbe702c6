"""What latents show by name: that it can be learnt, is asked for by a state's names, and is kept in a file."""

from itertools import product
from pathlib import Path

import pytest
import torch

from model import checkpoint
from model.conditioning import state
from model.evaluation.motion_examples import IGNORED
from model.showing import Showing, ShowingConfig
from model.training.optimizers import adam
from model.training.run import Run
from model.training.showing import Views, accuracy, train

SECTION = {"seed": 1, "views": 16, "report_every_s": 60.0}


def views(count: int, seed: int) -> Views:
    """Latents whose first channels are as bright as their names' numbers."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.stack([torch.randint(0, size, (count,), generator=random) for size in (4, 4, 5)], 1)
    latents = 0.1 * torch.randn(count, 16, 18, 32, generator=random)
    latents[:, :3] += (labels.float() - 2)[:, :, None, None]
    labels[::7] = IGNORED
    return Views(latents.bfloat16(), labels)


def test_it_learns_what_latents_show(tmp_path: Path):
    torch.manual_seed(0)
    showing = Showing(ShowingConfig((8, 8, 8, 8), 16)).train()
    run = Run(tmp_path, showing, adam(showing.parameters(), 5e-3, 0.0), 0.25)
    found = train(run, views(256, 0), SECTION)
    assert min(accuracy(found, views(64, 1)).values()) > 0.9
    found.save(tmp_path / "it.safetensors", steps=run.step)
    again = Showing.load(tmp_path / "it.safetensors").eval()
    assert all(
        torch.allclose(a, b, atol=0.3)
        for a, b in zip(again(torch.zeros(1, 16, 18, 32)), found(torch.zeros(1, 16, 18, 32)), strict=True)
    )


def test_a_beginning_is_called_what_it_was_made_of():
    for names in product(state.PLACES, state.TIMES, state.WEATHERS):
        place, time, weather = state.named(state.beginning(*names))
        assert (state.PLACES[place], state.TIMES[time], state.WEATHERS[weather]) == names


def test_a_file_of_something_else_is_refused(tmp_path: Path):
    with pytest.raises(checkpoint.CheckpointError, match="showing"):
        Showing.load(tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="four positive widths"):
        ShowingConfig((8, 8), 4)
