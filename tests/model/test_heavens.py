"""Where sun and moon stand in a picture, as networks are told."""

import pytest
import torch

from model.conditioning import state
from model.heavens import LOUD, heavens, seen_by, under
from model.omni import ABOVE, VIEW, unpatch


@pytest.mark.parametrize("time", state.TIMES)
def test_who_looks_to_the_sun_has_it_ahead(time):
    turn = torch.tensor(state.TYPICAL_TIME[time])
    right, _, ahead = seen_by(state.sun(turn), torch.tensor([state.to_the_sun(time), 0.0]))
    assert abs(right) < 1e-6 and ahead > 0
    up = torch.asin(state.sun(turn)[1])
    assert seen_by(state.sun(turn), torch.stack([torch.tensor(state.to_the_sun(time)), up])).tolist() == pytest.approx(
        [0, 0, 1], abs=1e-6
    )


def test_a_turn_of_the_head_moves_it_the_other_way():
    turn, west = torch.tensor(0.49), state.to_the_sun("dusk")
    columns = [int(unpatch(heavens(turn, torch.tensor([west + to, 0.0])))[3].amax(0).argmax()) for to in (-0.4, 0, 0.4)]
    assert columns[0] > columns[1] > columns[2] and abs(columns[1] - 15.5) < 1.5


def test_nothing_else_of_a_view_changes():
    view = torch.rand(2, 3, 144, VIEW)
    told = under(view, torch.rand(2, 3), torch.rand(2, 3, 2))
    rest = torch.ones(VIEW, dtype=torch.bool)
    rest[ABOVE] = False
    assert torch.equal(told[..., rest], view[..., rest])
    assert told[..., ABOVE].abs().max() <= LOUD * (1 + 1e-6) and not torch.equal(told[..., ABOVE], view[..., ABOVE])
