"""Nobody walks through what stands before them, and everybody gets past what has another side."""

import math
from math import hypot

import pytest
import torch

from engine.body import Body
from engine.obstacles import AWAY_M, REACH_M, Obstacles
from model.camera import project
from model.conditioning import state
from model.omni import Seen
from model.overlay import Known
from model.planes import DEPTH_SCALE_M, FAR_M, GRID_HEIGHT, GRID_WIDTH

STEP_M = 0.13


def pose(x: float, z: float) -> torch.Tensor:
    return torch.tensor([[x, 1.7, z, 0.0, 0.0]])


def seen(points: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """Distances [1, 144, 256] of a view from `at` of points [3, n], and the sky beyond."""
    column, row, far = project(points[None], at, GRID_HEIGHT, GRID_WIDTH)
    out = torch.full((GRID_HEIGHT * GRID_WIDTH,), FAR_M)
    inside = (far > 0) & (column >= 0) & (column < GRID_WIDTH - 1) & (row >= 0) & (row < GRID_HEIGHT - 1)
    at_pixel = row[inside].long() * GRID_WIDTH + column[inside].long()
    return out.scatter_reduce(0, at_pixel, far[inside], "amin").view(1, GRID_HEIGHT, GRID_WIDTH)


def inland(x: float, z: float) -> bool:
    return False


def wall(left: float, right: float, z: float) -> torch.Tensor:
    across, up = torch.meshgrid(torch.arange(left, right, 0.004), torch.arange(0.0, 3.0, 0.004), indexing="ij")
    return torch.stack([across.flatten(), up.flatten(), torch.full_like(across.flatten(), z)])


def walk(points: torch.Tensor, frames: int) -> tuple[float, float]:
    """Where somebody is who goes straight on (to +z) from the origin."""
    obstacles, x, z = Obstacles(inland), 0.0, 0.0
    for _ in range(frames):
        obstacles.see(seen(points, pose(x, z)), pose(x, z))
        right, ahead = obstacles.way(x, z, (0.0, STEP_M))
        assert hypot(right, ahead) <= STEP_M + 1e-6
        x, z = x + right, z + ahead
    return x, z


def test_where_nothing_stands_a_step_stays_as_it_is():
    obstacles = Obstacles(inland)
    obstacles.see(torch.full((1, GRID_HEIGHT, GRID_WIDTH), FAR_M), pose(0.0, 0.0))
    assert obstacles.way(0.0, 0.0, (0.1, -0.05)) == (0.1, -0.05)


@pytest.mark.parametrize(("wall_m", "away_m"), [(5.0, AWAY_M), (1.5, REACH_M)])
def test_nobody_walks_through_a_wide_wall(wall_m: float, away_m: float):
    """Nor does who is nearer to it than they like."""
    _, z = walk(wall(-6.0, 6.0, wall_m), 60)
    assert wall_m - 1.5 * away_m < z < wall_m - 0.5 * away_m


def test_nobody_walks_under_a_crown():
    across, up = torch.meshgrid(torch.arange(-1.5, 1.5, 0.01), torch.arange(2.2, 3.5, 0.01), indexing="ij")
    crown = torch.stack([across.flatten(), up.flatten(), torch.full_like(across.flatten(), 5.0)])
    obstacles, z = Obstacles(inland), 0.0
    for _ in range(60):
        obstacles.see(seen(crown, pose(0.0, z)), pose(0.0, z))
        east, north = obstacles.way(0.0, z, (0.0, STEP_M))
        if east:
            break
        z += north
    assert 1.0 < z < 5.0


def test_a_narrow_thing_is_gone_around_on_its_freer_side():
    x, z = walk(wall(-0.2, 0.6, 4.0), 180)
    assert z > 4.5 and x < 0


def test_ground_and_what_hangs_overhead_are_in_nobodys_way():
    across, along = torch.meshgrid(torch.arange(-3.0, 3.0, 0.01), torch.arange(0.2, 6.0, 0.01), indexing="ij")
    for height in (0.2, 4.0):
        flat = torch.stack([across.flatten(), torch.full_like(across.flatten(), height), along.flatten()])
        x, z = walk(flat, 20)
        assert x == 0.0 and abs(z - 20 * STEP_M) < 1e-4


def test_who_stands_before_something_can_turn_away_from_it():
    obstacles, near = Obstacles(inland), wall(-2.0, 2.0, 0.6)
    obstacles.see(seen(near, pose(0.0, 0.0)), pose(0.0, 0.0))
    assert obstacles.way(0.0, 0.0, (0.0, STEP_M))[1] < 0.1 * STEP_M
    assert obstacles.way(0.0, 0.0, (0.0, -STEP_M)) == (0.0, -STEP_M)


class Striding:
    """Whoever walks by it goes straight on at walking speed."""

    def move(self, hidden, controls, velocity, ground):
        return torch.tensor([0.0, 0.0, 3.0]), torch.tensor(1.0)


@pytest.mark.parametrize(("wall_m", "stopped"), [(1.5, True), (50.0, False)])
def test_a_walker_stops_before_what_was_seen_and_is_told_so(wall_m: float, stopped: bool):
    body, now = Body(Striding()), state.beginning("meadow", "day", "clear")
    planes = torch.zeros(1, 9, GRID_HEIGHT, GRID_WIDTH)
    planes[:, 6] = 2 * math.sqrt(DEPTH_SCALE_M / (DEPTH_SCALE_M + wall_m)) - 1
    seen = Seen(torch.zeros(1), torch.zeros(1, 1, 4), [], torch.zeros(1))
    known = Known(planes, torch.tensor([now.pose]), torch.zeros(7))
    for _ in range(24):
        body.move(now, torch.zeros(12), seen, known)
    assert now.pose[2] < wall_m and (float(now.velocity[2]) < 0.3) == stopped
    assert (now.pose[2] < 2.5) == stopped


def test_nobody_walks_out_to_sea_but_along_it_and_back_from_it():
    obstacles, x, z = Obstacles(lambda x, z: z > 3.0 + 0.5 * x), 0.0, 0.0
    obstacles.see(torch.full((1, GRID_HEIGHT, GRID_WIDTH), FAR_M), pose(0.0, 0.0))
    for _ in range(60):
        right, ahead = obstacles.way(x, z, (0.0, STEP_M))
        x, z = x + right, z + ahead
        assert z <= 3.0 + 0.5 * x
    assert z > 3.5 and x > 1.0
    assert Obstacles(lambda x, z: True).way(0.0, 0.0, (0.0, STEP_M)) == (0.0, STEP_M)
