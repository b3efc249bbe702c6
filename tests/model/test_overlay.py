"""Views of one place laid over each other: in C++ as in torch, and which of them counts."""

import pytest
import torch

from model import native
from model.geometry import drawn_here
from model.overlay import FEATHER, GUESS, Known, overlaid
from model.planes import depth_code

HEIGHT, WIDTH = 48, 96
HERE = torch.tensor([[0.5, 1.7, 0.4, 0.1, 0.02]])


def a_view(seed: int, pose: tuple[float, ...], light: float = 0.0) -> Known:
    """Random colours on walls of 4 m and 20 m before the sky; parts are guessed, another keyframe's, or not its own."""
    generator = torch.Generator().manual_seed(seed)

    def patches(rows: int, columns: int) -> torch.Tensor:
        part = torch.rand(1, 1, rows, columns, generator=generator)
        return part.repeat_interleave(HEIGHT // rows, 2).repeat_interleave(WIDTH // columns, 3)

    planes = torch.rand(1, 7, HEIGHT, WIDTH, generator=generator) * 2 - 1
    wall = patches(3, 4)
    metres = torch.where(wall < 0.4, 4.0, torch.where(wall < 0.8, 20.0, 300.0)) + patches(6, 12)
    planes[:, 6:7] = 2 * depth_code(metres) - 1
    planes = drawn_here(planes)
    planes[:, 7:] -= 0.1 * patches(6, 12)
    planes[:, 7:] = torch.where(patches(6, 12) < 0.1, GUESS, torch.where(patches(6, 12) < 0.1, -1.0, planes[:, 7:]))
    own = (patches(6, 6) < 0.6).float()
    return Known(torch.cat([planes, own], 1), torch.tensor([pose]), torch.full((7,), light))


VIEWS = [
    a_view(1, (0.0, 1.7, 0.0, 0.0, 0.0)),
    a_view(2, (0.3, 1.7, -1.0, 0.2, 0.0), 0.5),
    a_view(3, (0.5, 1.7, 0.3, 0.1, 0.02)),
    a_view(4, (0.0, 1.7, 0.0, 0.9, 0.0)),
    a_view(5, (0.0, 1.7, 0.0, -0.5, 0.0), 0.5),
]
PARTS = {
    "keys and dreams": (2, 2),
    "one picture that leads": (1, 3),
    "no keys": (0, 2),
    "no dreams": (2, 0),
    "nothing but the last frame": (0, 0),
}


@pytest.mark.parametrize("counts", PARTS.values(), ids=PARTS)
def test_views_are_laid_in_cpp_as_in_torch(counts: tuple[int, int], monkeypatch):
    keys, dreams = VIEWS[: counts[0]], [*VIEWS[3:], VIEWS[1]][: counts[1]]
    ours = overlaid(keys, VIEWS[2], dreams, HERE)
    assert 0.2 < ours.known.mean() < 1
    load = native.load
    monkeypatch.setattr(native, "load", lambda name: None if name == "overlay" else load(name))
    theirs = overlaid(keys, VIEWS[2], dreams, HERE)
    for name, one, other in zip(ours._fields, ours, theirs, strict=True):
        off = (one - other).abs() > 1e-3  # where a threshold lies between two roundings
        assert off.float().mean() < 2e-3, name


def painted(value: float, yaw: float, light: float = 0.0) -> Known:
    """A wall in one colour, all of it known."""
    planes = torch.full((1, 9, HEIGHT, WIDTH), value)
    planes[:, 6:8] = 2 * depth_code(torch.tensor(20.0)) - 1
    planes[:, 8] = 0
    return Known(planes, torch.tensor([[0.0, 1.7, 0.0, yaw, 0.0]]), torch.full((7,), light))


@pytest.mark.parametrize("plain", [False, True])
def test_what_leads_goes_over_into_others_at_its_border(plain: bool, monkeypatch):
    load = native.load
    monkeypatch.setattr(native, "load", lambda name: None if plain and name == "overlay" else load(name))
    leads, other, behind = painted(0.5, 0.0), painted(-0.5, 0.5), painted(0.0, 3.1)
    row = overlaid([leads], behind, [other], torch.tensor([[0.0, 1.7, 0.0, 0.3, 0.0]])).planes[0, 5, HEIGHT // 2]
    assert row[: WIDTH // 3].mean() == pytest.approx(0.5, abs=1e-3)
    assert row[-4:].mean() == pytest.approx(-0.5, abs=1e-3)
    assert row.diff().max() < 1e-3 and row.diff().min() > -2 / FEATHER  # the picture is wider in pixels to its side


@pytest.mark.parametrize(("lights", "others"), [((0.0, 0.5), 1), ((0.0, 0.0), 0)], ids=["in other light", "alone"])
def test_nothing_is_mixed_into_what_leads_where_nothing_like_it_is_seen(lights: tuple[float, float], others: int):
    leads, other = painted(0.5, 0.0), painted(-0.5, 0.5, lights[1])
    laid = overlaid([leads], painted(0.0, 3.1), [other][:others], leads.pose)
    assert torch.allclose(laid.planes[:, :6], leads.planes[:, :6], atol=1e-4)


@pytest.mark.parametrize(("light", "beside"), [(0.0, False), (0.5, True)])
def test_a_dream_counts_for_more_than_what_was_drawn_of_it_in_other_light(light: float, beside: bool):
    pose = (0.0, 1.7, 0.0, 0.0, 0.0)
    last, dream = a_view(1, pose), a_view(1, pose, light)
    last.planes[:, 8], dream.planes[:, 7] = 1.0, dream.planes[:, 6]  # all its own, and none a guess
    last.planes[:, 7] = last.planes[:, 6]
    given = overlaid([], last, [dream], last.pose).shares.mean((0, 2, 3))
    assert given[int(beside)] > 0.95 and given[1 - int(beside)] == 0


def test_what_a_frame_is_read_by_is_made_once():
    view = a_view(1, (0.0, 1.7, 0.0, 0.0, 0.0))
    overlaid([], view, [], HERE)
    room = view.room
    overlaid([], view, [], HERE)
    assert view.room is room


def test_poses_that_are_not_finite_and_other_sizes_are_refused():
    lost = Known(VIEWS[0].planes, torch.tensor([[0.0, float("nan"), 0.0, 0.0, 0.0]]), VIEWS[0].light)
    with pytest.raises(ValueError, match="source pose"):
        overlaid([lost], VIEWS[1], [], HERE)
    small = Known(VIEWS[0].planes[:, :, :40], VIEWS[0].pose, VIEWS[0].light)
    with pytest.raises(ValueError, match="one size"):
        overlaid([small], VIEWS[1], [], HERE)
