"""What lies around pixels, against torch's windows of every pixel."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from model.beside import grown, middle_of_nine, most_around, most_beside


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


def test_what_is_not_known_grows_out_of_what_is_around_it_ring_by_ring():
    values = torch.arange(40.0).view(1, 1, 5, 8)
    known = torch.zeros(1, 1, 5, 8, dtype=torch.bool)
    known[..., 2, 1] = known[..., 2, 3] = True
    filled, rings = grown(values, known)
    assert filled[0, 0, 2, :5].tolist() == [17, 17, 18, 19, 19]
    assert float(filled[0, 0, 0, 1]) == pytest.approx((17 + 17 + 18) / 3)
    assert torch.equal(rings[0, 0, 2], torch.tensor([1.0, 0, 1, 0, 1, 2, 3, 4])) and rings[0, 0, 0, 1] == 2
    nothing, rings = grown(values, known & False)
    assert not nothing.any() and not rings.any()
