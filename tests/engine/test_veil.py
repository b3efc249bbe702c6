"""What is seen before a picture: drops and flakes that fall, and stars; without end, and kept nowhere."""

import math

import pytest
import torch

from configs.paths import WEIGHTS
from engine.veil import PLACE, Sheets, Veil, as_learned, eddies, in_the_air, places_of
from model import native
from model.camera import corner_rays
from model.conditioning import state
from model.planes import FAR_CODE
from model.specks import A_RADIAN, COLUMNS, OF_KIND, ROWS, SHEETS, STARS, directions, load

CLEAR, RAIN, SNOW = (torch.tensor([0.2, 0.9, 0.1, *falls]) for falls in ((0.0,) * 3, (1.0, 0, 0), (0.0, 1, 1)))
NIGHT = torch.tensor([0.75, 0.27, 0.0, 0.0, 0.0, 0.0])
SNOW_NEAR = 2


@pytest.fixture(scope="module")
def sheets() -> Sheets:
    return Sheets(load(WEIGHTS / "specks.safetensors"))


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


def seen(sheets: Sheets, sky: torch.Tensor, *where: float) -> torch.Tensor:
    return laid(Veil(sheets), sky, *where)[0][0].int()


@pytest.fixture(params=["C++", "torch"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "torch":
        monkeypatch.setattr(native, "load", lambda name: None)
    elif native.load("specks") is None:
        pytest.skip("no C++ compiler")
    return str(request.param)


def test_nothing_is_before_a_clear_day_and_a_picture_stays_as_it_was(sheets: Sheets):
    picture = grey()
    assert Veil(sheets).over(picture, depth(), CLEAR, (0.0, 0.0), 1.0) is picture
    for sky in (RAIN, SNOW, NIGHT):
        shown = Veil(sheets).over(picture, depth(), sky, (0.0, 0.3), 1.0)
        assert all(torch.equal(part, was) for part, was in zip(picture, grey(), strict=True))
        assert not torch.equal(shown[0], picture[0]) and [part.dtype for part in shown] == [torch.uint8] * 3


@pytest.mark.parametrize("sky", [RAIN, SNOW], ids=["rain", "snow"])
def test_drops_and_flakes_are_seen_and_hide_little(sheets: Sheets, sky: torch.Tensor, way: str):
    away = (seen(sheets, sky) - 90).abs()
    assert 0.01 < (away > 10).float().mean() < 0.4, way
    half = (seen(sheets, torch.cat([sky[:3], sky[3:] / 2])) - 90).abs().float().mean()
    assert 0.2 < half / away.float().mean() < 0.7


def test_stars_stand_in_the_sky_by_night_and_nowhere_else(sheets: Sheets, way: str):
    veil, looked = Veil(sheets), (0.3, 0.2)
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


def test_there_are_no_stars_by_day_nor_behind_rain():
    night, wet, day = (in_the_air(sky.tolist())[STARS] for sky in (NIGHT, torch.cat([NIGHT[:3], RAIN[3:]]), CLEAR))
    assert (night, wet, day) == (1, 0, 0)
    dusk = in_the_air([0.51, 0.2, 0.0, 0.0, 0.0, 0.0])[STARS]
    assert 0.2 < dusk < 0.4
    assert in_the_air([0.75, 0.9, 0.5, 0.0, 0.25, 0.0])[1:] == [0.25, 0.375]


def test_drops_have_one_colour_while_the_sky_clears(sheets: Sheets):
    passing = torch.tensor([0.2, 0.39, 0.0, 0.5, 0.0, 0.0])
    lighter = (seen(sheets, passing) - 90)[:, ::8]
    assert lighter.sum() > 0 and (lighter >= 0).all()  # by day they are lighter than what lies behind them
    learned = as_learned(torch.tensor([0.7, 0.4, 0.3, 0.5, 0.5, 0.9]))
    typical = [state.TYPICAL_WEATHER[name] for name in ("rain", "snow")]
    assert torch.allclose(learned, torch.tensor([[0.7, *typical[0]], [0.7, *typical[1]], [0.7, 0.4, 0, 0, 0, 0]]))


def test_the_same_moment_looks_the_same_whatever_was_shown_before(sheets: Sheets):
    long = Veil(sheets)
    for at_s in (0.0, 1.0, 90.0, 3.0):
        last = laid(long, SNOW, at_s)[0][0].int()
    assert torch.equal(last, seen(sheets, SNOW, 3.0))
    assert not torch.equal(last, seen(sheets, SNOW, 3.0 + 1 / 24))


def test_both_ways_of_laying_it_over_a_picture_give_the_same(sheets: Sheets, monkeypatch: pytest.MonkeyPatch):
    if native.load("specks") is None:
        pytest.skip("no C++ compiler")
    for sky, *where in ((RAIN, 36000.0, 3.1, -0.7), (SNOW, 12.3, -20.0, 1.0), (NIGHT, 1.0, 2.0, 0.1)):
        fast = laid(Veil(sheets), sky, *where)
        with monkeypatch.context() as slow:
            slow.setattr(native, "load", lambda name: None)
            plain = laid(Veil(sheets), sky, *where)
        assert not torch.equal(fast[0], grey()[0])
        for one, other in zip(fast, plain, strict=True):
            assert (one.int() - other.int()).abs().max() <= 1


def test_flakes_fall_and_stay_where_they_are_when_somebody_turns(sheets: Sheets):
    here = seen(sheets, SNOW, 5.0, 0.0, 0.0)
    later = seen(sheets, SNOW, 5.0 + 1 / 24, 0.0, 0.0)
    rows = round(SHEETS[SNOW_NEAR].speed_m_s / SHEETS[SNOW_NEAR].distance_m / 24 * 240)
    middle = (slice(100, 180), slice(200, 312))

    def alike(down: int, right: int, other: torch.Tensor) -> float:
        moved = other.roll((-down, -right), (0, 1))[middle].float()
        return float(torch.corrcoef(torch.stack([here[middle].float().flatten(), moved.flatten()]))[0, 1])

    assert max(alike(rows + by, 0, later) for by in (-1, 0, 1)) > alike(-rows, 0, later) + 0.2
    assert alike(0, -round(0.05 * 240), seen(sheets, SNOW, 5.0, 0.05, 0.0)) > 0.8


def test_sheets_go_on_below_their_last_row(sheets: Sheets):
    near, level = OF_KIND[1][0], directions(corner_rays(288, 512, 8), 0.0)
    around_s = ROWS / A_RADIAN * SHEETS[near].distance_m / SHEETS[near].speed_m_s
    before, after = (places_of(level, 0.0, (near,), at_s)[0, 1, :, 32] / PLACE for at_s in (0.0, around_s / 2))
    fallen = (before - after) % ROWS
    assert (fallen - ROWS / 2).abs().max() < 30, "expected half a sheet, but for what the air carries"
    below = sheets.groups[..., 2]
    assert torch.equal(below[:, -1], sheets.shares[:, 0]) and torch.equal(below[:, :-1], sheets.shares[:, 1:])
    assert torch.equal(sheets.groups[:, :, -1, 1], sheets.shares[:, :, 0])


def test_air_carries_flakes_a_little_and_bends_none():
    snow = OF_KIND[1]
    places = torch.rand(3, 2, 5, 7) * COLUMNS
    carried = eddies(places, snow, 5.0)
    assert 1 < float(carried.abs().amax()) <= 9 and carried.shape == places.shape
    assert torch.allclose(carried, eddies(places + torch.tensor([COLUMNS, 0.0])[:, None, None], snow, 5.0), atol=1e-3)
    for way in torch.eye(2)[..., None, None]:
        assert float((eddies(places + way, snow, 5.0) - carried).abs().amax()) < 0.2
    later = (eddies(places, snow, 6.0) - carried).abs()
    assert 0.5 < float(later.amax()) < 10


def test_all_around_there_is_no_seam_either(sheets: Sheets):
    once, twice = (seen(sheets, RAIN, 5.0, 1.0 + around, 0.1) for around in (0.0, 2 * math.pi))
    assert (once - twice).abs().max() <= 1
