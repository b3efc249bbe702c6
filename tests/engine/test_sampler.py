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


@pytest.mark.parametrize("steps", [16, 40])
def test_who_stirs_still_reaches_the_clean_frame_of_an_exact_model(steps):
    clean, noisy = torch.randn(4, 8), torch.randn(4, 8)
    for step in range(steps):
        noisy = sampler.move(noisy, clean, step / steps, steps)
        if step + 1 < steps:
            noisy = sampler.stirred(noisy, clean, (step + 1) / steps, torch.randn(4, 8), 0.5)
    assert torch.allclose(noisy, clean, atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_stirred_noise_is_as_loud_as_before_and_like_it_as_far_as_is_asked(share):
    random = torch.Generator().manual_seed(3)
    clean, noise, fresh = (torch.randn(100_000, generator=random) for _ in range(3))
    noisy = sampler.with_noise(clean, noise, 0.4)
    found = (sampler.stirred(noisy, clean, 0.4, fresh, share) - 0.4 * clean) / 0.6
    assert found.std() == pytest.approx(1, abs=0.01)
    assert (found * fresh).mean() == pytest.approx(share, abs=0.01)
    assert (found * noise).mean() == pytest.approx((1 - share**2) ** 0.5, abs=0.01)


def test_a_guide_is_left_behind():
    clean, poorer = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 2.0])
    assert sampler.guided(clean, poorer, 0.5).tolist() == [1.5, 2.0]


def test_engine_and_training_agree_on_the_context():
    assert (sampler.FINEST, sampler.ENTRY_SIGNAL) == (objective.FINEST, objective.CONTEXT_SIGNAL)
