"""What stays of a known frame beside what was drawn: in C++ as in torch, and from how far it then was drawn."""

import pytest
import torch

from model import native
from model.keeping import Staying, kept
from model.overlay import GUESS


def patches(seed: int, channels: int = 1) -> torch.Tensor:
    """Random values, one for each 8 x 8 pixels, [1, channels, 144, 256]."""
    cells = torch.rand(1, channels, 18, 32, generator=torch.Generator().manual_seed(seed))
    return cells.repeat_interleave(8, 2).repeat_interleave(8, 3)


def staying(firm: torch.Tensor) -> Staying:
    uncovered = (patches(5) < 0.1).float()
    return Staying(patches(1, 7) * 2 - 1, patches(2) * 2 - 1, (patches(3) < 0.8).float(), uncovered, firm)


def test_what_stays_is_kept_in_cpp_as_in_torch(monkeypatch):
    drawn = (patches(1, 7) + 0.1 * patches(4, 7)) * 2 - 1
    stays = staying(torch.rand(1, 1, 18, 32, generator=torch.Generator().manual_seed(6)))
    ours = kept(drawn, stays)
    monkeypatch.setattr(native, "load", lambda name: None)
    torch.testing.assert_close(ours, kept(drawn, stays), atol=1e-5, rtol=0)


def test_of_what_stays_wholly_it_is_known_from_how_far_it_was_drawn():
    stays = staying(torch.ones(1, 1, 18, 32))._replace(known=torch.ones(1, 1, 144, 256))
    out = kept(patches(7, 7), stays)
    stood = stays.uncovered == 0
    torch.testing.assert_close(out[:, :7], stays.planes, atol=1e-6, rtol=0)
    assert torch.equal(out[:, 7:][stood], torch.minimum(stays.drawn, out[:, 6:7])[stood])
    assert (out[:, 7:][~stood] == GUESS).all()


def test_planes_of_several_worlds_are_refused():
    if native.load("keeping") is None:
        pytest.skip("no C++ compiler")
    with pytest.raises(ValueError, match="expected planes"):
        kept(patches(7, 7).repeat(2, 1, 1, 1), staying(torch.ones(1, 1, 18, 32)))
