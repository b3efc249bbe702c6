"""How well what views saw is seen from elsewhere: in C++ as in torch."""

import pytest
import torch

from model import native
from model.camera import unproject
from model.sight import sharpness

GRID = (9, 16)


@pytest.mark.parametrize("alike", [-1.0, 0.75])
def test_what_is_seen_in_cpp_is_what_is_seen_in_torch(alike, monkeypatch):
    generator = torch.Generator().manual_seed(0)
    poses = torch.rand(40, 5, generator=generator) * torch.tensor([60.0, 2.0, 60.0, 6.0, 0.4])
    distance_m = torch.rand(40, 18, 32, generator=generator) * 40
    distance_m[:, :4, :8] = 0
    points, here = unproject(distance_m, poses).flatten(2), torch.tensor([30.0, 1.0, 30.0, 0.3, 0.1])
    ours = sharpness(points, poses[:, :3], here, GRID, 30.0, alike)
    monkeypatch.setattr(native, "load", lambda name: None)
    theirs = sharpness(points, poses[:, :3], here, GRID, 30.0, alike)
    assert ours.shape == (40, 144) and 0.05 < (ours > 0).float().mean() < 0.9
    far = (poses[:, :3] - here[:3]).norm(dim=1) >= 30
    assert far.any() and not ours[far].any()
    assert ((ours - theirs).abs() > 1e-4).float().mean() < 1e-3  # points that land on a rounding


@pytest.mark.parametrize("cpp", [True, False])
def test_what_is_looked_at_from_another_side_counts_for_nothing(cpp, monkeypatch):
    if not cpp:
        monkeypatch.setattr(native, "load", lambda name: None)
    point, here = torch.tensor([[[0.0], [0.0], [10.0]]]), torch.zeros(5)
    for aside_m, counts in ((5.0, True), (12.0, False)):  # 27 and 50 degrees
        eye = torch.tensor([[aside_m, 0.0, 0.0]])
        assert bool((sharpness(point, eye, here, GRID, 30.0, 0.75) > 0).any()) == counts
        assert (sharpness(point, eye, here, GRID, 30.0, -1.0) > 0).any()
