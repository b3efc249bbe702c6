"""Worlds that are walked into: when a picture is drawn anew, out of what, and that nobody waits for it."""

from __future__ import annotations

import math

import pytest
import torch

from engine.models import Glimpse, Models, load_models
from engine.renewal import AHEAD, FURTHER, HURRIED, LITTLE, MOST_RAD, REST, SUDDEN, ahead, with_fresh
from engine.world import Inputs, World
from model.borders import DEPTH
from model.conditioning import state
from model.omni import VIEW

FORWARD = 1 << 0
SLIGHT = 0.03  # a difference of colours that does not count


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models()


def whole(world: World) -> list[int]:
    """The frames at which whole keyframes were drawn, the first one left out."""
    return [keyframe.index for keyframe in world.memory.keyframes[1:] if keyframe.whole]


def walked(world: World, frames: int, buttons: int = FORWARD) -> World:
    for frame in range(frames):
        world.step(Inputs(buttons if frame else 0))
    return world


def test_what_is_walked_into_is_drawn_anew_and_leads(models: Models) -> None:
    world = walked(World(models, 40, "a meadow with trees on a clear day"), 60)
    assert len(whole(world)) >= 2
    pose = torch.tensor(world.state.pose)
    chosen = world.memory.choose(pose, state.light(world.state.sky), [])
    assert chosen.keyframes[0].index in whole(world) and chosen.led > 0.65
    assert float((chosen.keyframes[0].pose[:3] - pose[:3]).norm()) < 0.5 * float(pose[:3].norm())


def test_where_somebody_stands_nothing_changes(models: Models) -> None:
    world = walked(World(models, 40, "a meadow with trees on a clear day"), 30, buttons=0)
    assert whole(world) == []


def test_who_comes_to_rest_is_shown_one_picture_of_all_they_see_and_then_no_other(models: Models) -> None:
    world = World(models, 40, "a meadow with trees on a clear day")
    world.patience_s = 0
    for frame in range(65):
        world.step(Inputs(look_x=0.03 * (0 < frame <= 20)))
    drawn = whole(world)
    assert world._recollection.led > 1 - LITTLE
    for _ in range(AHEAD + REST):
        world.step(Inputs())
    assert whole(world) == drawn


def test_a_picture_that_was_given_lasts_longer(models: Models) -> None:
    world = walked(World(models, 1, template="shore"), 40)
    assert math.dist(world.state.pose[:3], world.memory.keyframes[0].pose[:3].tolist()) > 2
    assert whole(world) == []
    assert World.restored(models, world.saved()).memory.given, "expected it to last when it was put away meanwhile"


def test_it_is_drawn_from_where_somebody_will_be() -> None:
    now = state.beginning("meadow", "day", "clear")
    now.pose, now.velocity = [1.0, 1.7, 2.0, math.pi / 2, 0.1], torch.tensor([0.0, 0.0, 2.4])
    assert ahead(now, 0.0, 1) == pytest.approx([1 + 2.4 * AHEAD / 24, 1.7, 2, math.pi / 2, 0.1], abs=1e-6)


@pytest.mark.parametrize("pieces", [HURRIED, SUDDEN])
@pytest.mark.parametrize("turning", [0.04, -0.04])
def test_for_who_turns_it_is_drawn_sooner_and_from_farther_round(turning: float, pieces: int) -> None:
    now = state.beginning("meadow", "day", "clear")
    now.pose, now.velocity = [1.0, 1.7, 2.0, 0.0, 0.1], torch.tensor([0.0, 0.0, 2.4])
    frames = AHEAD / pieces
    turn = turning * frames + math.copysign(FURTHER, turning)
    assert ahead(now, turning, pieces) == pytest.approx([1, 1.7, 2 + 2.4 * frames / 24, turn, 0.1], abs=1e-6)
    assert abs(ahead(now, 100 * turning, pieces)[3]) == MOST_RAD


def test_what_comes_into_view_is_drawn_whole_before_it_is_wholly_in_view(models: Models) -> None:
    world = walked(World(models, 40, "a meadow with trees on a clear day"), 48)
    world.step(Inputs())
    yaw, frames = world.state.pose[3], len(world.memory.keyframes)
    for _ in range(AHEAD):
        world.step(Inputs(look_x=0.04))
    drawn = [float(keyframe.pose[3]) - yaw for keyframe in world.memory.keyframes[frames:] if keyframe.whole]
    assert drawn and drawn[0] > FURTHER
    glimpse = world._recollection.glimpse(world._past.known, torch.tensor([world.state.pose]), world._past.known.light)
    assert glimpse.stands and float(glimpse.known[..., -32:].mean()) > 0.9


def test_who_turns_at_once_sees_a_whole_picture_of_where_they_turn_to_within_seven_frames(models: Models) -> None:
    world = walked(World(models, 40, "a meadow with trees on a clear day"), 48)
    yaw, frames = world.state.pose[3], len(world.memory.keyframes)
    for _ in range(7):
        world.step(Inputs(FORWARD, look_x=0.04))
    drawn = [keyframe for keyframe in world.memory.keyframes[frames:] if keyframe.whole]
    assert drawn and float(drawn[0].pose[3]) - yaw > FURTHER, "expected what was begun straight on to be given up"


def test_who_nudges_their_look_again_and_again_sees_new_pictures_all_the_same(models: Models) -> None:
    world = World(models, 40, "a meadow with trees on a clear day")
    for frame in range(72):
        world.step(Inputs(FORWARD if frame else 0, look_x=0.02 * (frame % 10 == 9)))
    assert len(whole(world)) >= 2


def test_who_turns_while_light_changes_sees_whole_pictures_in_light_under_way(models: Models) -> None:
    world = World(models, 7, "snowy mountains on a clear day")
    world.patience_s = 0
    walked(world, 30)
    world.say("night falls")
    frames, stood = len(world.memory.keyframes), state.light(world.state.sky)
    for _ in range(24):
        world.step(Inputs(look_x=-0.03))
    drawn = [keyframe for keyframe in world.memory.keyframes[frames:] if keyframe.whole]
    now = state.light(world.state.sky)
    assert [k for k in drawn if float((k.light - stood).norm()) > 0.1 and float((k.light - now).norm()) > 0.1], (
        f"expected a picture between {stood} and {now}; got {[k.light for k in drawn]}"
    )


def test_what_two_steps_drew_of_an_invented_world_is_not_remembered(models: Models) -> None:
    world = walked(World(models, 40, "a meadow with trees on a clear day"), 30)
    assert all(keyframe.dreamed or keyframe.whole for keyframe in world.memory.keyframes)


def seen(planes: torch.Tensor) -> Glimpse:
    everywhere, nowhere = torch.ones_like(planes[:, :1]), torch.zeros_like(planes[:, :1])
    cells = torch.ones(1, 1, 18, 32)
    return Glimpse(
        torch.zeros(1, 16, 18, 32), torch.zeros(1, 144, VIEW), planes, everywhere, cells, 0 * cells, nowhere, 0 * cells
    )


def test_what_was_drawn_from_as_near_on_the_same_surface_stays() -> None:
    old, new = torch.zeros(1, 8, 144, 256), torch.full((1, 8, 144, 256), SLIGHT)
    new[:, DEPTH:] = 0.0
    old[:, 7, :, 128:] = -0.5  # drawn from much farther away
    new[:, DEPTH, 72:] = 0.4  # another surface
    mixed = with_fresh(new, seen(old))
    assert (mixed[:, :DEPTH, 8:60, 8:120] == 0).all(), "expected what was there"
    assert (mixed[:, :DEPTH, 80:] == SLIGHT).all(), "expected what is new"
    assert (mixed[:, :DEPTH, :, 136:] == SLIGHT).all(), "expected what is new"


def test_beside_an_edge_nothing_stays() -> None:
    old, new = torch.zeros(1, 8, 144, 256), torch.full((1, 8, 144, 256), SLIGHT)
    old[:, DEPTH:, :, 100:120] = 0.5
    new[:, DEPTH:] = old[:, DEPTH:]
    mixed = with_fresh(new, seen(old))
    assert (mixed[0, 0, 70, 94:100] == SLIGHT).all() and (mixed[0, 0, 70, 20:80] == 0).all()


def test_what_is_drawn_otherwise_takes_the_place_of_what_was() -> None:
    old, new = torch.zeros(1, 8, 144, 256), torch.full((1, 8, 144, 256), SLIGHT)
    new[:, DEPTH:] = 0.0
    new[:, :DEPTH, :, 128:] = 0.4  # a trunk, where there was a tear in a crown
    mixed = with_fresh(new, seen(old))
    assert (mixed[:, :DEPTH, 8:-8, 8:110] == 0).all() and (mixed[:, :DEPTH, :, 128:] == 0.4).all()


@pytest.mark.parametrize(("plane", "value"), [("remembered", 0.0), ("other_light", 0.5)])
def test_what_only_the_last_frame_showed_or_shows_another_light_is_drawn_anew(plane: str, value: float) -> None:
    old, new = torch.zeros(1, 8, 144, 256), torch.full((1, 8, 144, 256), SLIGHT)
    new[:, DEPTH:] = 0.0
    before = seen(old)
    getattr(before, plane)[..., 16:] = value
    mixed = with_fresh(new, before)
    assert (mixed[:, :DEPTH, 8:-8, 8:120] == 0).all() and (mixed[:, :DEPTH, :, 136:] == SLIGHT).all()
