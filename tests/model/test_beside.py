"""What lies around pixels, against torch's windows of every pixel."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from model.beside import carried_on, middle_of_nine, most_around, most_beside


@pytest.mark.parametrize("reach", range(1, 9))
def test_the_most_beside_and_around_a_pixel_is_that_of_its_window(reach):
    plane = torch.randn(2, 1, 20, 28, generator=torch.Generator().manual_seed(reach))
    size = 2 * reach + 1
    assert torch.equal(most_beside(plane, reach), F.max_pool2d(plane, (1, size), 1, (0, reach)))
    assert torch.equal(most_around(plane, reach), F.max_pool2d(plane, size, 1, reach))


def test_the_middle_of_nine_is_their_median():
    plane = torch.randint(0, 6, (2, 1, 144, 256), generator=torch.Generator().manual_seed(1)).float()  # some are equal
    nine = F.unfold(F.pad(plane, (1, 1, 1, 1), mode="replicate"), 3)
    assert torch.equal(middle_of_nine(plane), nine.median(1).values.view_as(plane))


def test_what_is_not_known_is_that_of_the_nearest_in_its_row_and_else_of_the_nearest_row():
    values = torch.arange(40.0).view(1, 1, 5, 8)
    known = torch.zeros(1, 1, 5, 8, dtype=torch.bool)
    known[..., 1, 2] = known[..., 1, 6] = known[..., 4, 0] = True
    row = torch.tensor([10.0, 10, 10, 10, 14, 14, 14, 14])
    row[4] = 10.0  # as near to both: from the left
    filled = carried_on(values, known)[0, 0]
    assert torch.equal(filled[:3], row.expand(3, 8)) and torch.equal(filled[4], torch.full((8,), 32.0))
    assert torch.equal(carried_on(values, known & False), values)
