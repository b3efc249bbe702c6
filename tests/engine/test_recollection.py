"""What a frame is known by: keyframes, what was drawn since, and what was dreamed."""

import numpy as np
import pytest
import torch

from engine.models import Models
from engine.recollection import KEY_EVERY, Recollection, with_own
from model.geometry import drawn_here
from model.overlay import GUESS, Known
from model.planes import depth_code

HERE, LIGHT = torch.tensor([[0.0, 1.7, 0.0, 0.0, 0.0]]), torch.zeros(7)
LATENTS = torch.zeros(1, 16, 18, 32)


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.random()


def plane(
    value: float, metres: float, drawn_m: float | None = None, own: bool = True, light: torch.Tensor = LIGHT
) -> Known:
    """A wall at one distance, all of one colour."""
    planes = torch.full((1, 7, 144, 256), value)
    planes[:, 6] = 2 * depth_code(torch.tensor(metres)) - 1
    planes = drawn_here(planes)
    if drawn_m is not None:
        planes[:, 7] = 2 * depth_code(torch.tensor(drawn_m)) - 1
    return with_own(planes, torch.full((1, 1, 144, 256), own), HERE, light)


def looking_back(models: Models, key: Known) -> Recollection:
    recollection = Recollection(models)
    recollection.look_back(LATENTS, key, 0)
    assert len(recollection.memory.keyframes) == 1
    return recollection


def test_a_keyframe_counts_for_more_than_what_was_invented_in_front_of_it(models: Models):
    recollection = looking_back(models, plane(0.5, 20.0))
    seen = recollection.glimpse(plane(-0.5, 5.0), HERE, LIGHT)
    assert seen.known.all() and (seen.planes[:, :4] - 0.5).abs().max() < 1e-3
    assert seen.remembered.min() > 0.99


def test_what_was_drawn_anew_from_nearer_replaces_it(models: Models):
    recollection = looking_back(models, plane(0.5, 20.0, drawn_m=80.0))
    seen = recollection.glimpse(plane(-0.5, 20.0), HERE, LIGHT)
    assert (seen.planes[:, :4] + 0.5).abs().max() < 1e-3 and seen.remembered.max() < 0.01
    copied = recollection.glimpse(plane(-0.5, 20.0, own=False), HERE, LIGHT)
    assert (copied.planes[:, :4] - 0.5).abs().max() < 1e-3


def test_a_dream_only_fills_what_nothing_else_shows(models: Models):
    recollection = looking_back(models, plane(0.5, 20.0))
    turned = torch.tensor([[0.0, 1.7, 0.0, 0.8, 0.0]])
    dream = plane(-0.9, 20.0)
    recollection.remember(LATENTS, Known(dream.planes, turned, LIGHT), 1, dreamed=True)
    between = torch.tensor([[0.0, 1.7, 0.0, 0.5, 0.0]])
    recollection.look_back(LATENTS, Known(plane(0.0, 20.0, own=False).planes, between, LIGHT), 2)
    seen = recollection.glimpse(plane(0.5, 20.0, own=False), between, LIGHT)
    luma = seen.planes[0, 0, 72]
    assert abs(luma[60] - 0.5) < 0.02 and abs(luma[240] + 0.9) < 0.02


def test_a_keyframe_keeps_only_what_is_its_own_and_its_light_is_told(models: Models):
    recollection = looking_back(models, plane(0.5, 20.0))
    half = plane(-0.5, 20.0)
    half.planes[:, 8, :, :128] = 0
    keyframe = recollection.remember(LATENTS, half, KEY_EVERY)
    assert (keyframe.distance_m[:, :16] == 0).all() and (keyframe.distance_m[:, 16:] > 0).all()
    assert recollection.memory.shown(HERE[0], LIGHT)[1].view(9, 16)[:, :7].max() == 0
    dark = torch.full((7,), 1.0)
    seen = recollection.glimpse(plane(-0.1, 20.0), HERE, dark)
    assert (seen.planes[:, :4] - 0.5).abs().max() < 1e-3
    assert (seen.tokens[..., -7:] - (dark - LIGHT)).abs().max() < 1e-3


def before_a_wall(post: float, wall: float, metres: float) -> Known:
    """A wall afar, and a post in front of it in the middle of the view."""
    known = plane(wall, 60.0)
    near = drawn_here(2 * depth_code(torch.full((1, 1, 144, 256), metres)) - 1)
    known.planes[:, :4, :, 120:136] = post
    known.planes[:, 6:8, :, 120:136] = near[..., 120:136].expand(1, 2, 144, 16)
    return known


def test_what_something_near_hid_is_guessed_anew_in_every_frame(models: Models):
    recollection = looking_back(models, before_a_wall(-0.9, 0.5, 3.0))
    aside = torch.tensor([[1.0, 1.7, 0.0, 0.0, 0.0]])
    last = Known(plane(0.0, 60.0).planes, aside, LIGHT)  # smeared over what was hidden
    seen = recollection.glimpse(last, aside, LIGHT)
    hidden = seen.uncovered > 0
    assert 16 * 144 * 0.8 < hidden.sum() < 16 * 144 * 1.3
    assert (seen.planes[:, :4].mean(1, keepdim=True)[hidden] - 0.5).abs().mean() < 0.05  # and not as `last` has it
    planes, *_ = models.draw(LATENTS, (seen, torch.ones(1, 1, 18, 32)))
    drawn = with_own(planes, torch.ones(1, 1, 144, 256, dtype=torch.bool), aside, LIGHT)
    again = looking_back(models, drawn).glimpse(drawn, aside, LIGHT)
    assert torch.equal(again.uncovered > 0, hidden)


def test_what_was_drawn_in_another_light_is_not_put_beside_a_keyframe(models: Models):
    recollection = looking_back(models, plane(0.5, 20.0, drawn_m=80.0))
    night = torch.full((7,), 0.5)
    seen = recollection.glimpse(plane(-0.5, 20.0, light=night), HERE, night)
    assert (seen.planes[:, :4] - 0.5).abs().max() < 1e-3


def test_a_keyframe_that_is_faded_in_is_seen_as_it_is_from_elsewhere(models: Models):
    recollection = looking_back(models, plane(0.5, 20.0))
    recollection.glimpse(plane(0.5, 20.0, own=False), HERE, LIGHT)
    keyframe = recollection.memory.keyframes[0]
    recollection.see_as(keyframe, plane(0.1, 20.0))
    last = plane(0.5, 20.0, own=False)
    assert (recollection.glimpse(last, HERE, LIGHT).planes[:, :4] - 0.1).abs().max() < 1e-3
    assert (recollection.elsewhere(HERE, LIGHT).planes[:, :4] - 0.5).abs().max() < 1e-2
    recollection.see_all()
    assert (recollection.glimpse(last, HERE, LIGHT).planes[:, :4] - 0.5).abs().max() < 1e-3


def test_from_elsewhere_nothing_is_known_of_what_only_the_last_frame_shows(models: Models):
    recollection = looking_back(models, plane(0.5, 20.0))
    turned = torch.tensor([[0.0, 1.7, 0.0, 2.2, 0.0]])
    last = Known(plane(-0.5, 20.0).planes, turned, LIGHT)
    assert recollection.glimpse(last, turned, LIGHT).known.mean() > 0.9
    assert recollection.elsewhere(turned, LIGHT).known.mean() < 0.1


def test_what_is_shown_as_it_is_known_goes_over_softly_into_what_nobody_saw(models: Models):
    recollection = looking_back(models, plane(0.5, 20.0))
    turned = torch.tensor([[0.0, 1.7, 0.0, 0.04, 0.0]])
    glimpse = recollection.elsewhere(turned, LIGHT)
    assert glimpse.stands and 0 < 1 - float(glimpse.known.mean()) < 0.25
    planes, y, *_ = models.show(glimpse)
    assert (planes[:, :4] - 0.5).abs().max() < 0.02 and np.ptp(y.numpy()) < 6
    unknown = glimpse.known == 0
    assert (planes[:, 7:][unknown] == GUESS).all() and (planes[:, 7:][~unknown] < GUESS).all()
    assert not glimpse._replace(known=0 * glimpse.known).stands
    assert not glimpse._replace(other_light=glimpse.other_light + 0.2).stands


def test_in_light_that_has_just_come_to_rest_who_draws_the_view_anew_is_told_how_it_looked_before(models: Models):
    recollection, dark = looking_back(models, plane(0.5, 20.0)), torch.full((7,), 0.5)
    relit, kept, told = plane(-0.5, 20.0, light=dark), list[int](), list[bool]()
    for index in range(KEY_EVERY, KEY_EVERY + 4):
        recollection.glimpse(relit, HERE, dark)
        recollection.look_back(LATENTS, relit, index)
        kept.append(len(recollection.memory.keyframes))
        told.append(bool(recollection.elsewhere(HERE, dark).other_light.mean() > 0.9))
    assert kept == [1, 1, 2, 2] and told == [True, True, False, False], "still changing, come to rest, at rest"
