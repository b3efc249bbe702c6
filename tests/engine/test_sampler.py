"""Sampling: levels and steps as plain functions."""

import pytest
import torch

from engine import sampler
from model.training import objective


def test_levels_start_at_noise_and_keep_to_trained_sizes():
    assert sampler.levels(2) == [(0.0, 0.5), (0.5, 0.5)]
    assert {size for _, size in sampler.levels(16)} == {1 / sampler.FINEST}
    assert sampler.levels(16)[-1][0] == 15 / 16


def test_steps_that_were_never_trained_are_refused():
    with pytest.raises(ValueError, match="3"):
        sampler.levels(3)


@pytest.mark.parametrize("steps", [1, 2, 4, 16])
def test_an_exact_model_reaches_the_clean_frame(steps):
    clean, noisy = torch.randn(4, 8), torch.randn(4, 8)
    for tau, _ in sampler.levels(steps):
        noisy = sampler.move(noisy, clean, tau, steps)
    assert torch.allclose(noisy, clean, atol=1e-5)


def test_engine_and_training_agree_on_the_context():
    assert (sampler.FINEST, sampler.ENTRY_SIGNAL) == (objective.FINEST, objective.CONTEXT_SIGNAL)
