"""Soft depth is cut into surfaces, and only where nothing slopes."""

import pytest
import torch

from model import native
from model.upright import _gather_in_torch, gather_surfaces, upright


def a_tree() -> torch.Tensor:
    """A dark crown before a bright sky over a ground that comes nearer, [1, 7, 144, 256]: the crown's depth runs softly
    into the sky's, though its colour does not."""
    planes = torch.full((1, 7, 144, 256), -0.8)
    planes[:, :4] = 0.6
    across = (torch.arange(256.0) - 128).abs()
    crown = (1.3 - across / 20).clamp(0, 1) - 0.8
    planes[:, 6, 40:80] = torch.maximum(planes[:, 6, 40:80], crown)
    planes[:, :4, 40:80, 113:144] = -0.6
    planes[:, 6, 80:] = torch.linspace(-0.5, 0.5, 64)[:, None]
    return planes


def test_a_crown_becomes_one_surface_and_the_ground_stays():
    before = a_tree()
    after = upright(before)
    inside = after[0, 6, 50:70, 116:141]
    assert before[0, 6, 50:70, 116:141].std() > 0.1 and inside.std() < 0.05
    assert after[0, 6, 50:70, 100].max() < -0.6
    assert torch.equal(before[:, 6, 72:], after[:, 6, 72:]) and torch.equal(before[:, :6], after[:, :6])


def test_surfaces_are_gathered_in_cpp_as_in_torch():
    if native.load("upright") is None:
        pytest.skip("no C++ compiler")
    generator = torch.Generator().manual_seed(1)
    code, colour = (torch.rand(2, n, 30, 40, generator=generator) for n in (1, 3))
    torch.testing.assert_close(gather_surfaces(code, colour, 20), _gather_in_torch(code, colour, 20), atol=1e-4, rtol=0)
