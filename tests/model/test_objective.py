"""Shortcut forcing: levels on their grids, and two half steps that make one whole."""

import pytest
import torch

from model.omni import PATCH, VIEW, Given, Seen
from model.training import objective

ROWS = torch.tensor([True, False]).repeat(32)


def test_levels_lie_on_the_grid_of_their_step():
    random = torch.Generator().manual_seed(0)
    for shortcut in (False, True):
        signal, size = objective.draw_levels(ROWS, 12, shortcut, random)
        alone, grid = signal[ROWS], signal / size if shortcut else signal[~ROWS] / size[~ROWS]
        assert torch.equal(grid, grid.round()) and len(set(alone.flatten().tolist())) > (2 if shortcut else 100)
        assert (signal < 1).all() and ((signal + size)[~ROWS] <= 1).all()
        assert (size >= 1 / 4 if shortcut else size <= 1 / 2).all()


def test_sequences_train_the_levels_that_are_served_and_the_context():
    signal, size = objective.draw_levels(ROWS, 12, False, torch.Generator().manual_seed(0))
    sequences = signal[~ROWS]
    assert (sequences == objective.CONTEXT_SIGNAL).float().mean() > 0.25
    assert set(sequences[size[~ROWS] == 0.5].tolist()) == {0.0, 0.5}
    assert (size[ROWS] == 1 / objective.FINEST).all()


def test_served_frames_are_sampled_as_the_engine_does_and_others_are_their_context():
    known = torch.rand(len(ROWS), 12, generator=torch.Generator().manual_seed(1)) < 0.5
    signal, size, served = objective.served_levels(ROWS, known, torch.Generator().manual_seed(0))
    assert torch.equal(served[ROWS], known[ROWS]) and 0.3 < served[~ROWS].float().mean() < 0.7
    assert (signal[served] == 0).all() and (size[served] == 0.5).all()
    context = ~served & ~ROWS[:, None]
    assert set(signal[context].tolist()) == {0.5, objective.CONTEXT_SIGNAL}
    assert torch.equal((signal + size)[context], torch.ones(int(context.sum())))
    unknown = ~served & ROWS[:, None]
    assert (size[unknown] == 1 / objective.FINEST).all() and len(set(signal[unknown].tolist())) > 4


def test_what_is_known_counts_by_its_root_and_what_is_not_by_its_square():
    view = torch.zeros(1, 1, 144, VIEW)
    view[:, :, :72, PATCH : PATCH + 4] = 1
    signal = torch.full((1, 1), 0.5)  # where a rate's error counts 4 times as much as the picture's
    given = Given(signal, signal, signal, signal, signal, view, signal, signal)
    truth = torch.zeros(1, 1, 144, PATCH)
    for tokens, error in ((slice(0, 72), 0.7 * 0.1), (slice(72, 144), 0.01)):
        made = truth.clone()
        made[:, :, tokens] = 0.1
        floor = 0.7 * objective.SMALLEST / 2 if tokens.start else 0.0
        loss = objective.picture_loss(Seen(made, truth, [], truth), truth, given)
        assert loss.item() == pytest.approx(error / 2 + floor, rel=0.05)


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
