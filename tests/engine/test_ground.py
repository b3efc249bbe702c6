"""Where the ground is, by what frames show of it."""

import torch

from engine.ground import MOST, Ground
from model.camera import rays
from model.conditioning.state import EYE_M


def flat_m(pose: torch.Tensor, height_m: float) -> torch.Tensor:
    """Distances [1, 144, 256] to a plane at that height."""
    down = -rays(144, 256, torch.device("cpu"))[1]
    return torch.where(down > 1e-3, (pose[0, 1] - height_m) / down.clamp_min(1e-3), 300.0).clamp(0, 300)[None]


DRY = torch.zeros(1, 36, 64)


def test_it_is_where_somebody_stands_and_where_depth_shows_it():
    ground, pose = Ground(), torch.tensor([[3.0, EYE_M + 2.0, -5.0, 0.0, 0.0]])
    assert ground.height_m(3, -5) is None
    ground.stand(pose[0].tolist())
    height = ground.height_m(3, -5)
    assert height is not None and abs(height - 2.0) < 1e-5
    ground.learn(flat_m(pose, 2.0), DRY, pose)
    ahead = ground.height_m(3, 0)
    assert ahead is not None and abs(ahead - 2.0) < 0.1
    assert ground.height_m(3, 40) is None and ground.height_m(3, -12) is None


def test_what_was_seen_first_is_believed_more():
    ground, pose = Ground(), torch.tensor([[0.0, EYE_M, 0.0, 0.0, 0.0]])
    ground.learn(flat_m(pose, 0.0), DRY, pose)
    ground.learn(flat_m(pose, -1.0), DRY, pose)
    height = ground.height_m(0.0, 5.0)
    assert height is not None and -0.35 < height < -0.05


def test_what_stands_at_the_height_of_the_eye_is_no_ground_and_cells_are_bounded():
    ground, pose = Ground(), torch.tensor([[0.0, EYE_M, 0.0, 0.0, 0.0]])
    ground.learn(torch.full((1, 144, 256), 0.4), DRY, pose)
    assert ground.height_m(0.0, 0.3) is None
    for i in range(MOST + 10):
        ground.stand([float(i), EYE_M, 0.0, 0.0, 0.0])
    assert ground.height_m(0.5, 0.5) is None and ground.height_m(MOST + 5.5, 0.5) == 0


def test_water_all_around_is_the_sea_and_beside_dry_ground_it_is_not():
    ground, pose = Ground(), torch.tensor([[0.0, EYE_M, 0.0, 0.0, 0.0]])
    left = torch.zeros(1, 36, 64)
    left[..., :32] = 1
    for _ in range(3):
        ground.learn(flat_m(pose, 0.0), left, pose)
    assert ground.at_sea(-2.6, 6.5) and not ground.at_sea(2.6, 6.5)
    assert not ground.at_sea(-0.5, 6.0)
    assert not ground.at_sea(-30.0, -30.0)
    assert abs(ground.height_m(-2.6, 6.5) or 0.0) < 0.05


def test_what_was_taken_for_water_is_believed_to_be_dry_after_some_looks():
    ground, pose = Ground(), torch.tensor([[0.0, EYE_M, 0.0, 0.0, 0.0]])
    ground.learn(flat_m(pose, 0.0), torch.ones(1, 36, 64), pose)
    assert ground.at_sea(0.0, 6.0)
    for _ in range(3):
        ground.learn(flat_m(pose, 0.0), DRY, pose)
    assert not ground.at_sea(0.0, 6.0)
