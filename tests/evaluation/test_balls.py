"""A thrown ball is seen where it is, nearer things hide it, and what it keeps when it bounces is read from pictures."""

import numpy as np
import pytest
import torch

from model.evaluation.balls import bounces, rows_of_ball, with_ball
from model.evaluation.metrics.physics import ball_episode, kept
from model.evaluation.pictures import Picture, look
from model.planes import depth_code
from model.worlds.physics import BALL_RESTITUTION

HERE = torch.tensor([1.0, 1.7, 2.0, 0.0, 0.0])


def green(metres: float) -> tuple[Picture, torch.Tensor]:
    half = torch.full((144, 256), 110, dtype=torch.uint8)
    depth = (depth_code(torch.full((144, 256), metres)) * 65535).round().int()
    return Picture(torch.full((288, 512), 120, dtype=torch.uint8), half, half), depth


def test_a_ball_is_drawn_where_it_is_and_found_there():
    before, depth = green(50.0)
    rows = []
    for metres_up in (0.0, 1.0):
        shown, now = with_ball(before, depth, HERE, np.array([1.0, 1.7 + metres_up, 7.0]))
        rows += rows_of_ball(look([before])[0], look([shown]))
        assert (now != depth).sum() > 20 and torch.equal(shown.y[:20], before.y[:20])
    assert rows[0] == pytest.approx(67, abs=1) and rows[1] == pytest.approx(67 - 144 / 1.2 / 5, abs=1)


def test_what_is_nearer_hides_a_ball():
    before, depth = green(3.0)
    shown, now = with_ball(before, depth, HERE, np.array([1.0, 1.7, 7.0]))
    assert torch.equal(shown.y, before.y) and torch.equal(now, depth)
    assert rows_of_ball(look([before])[0], look([shown])) == [None]


def test_bounces_are_timed_between_looks_and_need_all_of_them():
    at = np.arange(60.0)
    rows = [float(80 - abs((t - 10.3) % 20 - 10) * 2) for t in at]  # a zigzag, lowest at 20.3 and 40.3
    assert bounces(rows) == pytest.approx([20.3, 40.3], abs=0.01)
    assert bounces([*rows[:19], None, *rows[20:]]) == pytest.approx([40.3], abs=0.01)
    assert kept(rows) == 0.0


def test_a_thrown_ball_keeps_in_the_simulators_pictures_what_physics_say(court):
    episode = ball_episode(0)
    shown = court.truth.play(episode)
    seen = look([shown[frame] for frame in episode.looked[1:]])
    assert kept(rows_of_ball(seen[0], seen[1:])) == pytest.approx(BALL_RESTITUTION, rel=0.08)
