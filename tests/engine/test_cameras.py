"""Cameras that nobody carries: where they go, how they come to rest, and what they do not go through."""

from __future__ import annotations

from itertools import pairwise
from math import atan2, hypot

import pytest
import torch

from engine.cameras import CEILING_M, CLEAR_M, LOWEST_M, RISE_M_S, Orbit, fly
from model.conditioning import control, state
from model.overlay import Known
from model.planes import FAR_CODE, GRID_HEIGHT, GRID_WIDTH, depth_code

FORWARD, BACK, LEFT, RIGHT, _, _, _, ARROW_RIGHT, RISE, SINK = range(len(control.HELD))


def hands(*held: int, look: tuple[float, float] = (0.0, 0.0)) -> torch.Tensor:
    controls = torch.zeros(control.WIDTH)
    controls[list(held)] = 1
    controls[10:] = torch.tensor(look)
    return controls


def aloft(height_m: float = 3.0, yaw: float = 0.0, pitch: float = 0.0) -> state.WorldState:
    now = state.beginning("meadow", "day", "clear")
    now.pose = [0.0, height_m, 0.0, yaw, pitch]
    return now


def seen(now: state.WorldState, distance_m: float | None = None) -> Known:
    """A picture from where it is, of a wall so far away all around; None: of nothing near."""
    planes = torch.zeros(1, 9, GRID_HEIGHT, GRID_WIDTH)
    planes[:, 6] = 2 * (FAR_CODE if distance_m is None else float(depth_code(torch.tensor(distance_m)))) - 1
    return Known(planes, torch.tensor([now.pose]), torch.zeros(7))


def flown(now: state.WorldState, frames: int, *held: int, ground_m: float | None = 0.0) -> state.WorldState:
    for _ in range(frames):
        fly(now, hands(*held), seen(now), lambda x, z: ground_m)
    return now


def test_a_drone_goes_where_it_looks_and_comes_to_rest_gently() -> None:
    now = flown(aloft(3.0, yaw=torch.pi / 2, pitch=-0.2), 24, FORWARD)
    x, y, z = now.pose[:3]
    assert 1.5 < x < 3.0 and abs(z) < 1e-3 and y == pytest.approx(3.0 - x * 0.2027, abs=0.01) and now.ground == 0
    at_let_go = x
    flown(now, 6)
    assert now.pose[0] > at_let_go + 0.1
    stood = flown(now, 60).pose
    assert not now.velocity.any() and flown(now, 1).pose == stood


def test_it_rises_to_the_ceiling_and_sinks_to_the_lowest_over_the_ground_that_it_knows() -> None:
    now = aloft()
    heights = [flown(now, 1, RISE).pose[1] for _ in range(240)]
    assert max(later - earlier for earlier, later in pairwise(heights)) <= RISE_M_S / 24 + 1e-6
    assert CEILING_M - 0.1 < heights[-1] <= CEILING_M
    assert flown(now, 240, SINK).pose[1] == pytest.approx(LOWEST_M, abs=0.1)
    assert flown(now, 240, SINK, ground_m=2.0).pose[1] == pytest.approx(2.0 + LOWEST_M, abs=0.1)
    assert flown(now, 240, ground_m=None).pose[1] == pytest.approx(2.0 + LOWEST_M, abs=0.1)


def test_it_stops_before_what_it_sees_and_may_turn_back() -> None:
    now = aloft()
    for _ in range(120):
        fly(now, hands(FORWARD), seen(now, max(0.2, 8.0 - now.pose[2])), lambda x, z: 0.0)
    assert 8.0 - CLEAR_M - 0.6 < now.pose[2] <= 8.0 - CLEAR_M + 0.05
    near = now.pose[2]
    for _ in range(24):
        fly(now, hands(BACK), seen(now, 8.0 - now.pose[2]), lambda x, z: 0.0)
    assert now.pose[2] < near - 1


def test_a_look_turns_every_camera_exactly() -> None:
    now, orbit = aloft(), Orbit()
    fly(now, hands(look=(0.04, -0.02)), seen(now), lambda x, z: 0.0)
    orbit.circle(now, hands(look=(0.03, 0.01)), seen(now), lambda x, z: 0.0)
    assert now.pose == pytest.approx([0, 3, 0, 0.07, -0.01])


@pytest.mark.parametrize(("button", "side"), [(RIGHT, 1), (LEFT, -1), (ARROW_RIGHT, 1)])
def test_an_orbit_keeps_its_middle_in_the_middle_and_its_distance(button: int, side: int) -> None:
    now, orbit = aloft(2.0, yaw=0.5, pitch=-0.2), Orbit()
    far = 6.0
    middle = [far * 0.98007 * 0.47943, 2.0 - far * 0.19867, far * 0.98007 * 0.87758]
    for _ in range(240):
        orbit.circle(now, hands(button), seen(now, far), lambda x, z: 0.0)
        away = [part - own for part, own in zip(middle, now.pose, strict=False)]
        assert hypot(away[0], away[2]) == pytest.approx(far * 0.98007, abs=0.1)
        assert now.pose[4] == pytest.approx(atan2(away[1], hypot(away[0], away[2])), abs=0.02)
        assert (atan2(away[0], away[2]) - now.pose[3] + torch.pi) % (2 * torch.pi) == pytest.approx(torch.pi, abs=0.02)
    assert (0.5 - now.pose[3]) * side > 2  # most of a half turn in ten seconds


def test_an_orbit_comes_nearer_and_goes_farther_within_bounds_and_rises() -> None:
    now, orbit = aloft(2.0), Orbit()

    def circled(frames: int, button: int) -> list[float]:
        for _ in range(frames):
            orbit.circle(now, hands(button), seen(now, 10.0) if now.pose[2] == 0 else seen(now), lambda x, z: 0.0)
        return now.pose

    assert circled(240, FORWARD)[2] == pytest.approx(7.5, abs=0.05)
    assert circled(400, BACK)[2] == pytest.approx(-5.0, abs=0.05)
    assert circled(240, RISE)[1] == pytest.approx(CEILING_M, abs=0.1) and now.pose[4] < -0.2


def test_an_orbit_at_rest_sees_the_very_same_view() -> None:
    now, orbit = aloft(2.0, yaw=0.3, pitch=-0.1), Orbit()
    before = list(now.pose)
    for _ in range(3):
        orbit.circle(now, hands(), seen(now, 4.0), lambda x, z: 0.0)
    assert now.pose == before
