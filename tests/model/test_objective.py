"""Shortcut forcing: levels on their grids, and two half steps that make one whole."""

import torch

from model.omni import Given, Seen
from model.training import objective

ROWS = torch.tensor([True, False]).repeat(32)


def test_levels_lie_on_the_grid_of_their_step():
    random = torch.Generator().manual_seed(0)
    for shortcut in (False, True):
        signal, size = objective.draw_levels(ROWS, 12, shortcut, random)
        assert torch.equal(signal / size, (signal / size).round())
        assert ((signal + size) <= 1).all()
        assert (size >= 1 / 4 if shortcut else size <= 1 / 2).all()


def test_sequences_train_the_levels_that_are_served_and_the_context():
    signal, size = objective.draw_levels(ROWS, 12, False, torch.Generator().manual_seed(0))
    sequences = signal[~ROWS]
    assert (sequences == objective.CONTEXT_SIGNAL).float().mean() > 0.25
    assert set(sequences[size[~ROWS] == 0.5].tolist()) == {0.0, 0.5}
    assert (size[ROWS] == 1 / objective.FINEST).all()


def test_served_frames_are_sampled_as_the_engine_does_and_others_are_their_context():
    signal, size, served = objective.served_levels(ROWS, 12, torch.Generator().manual_seed(0))
    assert served[ROWS].all() and 0.3 < served[~ROWS].float().mean() < 0.7
    assert (signal[served] == 0).all() and (size[served] == 0.5).all()
    assert set(signal[~served].tolist()) == {0.5, objective.CONTEXT_SIGNAL}
    assert torch.equal((signal + size)[~served], torch.ones(int((~served).sum())))


def test_the_first_step_takes_served_frames_half_way_and_leaves_the_others():
    truth, noise, none = torch.randn(2, 3, 144, 64), torch.randn(2, 3, 144, 64), torch.zeros(2, 3)
    served = torch.tensor([[True, False, True], [False, False, True]])
    given = Given(none, none, none, none, none, none, torch.where(served, 0.0, 0.875), none + 0.5)
    halfway, after = objective.first_step(lambda *_: Seen(truth, none, [], none), noise, given, none, served)
    assert torch.allclose(halfway[served], (truth + noise)[served] / 2, atol=1e-6)
    assert torch.equal(halfway[~served], noise[~served])
    assert torch.equal(after.signal, torch.where(served, 0.5, 0.875))


def test_where_the_model_is_exact_the_shortcut_target_is_the_truth():
    truth, noise = torch.randn(2, 3, 144, 64), torch.randn(2, 3, 144, 64)
    signal, size = torch.full((2, 3), 0.5), torch.full((2, 3), 0.5)
    none = torch.zeros(2, 3)
    given = Given(none, none, none, none, none, none, signal, size)
    sizes = []

    def exact(noisy, given, mask):
        sizes.append(float(given.step[0, 0]))
        return Seen(truth, none, [], none)

    noisy = objective.mix(truth, noise, signal)
    target = objective.shortcut_target(exact, noisy, given, none)
    assert torch.allclose(target, truth, atol=1e-5)
    assert sizes == [0.25, 0.25]


def test_unrelated_frames_see_only_themselves():
    mask = objective.row_mask(torch.tensor([True, False]), 5, 3)
    assert torch.equal(mask[0], torch.eye(5, dtype=torch.bool))
    assert mask[1, 4].tolist() == [False, True, True, True, True]
