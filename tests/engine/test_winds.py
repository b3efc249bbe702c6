"""In a world that stands clouds and waves move, the sun does not, and each moment always looks the same."""

import torch

from engine.winds import blown
from model.borders import DEPTH, SKY
from model.conditioning import state
from model.planes import DEPTH_SCALE_M, unpack


def scene(level_m: float = 1.7) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Bytes and planes of noise; the sky, and below it a plane so far below the eye."""
    planes = torch.rand(1, 7, 144, 256, generator=torch.Generator().manual_seed(2)) - 0.5
    down = (torch.arange(144) - 71.5).clamp_min(0.5)[:, None] * (1.2 / 144)
    column = (torch.arange(256) - 127.5) * (1.2 / 144)
    far = level_m * (1 + down**2 + column**2).sqrt() / down
    planes[:, DEPTH] = 2 * (DEPTH_SCALE_M / (DEPTH_SCALE_M + far)).sqrt() - 1
    planes[:, DEPTH, :72] = SKY - 0.02
    return list(unpack(planes)), planes


def test_sky_and_water_move_and_land_does_not():
    (picture, planes), now = scene(), state.beginning("coast", "day", "clear")
    water = torch.zeros(1, 36, 64)
    water[:, 18:, 32:] = 1
    later = blown(picture, planes, water, now, 1.0)
    moved = [(a.int() - b.int()).abs()[0].float() for a, b in zip(later, picture, strict=True)]
    assert moved[0][:100].mean() > 3 and moved[0][200:, 300:].mean() > 3
    assert moved[0][160:, :200].max() == 0 and moved[1][80:, :100].max() == 0
    again = blown(picture, planes, water, now, 1.0)
    assert all(torch.equal(a, b) for a, b in zip(later, again, strict=True))
    assert all(torch.equal(part, was) for part, was in zip(picture, scene()[0], strict=True))


def test_what_stands_in_the_water_stays():
    (picture, planes), now = scene(), state.beginning("coast", "day", "clear")
    planes[:, DEPTH, 90:120, 40:80] = 0.9  # near and upright
    later = blown(picture, planes, torch.ones(1, 36, 64), now, 0.7)
    still = (later[1].int() - picture[1].int()).abs()[0]
    assert still[91:119, 41:79].max() == 0 and still[125:, 100:].float().mean() > 1


def test_the_sun_does_not_drift():
    (picture, planes), now = scene(), state.beginning("coast", "dusk", "clear", state.to_the_sun("dusk"))
    moved = (blown(picture, planes, torch.zeros(1, 36, 64), now, 2.0)[0].int() - picture[0].int()).abs()[0].float()
    assert moved[110:130, 246:266].mean() < 0.4 * moved[:60, :100].mean()


def test_a_wall_is_itself():
    picture, planes = scene()
    planes[:, DEPTH] = 0.5
    assert blown(picture, planes, torch.zeros(1, 36, 64), state.beginning("coast", "day", "clear"), 3.0) is picture
