"""Clouds and waves move as they should, in C++ as in torch, and what stands still stays."""

import pytest
import torch
import torch.nn.functional as F

from model import native
from model.drifting import Flow, clouds, drifted, phases, waves

ROUND_S, WIDE = 10.0, (6, 40)
POSE = torch.tensor([1.0, 1.7, -3.0, 0.6, 0.1])
NADIR = torch.tensor([[0.0, -1.0, 0.0]])  # what is bright there is not near the sky


def picture(seed: int = 0) -> list[torch.Tensor]:
    """Soft noise."""
    random = torch.Generator().manual_seed(seed)
    sizes = ((288, 512), (144, 256), (144, 256))
    noise = [torch.rand(1, 1, h // 8, w // 8, generator=random) for h, w in sizes]
    enlarged = [F.interpolate(n, size, mode="bicubic")[0] for n, size in zip(noise, sizes, strict=True)]
    return [(part * 255).clamp(0, 255).to(torch.uint8) for part in enlarged]


def sky() -> torch.Tensor:
    moves = torch.zeros(1, 144, 256, dtype=torch.bool)
    moves[:, :80] = True
    moves[:, 40:80, 100:140] = False  # a crown before it
    return moves


def shifted(right: float) -> Flow:
    """All comes from so many half-resolution pixels to the right, in the first phase alone."""
    rows, columns = torch.meshgrid(torch.arange(37) * 4 - 0.5, torch.arange(65) * 4 - 0.5, indexing="ij")
    return Flow(torch.stack([columns + right, rows]).expand(2, -1, -1, -1), (1.0, 0.0), torch.zeros(37, 65))


@pytest.fixture(params=["C++", "torch"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "torch":
        monkeypatch.setattr(native, "load", lambda name: None)
    elif native.load("drifting") is None:
        pytest.skip("no C++ compiler")
    return str(request.param)


def test_detail_is_carried_and_what_stands_still_stays(way: str):
    before, moves = picture(), sky()
    after = drifted(before, moves, shifted(7.0), WIDE)
    middle = slice(20, 60), slice(60, 200)
    wanted = before[1][0].roll(-7, 1)[:30, 160:220].float()
    assert (after[1][0][:30, 160:220].float() - wanted)[12:].abs().mean() < 0.2 * wanted.std()
    assert (after[0][0][middle].float() - before[0][0].roll(-14, 1)[middle].float()).abs().mean() < 10
    assert torch.equal(after[0][:, 160:], before[0][:, 160:])
    assert torch.equal(after[2][:, 40:80, 100:140], before[2][:, 40:80, 100:140])


def test_both_ways_say_the_same():
    if native.load("drifting") is None:
        pytest.skip("no C++ compiler")
    both, before = phases(3.3, ROUND_S), picture(1)
    for flow, moves in (
        (clouds(POSE, (0.07, 0.024), both, NADIR), sky()),
        (waves(POSE, 1.7, (0.35, 0.15), both), ~sky()),
    ):
        quick = drifted(before, moves, flow, WIDE)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(native, "load", lambda name: None)
            plain = drifted(before, moves, flow, WIDE)
        assert max(int((a.int() - b.int()).abs().max()) for a, b in zip(quick, plain, strict=True)) <= 1
        assert not torch.equal(quick[0], before[0])


@pytest.mark.parametrize("pitch", [-0.6, 0.1, 1.2])
def test_both_ways_say_whence_it_comes(pitch: float):
    if native.load("drifting") is None:
        pytest.skip("no C++ compiler")
    pose, both = torch.tensor([1.0, 1.7, -3.0, 0.6, pitch]), phases(3.3, ROUND_S)
    bright = F.normalize(torch.tensor([[0.5, 0.3, -0.7], [-0.5, 0.9, 0.1]]), dim=1)

    def flows() -> list[Flow]:
        return [clouds(pose, (0.07, 0.024), both, bright), waves(pose, 1.7, (0.35, 0.15), both)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "load", lambda name: None)
        plain = flows()
    for ours, theirs in zip(flows(), plain, strict=True):
        assert ours.shares == theirs.shares and torch.allclose(ours.still, theirs.still, atol=1e-4)
        apart = (ours.places - theirs.places).abs() / (1 + theirs.places.abs())
        assert apart.max() < 1e-3
    assert min(float(flow.still.min()) for flow in plain) < 1


def test_what_is_bright_stands_still_and_what_is_around_it(way: str):
    sun = F.normalize(torch.tensor([[0.0, 0.3, 1.0]]), dim=1)
    ahead = torch.tensor([0.0, 1.7, 0.0, 0.0, 0.29])
    still = clouds(ahead, (0.07, 0.024), phases(3.3, ROUND_S), sun).still
    assert still[18, 32] > 0.99 > 0.5 > still[18, 60] and still[4:16, 2].max() < 0.2
    assert clouds(ahead, (0.07, 0.024), phases(3.3, ROUND_S), NADIR).still[18, 32] < 1e-6


def test_nothing_moves_as_it_was_drawn_nor_where_all_is_still(way: str):
    before, first = picture(), phases(0.0, ROUND_S)
    assert first[0] == (0.0, 1.0) and first[1].share == 0.0
    for flow in (clouds(POSE, (0.07, 0.024), first, NADIR), shifted(9.0)._replace(still=torch.ones(37, 65))):
        after = drifted(before, sky(), flow, WIDE)
        assert max(int((a.int() - b.int()).abs().max()) for a, b in zip(before, after, strict=True)) <= 1


def test_both_phases_together_are_seen_whole_and_neither_where_it_begins_anew():
    for at_s in (0.1, 4.9, 5.1, 123.4, 86_400.3):
        first, second = phases(at_s, ROUND_S)
        assert first.share + second.share == pytest.approx(1)
        assert abs(first.gone_s) <= ROUND_S / 2 and (at_s - first.gone_s) / ROUND_S % 1 == pytest.approx(0, abs=1e-6)
    assert phases(4.999, ROUND_S)[0].share < 0.001 and phases(5.001, ROUND_S)[0].share < 0.001


def test_clouds_come_with_the_wind_and_the_more_the_higher_they_stand():
    both = phases(1.0, ROUND_S)
    level = torch.tensor([0.0, 1.7, 0.0, 0.0, 0.0])  # looks south, where they come from
    moved = clouds(level, (0.0, 0.05), both, NADIR).places[0] - shifted(0.0).places[0]
    down = moved[1, :14, 32]  # from the top down to near the horizon
    assert (down > 0).all() and down[0] > 2 * down[13]
    assert moved[0, :14, 32].abs().max() < 0.1
    assert clouds(level, (0.0, 0.05), both, NADIR).still[20:].min() == 1


def test_waves_are_larger_near_the_eye_and_none_are_above_the_horizon():
    flow = waves(torch.tensor([0.0, 1.7, 0.0, 0.0, 0.0]), 1.7, (0.5, 0.0), phases(1.0, ROUND_S))
    across = (flow.places[0] - shifted(0.0).places[0])[0, :, 32]
    assert across[36] > 3 * across[22] > 0
    assert flow.still[:18].min() == 1 and flow.still[20:].max() == 0
