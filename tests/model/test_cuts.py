"""What a picture's upper border cut off goes on above it, and is not known to end there."""

import torch

from model.borders import DEPTH
from model.cuts import NOTHING, cut_off, uncut
from model.overlay import Known, overlaid
from model.planes import FAR_CODE, depth_code

HERE, STEP_BACK = torch.tensor([[0.0, 1.7, 0.0, 0.0, 0.0]]), torch.tensor([[0.0, 1.7, -2.0, 0.0, 0.0]])
LIGHT = torch.zeros(7)
TREE_M, TREE = 6.0, slice(100, 140)


def plane(metres: float) -> float:
    return float(2 * depth_code(torch.tensor(metres)) - 1)


def a_picture(top: int) -> Known:
    """A tree whose crown begins in row `top`, before ground and sky."""
    planes = torch.zeros(1, 9, 144, 256)
    planes[:, DEPTH] = 2 * FAR_CODE - 1
    planes[:, DEPTH, 80:] = torch.linspace(plane(100.0), plane(2.0), 64)[:, None]
    planes[:, DEPTH, top:100, TREE] = plane(TREE_M)
    planes[:, 7], planes[:, 8] = planes[:, DEPTH], 1
    return Known(planes, HERE, LIGHT)


def last() -> Known:
    """One that shows nothing of it."""
    planes = torch.zeros(1, 9, 144, 256)
    planes[:, 7] = 1
    return Known(planes, STEP_BACK + torch.tensor([[0.0, 0.0, 0.0, 3.1, 0.0]]), LIGHT)


def seen(views: list[Known]) -> tuple[torch.Tensor, torch.Tensor]:
    """What is known of the view from behind [144, 256] before and after."""
    laid = overlaid(views, last(), [], STEP_BACK)
    return laid.known[0, 0], uncut(laid, views, STEP_BACK).known[0, 0]


def test_above_a_crown_that_the_border_cut_nothing_is_known_and_all_else_is() -> None:
    picture = a_picture(0)
    sky = Known(a_picture(144).planes, STEP_BACK, LIGHT)  # what a dream takes to be there
    before, after = seen([picture, sky])
    off = (before > 0) & (after == 0)
    rows, columns = off.nonzero(as_tuple=True)
    assert before.all() and off.any()
    assert rows.max() < 40 and columns.min() > 100 and columns.max() < 140  # smaller, and lower, from there
    assert off[: int(rows.max()), 120].all()


def test_a_crown_that_ends_within_its_picture_ends_there() -> None:
    before, after = seen([a_picture(10)])
    assert torch.equal(before, after)


def test_where_another_view_shows_how_it_goes_on_all_is_known() -> None:
    whole = a_picture(0).planes
    whole[:, DEPTH, 10:, TREE] = plane(TREE_M + 2)
    whole[:, DEPTH, :10] = 2 * FAR_CODE - 1
    before, after = seen([a_picture(0), Known(whole, STEP_BACK, LIGHT)])
    assert before.all() and after[:10].all()


def test_who_goes_on_sees_no_more_above() -> None:
    forward = torch.tensor([[0.0, 1.7, 1.0, 0.0, 0.0]])
    assert cut_off(torch.full((1, 1, 144, 256), NOTHING), [a_picture(0)], forward) is None


def test_ground_at_the_border_of_who_looks_down_goes_on_as_others_show_it() -> None:
    picture = a_picture(144)
    picture.planes[:, DEPTH] = torch.linspace(plane(8.0), plane(2.0), 144)[:, None]
    assert cut_off(torch.full((1, 1, 144, 256), NOTHING), [picture], STEP_BACK) is None
