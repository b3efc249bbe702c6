"""What is seen before a picture: drops and flakes that fall, and stars; without end, and kept nowhere."""

import pytest
import torch

from configs.paths import WEIGHTS
from engine.veil import BAND, KEPT, Veil, noise_of
from model import native
from model.planes import FAR_CODE
from model.specks import CELL, REACH, SHEETS, Specks, load

CLEAR, RAIN, SNOW = (torch.tensor([0.2, 0.9, 0.1, *falls]) for falls in ((0.0,) * 3, (1.0, 0, 0), (0.0, 1, 1)))
NIGHT = torch.tensor([0.75, 0.27, 0.0, 0.0, 0.0, 0.0])
SNOW_NEAR = 2


@pytest.fixture(scope="module")
def specks() -> Specks:
    return load(WEIGHTS / "specks.safetensors")


def grey() -> list[torch.Tensor]:
    sizes = ((1, 288, 512), (1, 144, 256), (1, 144, 256))
    return [torch.full(size, value, dtype=torch.uint8) for size, value in zip(sizes, (90, 128, 128), strict=True)]


def depth(land: int = 0) -> torch.Tensor:
    """Open sky but for so many rows below."""
    code = torch.full((1, 144, 256), 2 * FAR_CODE - 1)
    code[:, 144 - land :] = 0.0
    return code


def laid(veil: Veil, sky: torch.Tensor, at_s: float = 5.0, yaw: float = 0.3, pitch: float = 0.1) -> list[torch.Tensor]:
    return veil.over(grey(), depth(), sky, (yaw, pitch), at_s)


def seen(specks: Specks, sky: torch.Tensor, *where: float) -> torch.Tensor:
    return laid(Veil(specks), sky, *where)[0][0].int()


@pytest.fixture(params=["C++", "torch"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "torch":
        monkeypatch.setattr(native, "load", lambda name: None)
    elif native.load("specks") is None:
        pytest.skip("no C++ compiler")
    return str(request.param)


def test_nothing_is_before_a_clear_day_and_a_picture_stays_as_it_was(specks: Specks):
    picture = grey()
    assert Veil(specks).over(picture, depth(), CLEAR, (0.0, 0.0), 1.0) is picture
    for sky in (RAIN, SNOW, NIGHT):
        shown = Veil(specks).over(picture, depth(), sky, (0.0, 0.3), 1.0)
        assert all(torch.equal(part, was) for part, was in zip(picture, grey(), strict=True))
        assert not torch.equal(shown[0], picture[0]) and [part.dtype for part in shown] == [torch.uint8] * 3


@pytest.mark.parametrize("sky", [RAIN, SNOW], ids=["rain", "snow"])
def test_drops_and_flakes_are_seen_and_hide_little(specks: Specks, sky: torch.Tensor, way: str):
    away = (seen(specks, sky) - 90).abs()
    assert 0.01 < (away > 10).float().mean() < 0.4, way
    half = (seen(specks, torch.cat([sky[:3], sky[3:] / 2])) - 90).abs().float().mean()
    assert 0.2 < half / away.float().mean() < 0.7


def test_stars_stand_in_the_sky_by_night_and_nowhere_else(specks: Specks, way: str):
    veil, looked = Veil(specks), (0.3, 0.2)
    night = veil.over(grey(), depth(60), NIGHT, looked, 5.0)[0][0].int() - 90
    assert 0.0005 < (night[:150] > 10).float().mean() < 0.1, way
    assert (night[168:] == 0).all()
    later = veil.over(grey(), depth(60), NIGHT, looked, 500.0)[0][0].int() - 90
    assert torch.equal(night, later)
    low = veil.over(grey(), depth(), NIGHT, (0.3, -0.6), 5.0)[0][0].int() - 90
    assert (low == 0).all()  # nothing but what lies below the horizon
    cloudy = torch.cat([NIGHT[:1], torch.tensor([0.95]), NIGHT[2:]])
    behind = veil.over(grey(), depth(60), cloudy, looked, 5.0)[0][0].int() - 90
    assert behind.abs().float().sum() < 0.2 * night.abs().float().sum()


def test_the_same_moment_looks_the_same_whatever_was_shown_before(specks: Specks):
    long = Veil(specks)
    for at_s in (0.0, 1.0, 90.0, 3.0):
        last = laid(long, SNOW, at_s)[0][0].int()
    assert torch.equal(last, seen(specks, SNOW, 3.0))
    assert not torch.equal(last, seen(specks, SNOW, 3.0 + 1 / 24))
    kept = [sum(key[0] == number for key in long._bands) for number in range(len(SHEETS))]
    assert max(kept) <= KEPT and kept[:2] == [0, 0]


def test_both_ways_of_laying_it_over_a_picture_give_the_same(specks: Specks, monkeypatch: pytest.MonkeyPatch):
    if native.load("specks") is None:
        pytest.skip("no C++ compiler")
    for sky, *where in ((RAIN, 3600.0, 3.1, -0.7), (SNOW, 12.3, -20.0, 1.1), (NIGHT, 1.0, 2.0, 0.4)):
        fast = laid(Veil(specks), sky, *where)
        with monkeypatch.context() as slow:
            slow.setattr(native, "load", lambda name: None)
            plain = laid(Veil(specks), sky, *where)
        for one, other in zip(fast, plain, strict=True):
            assert (one.int() - other.int()).abs().max() <= 1


def test_flakes_fall_and_stay_where_they_are_when_somebody_turns(specks: Specks):
    here = seen(specks, SNOW, 5.0, 0.0, 0.0)
    later = seen(specks, SNOW, 5.0 + 1 / 24, 0.0, 0.0)
    rows = round(SHEETS[SNOW_NEAR].speed_m_s / SHEETS[SNOW_NEAR].distance_m / 24 * 240)
    middle = (slice(100, 180), slice(200, 312))

    def alike(down: int, right: int, other: torch.Tensor) -> float:
        moved = other.roll((-down, -right), (0, 1))[middle].float()
        return float(torch.corrcoef(torch.stack([here[middle].float().flatten(), moved.flatten()]))[0, 1])

    assert max(alike(rows + by, 0, later) for by in (-1, 0, 1)) > alike(-rows, 0, later) + 0.2
    assert alike(0, -round(0.05 * 240), seen(specks, SNOW, 5.0, 0.05, 0.0)) > 0.8


def test_a_sheet_has_no_seam_where_it_was_drawn_piece_by_piece(specks: Specks):
    veil = Veil(specks)
    apart = torch.cat([veil._drawn(3, band, band) for band in (-4, -3)])
    channels = specks.config.noise
    noise = torch.cat([noise_of(3, -4, channels), noise_of(3, -3, channels)[:, 2 * REACH :]], 1)
    assert noise.shape[1] == 2 * BAND // CELL + 2 * REACH
    at_once = specks(noise[None], torch.tensor([3]))[0, CELL * REACH : -CELL * REACH]
    assert torch.allclose(apart, at_once, atol=1e-5)


def test_all_around_there_is_no_seam_either(specks: Specks):
    once, twice = (seen(specks, RAIN, 5.0, 1.0 + around, 0.1) for around in (0.0, 2 * torch.pi))
    assert (once - twice).abs().max() <= 1
