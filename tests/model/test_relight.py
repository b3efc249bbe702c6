"""A known picture takes the light of the drawn one and keeps its detail; a drawn one meets what stays beside it."""

import pytest
import torch
import torch.nn.functional as F

from model import native
from model.planes import FAR_CODE
from model.relight import _relight, attune, layers, relight
from model.view import Change

DAY_SKY, NIGHT_SKY, DAY_CROWN, NIGHT_CROWN = 0.6, -0.8, -0.2, -0.4  # of luma's plane
NIGHT = Change(torch.ones(1, 1, 18, 32), torch.zeros(1, 1, 18, 32))
RAIN = Change(*torch.ones(2, 1, 1, 18, 32))
needs_compiler = pytest.mark.skipif(native.load("relight") is None, reason="no C++ compiler")


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
    made = relight(day, drawn, torch.ones(1, 1, 144, 256), NIGHT)
    middle = (..., slice(20, 124), slice(20, 236))
    assert (made - night)[:, :4][middle].abs().mean() < 0.4 * (drawn - night)[:, :4][middle].abs().mean()
    assert torch.equal(made[:, 6], day[:, 6])


def a_crown(sky: float, crown: float) -> torch.Tensor:
    """A disc 5 m away before the sky, both with some texture, [1, 7, 144, 256]."""
    down, across = torch.meshgrid(torch.arange(144) - 70.0, torch.arange(256) - 120.0, indexing="ij")
    near = (down.square() + across.square()).sqrt() < 40
    luma = torch.where(near, crown, sky) + 0.05 * torch.sin(across / 2)
    return torch.cat(
        [luma.expand(4, -1, -1), torch.zeros(2, 144, 256), torch.where(near, -0.1, 2 * FAR_CODE - 1)[None]]
    )[None]


def off_the_night(change: Change) -> torch.Tensor:
    """By how much a day's crown, in the tones of a night that a network drew softly, is off the night's, [144, 256]."""
    day, night = a_crown(DAY_SKY, DAY_CROWN), a_crown(NIGHT_SKY, NIGHT_CROWN)
    made = relight(day, softened(night), torch.ones(1, 1, 144, 256), change)
    return (made - night)[0, :4].abs().mean(0)


def test_a_crown_has_no_rim_of_the_sky_before_and_the_sky_no_halo():
    for change in (NIGHT, RAIN):
        assert off_the_night(change).max() < 0.2 * (NIGHT_CROWN - NIGHT_SKY)


def test_a_sky_of_other_clouds_is_the_drawn_one():
    day, night = a_crown(DAY_SKY, DAY_CROWN), a_crown(NIGHT_SKY, NIGHT_CROWN)
    night[:, :4, :20] = 0.5
    made = relight(day, night, torch.ones(1, 1, 144, 256), RAIN)
    assert torch.allclose(made[:, :4, :20], night[:, :4, :20], atol=1e-5)
    kept = relight(day, night, torch.ones(1, 1, 144, 256), Change(*torch.zeros(2, 1, 1, 18, 32)))
    assert torch.equal(kept, day)


def test_layers_of_depth_are_of_the_sky_or_of_two_levels():
    depth = torch.linspace(2 * FAR_CODE - 1, 1, 144 * 256).reshape(1, 1, 144, 256)
    parts = layers(depth)
    assert torch.allclose(parts.sum(1), torch.ones(1, 144, 256), atol=1e-5)
    assert parts.count_nonzero(1).max() <= 2 and parts[:, :, 0, 0].argmax() == 0


@needs_compiler
@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_as_torch_says(seed: int):
    generator = torch.Generator().manual_seed(seed)
    day, night = a_crown(DAY_SKY, DAY_CROWN), softened(a_crown(NIGHT_SKY, NIGHT_CROWN))
    day[:, 6, 90:] = torch.linspace(-0.8, 0.5, 54)[:, None]
    for planes in (day, night):
        planes[:, :6] += 0.1 * torch.randn(1, 6, 144, 256, generator=generator)
    mask = (torch.rand(1, 1, 144, 256, generator=generator) > 0.1).float()
    change = Change(*torch.rand(2, 1, 1, 18, 32, generator=generator))
    assert torch.allclose(relight(day, night, mask, change), _relight(day, night, mask, change), atol=1e-3)


def with_sun(column: int) -> torch.Tensor:
    """A dusky sky with a disc of light in it."""
    sky = a_crown(0.0, 0.0)
    sky[:, 6] = 2 * FAR_CODE - 1
    down, across = torch.meshgrid(torch.arange(144) - 50.0, torch.arange(256.0) - column, indexing="ij")
    sky[:, :4, (down.square() + across.square()).sqrt() < 6] = 1.0
    return sky


def test_the_sun_goes_from_where_it_was_known_to_where_it_is_drawn():
    made = relight(with_sun(60), with_sun(180), torch.ones(1, 1, 144, 256), NIGHT)
    assert made[0, :4, 50, 180].mean() > 0.9 and made[0, :4, 50, 60].mean() < 0.3


@needs_compiler
def test_planes_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match="known and drawn; got"):
        relight(torch.zeros(1, 7, 144, 256), torch.zeros(1, 7, 72, 128), torch.ones(1, 1, 144, 256), NIGHT)


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
