"""A known picture takes the light of the drawn one and keeps its detail; a drawn one meets what stays beside it."""

import torch
import torch.nn.functional as F

from model.relight import attune, relight


def a_picture() -> torch.Tensor:
    """Broad stripes with sharp edges on a slope of grey, colours and a depth, [1, 7, 144, 256]."""
    across = torch.linspace(-0.5, 0.5, 256).expand(144, 256)
    stripes = 0.2 * torch.sin(torch.arange(256) / 8).sign().expand(144, 256)
    luma = (across + stripes).expand(4, 144, 256)
    return torch.cat([luma, 0.1 * across[None], -0.1 * across[None], torch.full((1, 144, 256), 0.3)])[None]


def softened(planes: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(planes, 9, 1, 4, count_include_pad=False)


def test_soft_night_falls_on_a_sharp_day():
    day = a_picture()
    night = 0.3 * day - 0.6
    drawn = softened(night)
    drawn[:, 6] = -0.5
    made = relight(day, drawn, torch.ones(1, 1, 144, 256))
    middle = (..., slice(20, 124), slice(20, 236))
    assert (made - night)[:, :4][middle].abs().mean() < 0.4 * (drawn - night)[:, :4][middle].abs().mean()
    assert torch.equal(made[:, 6], day[:, 6])


def test_what_is_drawn_meets_what_stays():
    known = torch.zeros(1, 7, 144, 256)
    drawn = known + 0.4
    stays = torch.zeros(1, 1, 144, 256)
    stays[..., :128] = 1
    made = attune(drawn, known, stays)
    assert made[:, :6, :, 128:140].abs().max() < 0.2 and made[:, :6, :, 240:].min() > 0.25
    assert torch.allclose(made[:, 6], drawn[:, 6])  # 1.4 of the known code: another surface
    assert torch.allclose(attune(drawn, known, torch.zeros_like(stays)), drawn)


def test_ground_that_is_drawn_lies_where_the_known_ground_lies():
    known = torch.zeros(1, 7, 144, 256)
    known[:, 6] = torch.linspace(-0.6, 0.4, 144)[:, None]
    drawn, stays = known.clone(), torch.zeros(1, 1, 144, 256)
    drawn[:, 6] = 1.08 * (known[:, 6] + 1) - 1
    stays[..., :128] = 1
    off = [(picture[:, 6] - known[:, 6])[..., 128:144].abs().mean() for picture in (attune(drawn, known, stays), drawn)]
    assert off[0] < 0.4 * off[1]
