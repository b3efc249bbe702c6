"""The outlines of what is gone leave the sky; stars, trunks and the trees on the horizon stay."""

import pytest
import torch

from model import native
from model.borders import DEPTH
from model.dust import without_dust

NEAR, FAR = -0.2, -0.87
DARK, BRIGHT = -0.6, 0.4


def sky() -> torch.Tensor:
    planes = torch.full((1, 8, 144, 256), -0.2)
    planes[:, 4:6] = 0
    planes[:, DEPTH] = FAR
    planes[:, DEPTH, 90:] = NEAR
    return planes


@pytest.fixture(params=["C++", "torch"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "torch":
        monkeypatch.setattr(native, "load", lambda name: None)
    elif native.load("dust") is None:
        pytest.skip("no C++ compiler")
    return str(request.param)


def test_thin_dark_things_in_the_sky_go_and_all_else_stays(way: str):
    planes = sky()
    planes[:, :4, 30:60, 100:102] = DARK  # the outline of what stood there
    planes[:, :4, 20, 200] = BRIGHT
    planes[:, :4, 60:, 50:53] = DARK
    planes[:, DEPTH, 60:, 50:53] = NEAR
    planes[:, :4, 84:90, 150:153] = DARK  # far, on the horizon
    planes[:, :4, 10:20, 140:150] = DARK  # a cloud
    before = planes.clone()
    out = without_dust(planes)
    assert torch.equal(planes, before)
    assert torch.allclose(out[:, :4, 30:60, 100:102], torch.tensor(-0.2), atol=1e-4)
    rest = torch.ones(144, 256, dtype=torch.bool)
    rest[30:60, 100:102] = False
    assert torch.equal(out[..., rest], planes[..., rest])


def test_in_cpp_it_is_what_it_is_in_torch(monkeypatch: pytest.MonkeyPatch):
    if native.load("dust") is None:
        pytest.skip("no C++ compiler")
    generator = torch.Generator().manual_seed(2)
    planes = sky()
    planes[:, :DEPTH] += 0.3 * torch.rand(1, DEPTH, 144, 256, generator=generator)
    out = without_dust(planes)
    monkeypatch.setattr(native, "load", lambda name: None)
    expected = without_dust(planes)
    assert 0.01 < (out != planes).any(1).float().mean() < 0.5
    assert ((out - expected).abs().amax(1) > 1e-5).float().mean() < 1e-3  # where a threshold is met just so
