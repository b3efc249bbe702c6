"""Muon over all matrices of a shape at once steps as torch's own does, one by one."""

import pytest
import torch
from torch import nn

from model.training.optimizers import Muon

SHAPES = ((24, 8), (24, 8), (8, 24), (16, 16), (16, 16))


def parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(3)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


@pytest.mark.parametrize("untouched", [None, 1])
def test_steps_as_torch_does(untouched: int | None) -> None:
    ours, theirs = parameters(), parameters()
    told = {"lr": 0.02, "weight_decay": 0.1, "momentum": 0.95, "adjust_lr_fn": "match_rms_adamw"}
    optimizers = Muon(ours, **told), torch.optim.Muon(theirs, **told)
    generator = torch.Generator().manual_seed(4)
    begun = [p.detach().clone() for p in ours]
    for _ in range(3):
        for i, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            gradient = torch.randn(one.shape, generator=generator)
            one.grad, other.grad = (None if i == untouched else gradient.clone() for _ in range(2))
        for optimizer in optimizers:
            optimizer.step()
    moved = [(one - before).abs().max().item() for one, before in zip(ours, begun, strict=True)]
    assert all((step > 0.01) == (i != untouched) for i, step in enumerate(moved))
    for one, other in zip(ours, theirs, strict=True):
        assert (one - other).abs().max() < 0.02 * 0.2 * 5 * 3 * 0.02  # of three steps, what bf16 rounds
    state = optimizers[0].state_dict()
    optimizers[0].load_state_dict(state)
