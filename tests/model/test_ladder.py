"""The upper rungs: shapes, files, and integers beside floats."""

from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest
import torch

from model import native
from model.ladder import network
from model.ladder.native import NativeLadder
from model.ladder.network import Ladder, LadderConfig


def picture(height: int = 32, width: int = 48) -> network.Planes:
    """A random picture that is smooth in part, so that no byte is met by chance."""
    generator = torch.Generator().manual_seed(3)
    y = torch.randint(16, 236, (1, 2 * height, 2 * width), generator=generator, dtype=torch.uint8)
    y[:, :, :width] = torch.linspace(20, 230, width).to(torch.uint8)
    u, v = torch.randint(16, 241, (2, 1, height, width), generator=generator, dtype=torch.uint8)
    return y, u, v


def ladder() -> Ladder:
    torch.manual_seed(5)
    return Ladder(LadderConfig(channels=32, layers=3)).eval().requires_grad_(False)


@pytest.mark.parametrize("scale", network.SCALES)
def test_a_head_that_says_nothing_leaves_the_bicubic_enlargement(scale: int) -> None:
    made, given = ladder(), picture()
    for head in made.heads:
        head.weight.zero_()  # type: ignore[operator, union-attr]
        head.bias.zero_()  # type: ignore[operator, union-attr]
    for drawn, plane, (low, high) in zip(made.enlarge(*given, scale), given, network.LIMITS, strict=True):
        assert drawn.shape == (1, scale * plane.shape[1], scale * plane.shape[2])
        assert torch.equal(drawn, network.bicubic(plane, scale).round().clamp(low, high).to(torch.uint8))


def test_what_is_lacking_lands_on_the_pixels_that_it_belongs_to() -> None:
    given = tuple(torch.full(shape, 128, dtype=torch.uint8) for shape in ((1, 8, 8), (1, 4, 4), (1, 4, 4)))
    lacks = torch.zeros(1, 24, 4, 4)
    lacks[0, 5, 2, 1] = 0.25  # luma, line 1 and column 1 of the 4x4 pixels of a cell
    lacks[0, 18, 2, 1] = -0.5  # U, line 1 and column 0 of its 2x2
    y, u, v = network.added(given, lacks, 2)  # type: ignore[arg-type]
    assert y[0, 9, 5].item() == 128 + 32 and (y != 128).sum() == 1
    assert u[0, 5, 2].item() == 128 - 64 and (u != 128).sum() == 1 and (v == 128).all()


def test_a_ladder_comes_back_from_its_file(tmp_path) -> None:
    made = ladder()
    made.save(tmp_path / "ladder.safetensors", tops=[1.0] * 4)
    again, given = Ladder.load(tmp_path / "ladder.safetensors"), picture()
    assert all(torch.equal(a, b) for a, b in zip(made.enlarge(*given, 2), again.enlarge(*given, 2), strict=True))


@pytest.mark.skipif(not native.available(), reason="needs AVX-512 VNNI and a compiler")
@pytest.mark.parametrize("scale", network.SCALES)
def test_integers_enlarge_as_floats_do(scale: int) -> None:
    made, given = ladder(), picture()
    for head in made.heads:
        head.weight.mul_(8)  # type: ignore[operator, union-attr]
    tops = network.activation_tops(made, [network.read(*given)])
    floats, integers = made.enlarge(*given, scale), NativeLadder(made, tops).enlarge(*given, scale)
    for a, b, plane in zip(floats, integers, given, strict=True):
        lacking = (a.float() - network.bicubic(plane, scale)).abs().mean()
        assert lacking > 2  # there is something to be right about
        assert (a.int() - b.int()).abs().float().mean() < 0.1 * lacking


@pytest.mark.skipif(not native.available(), reason="needs AVX-512 VNNI and a compiler")
def test_threads_that_enlarge_at_the_same_time_get_what_each_alone_would() -> None:
    made, given = NativeLadder(ladder(), [1.0] * 4), [picture(32 + 16 * n, 48 + 16 * n) for n in range(3)]
    alone = [made.enlarge(*one, 4) for one in given]
    with ThreadPoolExecutor(3) as threads:
        for _ in range(8):
            together = list(threads.map(lambda one: made.enlarge(*one, 4), given))
            planes = zip(chain(*alone), chain(*together), strict=True)
            assert all(torch.equal(a, b) for a, b in planes)


def test_pictures_of_other_shapes_are_refused() -> None:
    made, (y, u, v) = ladder(), picture()
    quick = NativeLadder(made, [1.0] * 4)
    with pytest.raises(ValueError, match=r"y \[B, 2h, 2w\]"):
        quick.enlarge(y[:, 2:], u, v, 2)
    with pytest.raises(ValueError, match="a scale of 2, 4; got 3"):
        quick.enlarge(y, u, v, 3)
    with pytest.raises(ValueError, match="4 tops above 0"):
        NativeLadder(made, [1.0])
