"""The known view: views laid over each other, holes filled softly, in C++ as in torch."""

import pytest
import torch

from model import native
from model.geometry import View, compose
from model.planes import depth_code
from model.view import cells, fill, gathered

HEIGHT, WIDTH = 48, 96


def a_view(seed: int, holes: float, age: float) -> View:
    """Random colours, distances of 4 m or 20 m, and holes in squares and in single pixels."""
    generator = torch.Generator().manual_seed(seed)
    planes = torch.rand(1, 7, HEIGHT, WIDTH, generator=generator) * 2 - 1
    metres = torch.where(torch.rand(1, HEIGHT, WIDTH, generator=generator) < 0.5, 4.0, 20.0)
    planes[:, 6] = 2 * depth_code(metres) - 1
    squares = (
        torch.rand(1, 1, HEIGHT // 8, WIDTH // 8, generator=generator).repeat_interleave(8, 2).repeat_interleave(8, 3)
    )
    mask = (squares > holes) & (torch.rand(1, 1, HEIGHT, WIDTH, generator=generator) > holes / 4)
    return planes * mask, mask.float(), torch.tensor([age])


@pytest.mark.parametrize("holes", [0.0, 0.4, 0.95, 1.0])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_views_are_gathered_in_cpp_as_in_torch(holes: float, count: int):
    if native.load("view") is None:
        pytest.skip("no C++ compiler")
    views = [a_view(i, holes, age) for i, age in zip(range(count), (7.0, 20.0, 1.0), strict=False)]
    for ours, theirs in zip(gathered(views), cells(*compose(views)), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_without_a_compiler_torch_gathers(monkeypatch):
    views = [a_view(1, 0.3, 4.0), a_view(2, 0.3, 1.0)]
    expected = gathered(views)
    monkeypatch.setattr(native, "load", lambda name: None)
    for ours, theirs in zip(gathered(views), expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_several_worlds_at_once_are_refused():
    planes, mask, age = a_view(1, 0.3, 4.0)
    if native.load("view") is None:
        pytest.skip("no C++ compiler")
    with pytest.raises(ValueError, match="expected"):
        gathered([(planes.repeat(2, 1, 1, 1), mask.repeat(2, 1, 1, 1), age)])


def test_holes_take_the_mean_of_what_is_known_around_them():
    planes, mask = torch.full((1, 7, HEIGHT, WIDTH), 0.5), torch.ones(1, 1, HEIGHT, WIDTH)
    planes[..., WIDTH // 2 :] = -0.25
    mask[..., 8:16, 8:12] = mask[..., 40:44, 80:96] = 0
    filled = fill(planes * mask, mask)
    torch.testing.assert_close(filled, planes)


def test_of_nothing_known_nothing_is_made_up():
    filled, known, old = cells(*(torch.zeros(1, n, HEIGHT, WIDTH) for n in (7, 1, 1)))
    assert not filled.any() and not known.any() and not old.any()
