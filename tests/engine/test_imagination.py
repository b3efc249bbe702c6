"""Where a world dreams of, and that it comes into memory."""

import json
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from configs.paths import WEIGHTS
from engine import imagination
from engine.imagination import (
    DRAFTS,
    FIRST_STEPS,
    GUIDED,
    STEPS,
    TURNS,
    Told,
    imagine,
    imagine_well,
    seam,
    walled,
    where_to,
)
from engine.memory import NOT_OWN, Keyframe, Memory
from engine.models import Models, load_models
from engine.templates import read_picture
from engine.world import Inputs, World
from model.conditioning import state
from model.omni import CHANNELS, PATCH, VIEW, Seen, patch
from model.planes import depth_code

LIGHT = torch.zeros(7)


def remembered(*yaws: float) -> Memory:
    memory = Memory()
    for yaw in yaws:
        at = torch.tensor([0.0, 1.7, 0.0, yaw, 0.0])
        far = torch.full((18, 32), 20.0)
        memory.keep(Keyframe(torch.zeros(16, 18, 32), at, LIGHT, 0, far, torch.zeros(18, 32)))
    return memory


def test_the_nearest_turn_that_nothing_shows_is_dreamed_of():
    here = [0.0, 1.7, 0.0, 0.0, 0.4]
    there = where_to(remembered(0.0), here, LIGHT)
    assert there is not None and there.tolist() == torch.tensor([0.0, 1.7, 0.0, TURNS[0], 0.0]).tolist()
    there = where_to(remembered(0.0, TURNS[0]), here, LIGHT)
    assert there is not None and abs(float(there[3]) - TURNS[1]) < 1e-6


def test_who_has_seen_all_around_dreams_of_nothing_until_the_light_is_another():
    around, here = remembered(*(0.6 * i for i in range(11))), [0.0, 1.7, 0.0, 0.3, 0.0]
    assert where_to(around, here, LIGHT) is None
    assert where_to(around, here, LIGHT + torch.tensor([0.0, 0, 0, 0, 0.2, 0, 0])) is None, "hardly another"
    there = where_to(around, here, LIGHT + torch.tensor([2.0, 0, 0, 0, 0, 0, 0]))
    assert there is not None and abs(float(there[3]) - 0.3 - TURNS[0]) < 1e-6


@pytest.fixture(scope="module")
def models() -> Models:
    return Models.random()


@pytest.mark.parametrize(("patience_s", "at_once"), [(60.0, True), (0.0, False)])
def test_all_around_is_dreamed_of_before_the_second_frame_unless_patience_ends(
    models: Models, patience_s: float, at_once: bool
):
    world = World(models, 1)
    world.patience_s = patience_s
    world.step(Inputs())
    world.step(Inputs())
    dreams = sum(keyframe.dreamed for keyframe in world.memory.keyframes)
    assert (dreams > 0) == at_once
    if not at_once:
        begun_s = time.monotonic()
        while not any(keyframe.dreamed for keyframe in world.memory.keyframes):
            assert world.index < 4 * STEPS and time.monotonic() - begun_s < 300, "nothing was dreamed of"
            world.step(Inputs())


def test_a_dream_of_another_light_is_given_up_and_begun_anew_when_the_light_stands(models: Models):
    world = World(models, 1)
    world.patience_s = 0.0
    world.step(Inputs())
    dreams, recollection = world._imagination, world._recollection
    while dreams._dream is None:
        assert world.index < 2 * STEPS, "nothing was dreamed of"
        world.step(Inputs())
    now = world.state
    later = replace(world._told(), state=replace(now, sky=now.sky + 0.1))
    recollection.stands = False
    dreams.go_on(later, world.index)
    assert dreams._dream is None
    recollection.stands = True
    dreams.go_on(later, world.index)
    assert torch.equal(dreams._dream.light, state.light(later.state.sky))


def test_what_was_seen_in_another_light_is_dreamed_of_as_the_network_draws_it_now(
    models: Models, monkeypatch: pytest.MonkeyPatch
):
    world = World(models, 1)
    world.step(Inputs())
    world.step(Inputs())
    dreams, sky = world._imagination, world.state.sky.clone()
    before = sum(keyframe.dreamed for keyframe in world.memory.keyframes)
    assert before and dreams._begin(world._told()) is None, "expected all around to be seen in this light"
    sky[0] = (sky[0] + 0.5) % 1
    night = replace(world._told(), state=replace(world.state, sky=sky))
    dream = dreams._begin(night)
    assert dream is not None and dream.glimpse.other_light.mean() > 0.9
    monkeypatch.setattr("engine.models.relight", lambda *_: pytest.fail("expected what is drawn, not old pixels relit"))
    with torch.inference_mode():
        assert list(dreams._remembering(dream, sky, 2))
    newest = world.memory.keyframes[-1]
    assert newest.dreamed and torch.equal(newest.light, state.light(sky))
    assert (newest.drawn > NOT_OWN).float().mean() > 0.95, "expected a picture that is all its own"


@pytest.mark.parametrize("chosen", [0, 2])
def test_the_draft_that_shows_best_what_the_state_says_is_finished(
    models: Models, chosen: int, monkeypatch: pytest.MonkeyPatch
):
    shown = iter(float(draft == chosen) * 100 for draft in range(DRAFTS))
    monkeypatch.setattr(models.showing, "shows", lambda latents, named: torch.tensor([next(shown)]))
    monkeypatch.setattr(imagination, "STIRRED", 0.0)  # else a picture is finished with other noise
    world = World(models, 3, "a meadow")
    found = world._imagination.first(world._told())
    assert next(shown, None) is None, "a draft was not looked at"
    alone = World(models, 3, "a meadow")
    for _ in range(chosen * (1 + FIRST_STEPS // 2)):
        alone._imagination._noise()
    monkeypatch.setattr(models.showing, "shows", lambda latents, named: torch.zeros(1))
    monkeypatch.setattr(imagination, "DRAFTS", 1)
    assert torch.allclose(found, alone._imagination.first(alone._told()), atol=1e-4)


def test_the_omni_guides_between_the_first_steps_and_the_last_and_knows_no_place():
    bundled = load_models()
    told = Told.by(bundled, "a sunny day", 1.0, state.beginning("meadow", "day", "clear"))
    elsewhere = replace(told, state=replace(told.state, place=state.PLACES.index("desert")))
    view, noisy = torch.zeros(1, 144, VIEW), torch.randn(1, 1, 144, PATCH)

    def drawn(by: Callable[..., Seen], one: Told, tau: float) -> torch.Tensor:
        return by(bundled, one, view, noisy, tau).clean.float()

    for tau in (0.0, 0.05, 0.95):
        assert torch.equal(drawn(imagine_well, told, tau), drawn(imagine, told, tau))
    here, there = ((1 + GUIDED) * drawn(imagine, one, 0.5) - drawn(imagine_well, one, 0.5) for one in (told, elsewhere))
    assert here.abs().mean() > 0.01
    assert torch.allclose(here, there, atol=1e-4), "what is subtracted is of any place alike"


def test_a_seam_is_how_unlike_things_are_where_the_known_ends():
    view = torch.zeros(1, 144, VIEW)
    cells = torch.zeros(1, CHANNELS, 18, 32)
    cells[..., :10] = 1
    view[..., PATCH : PATCH + 4] = patch(cells)[..., :4]
    smooth = torch.zeros(1, CHANNELS, 18, 32)
    torn = smooth.clone()
    torn[..., 10:] = 0.7
    elsewhere = smooth.clone()
    elsewhere[..., 20:] = 0.7
    assert float(seam(smooth, view)) == 0 and float(seam(elsewhere, view)) == 0
    assert abs(float(seam(torn, view)) - 0.7) < 1e-5
    assert float(seam(torn, torch.zeros(1, 144, VIEW))) == 0


def test_a_crown_before_the_eyes_is_a_wall_and_the_ground_before_the_feet_is_none():
    planes = torch.zeros(1, 7, 144, 256)
    planes[:, 6] = 2 * depth_code(torch.tensor(40.0)) - 1
    planes[:, 6, 96:] = 2 * depth_code(torch.tensor(2.0)) - 1
    assert walled(planes) == 0
    planes[:, 6, :96, :128] = 2 * depth_code(torch.tensor(3.0)) - 1
    assert walled(planes) == 0.5


def test_of_the_bundled_templates_what_they_show_is_read_rightly():
    bundled = load_models()
    for entry in json.loads((WEIGHTS / "templates.json").read_text("utf-8")):
        latents = bundled.tokenizer.encode(read_picture(WEIGHTS / str(entry["picture"])))
        if entry["weather"] in ("fog", "snow") or entry["time"] == "night":
            continue  # nobody could tell
        place, *rest = (str(entry[name]) for name in ("place", "time", "weather"))
        chances = {
            p: float(bundled.showing.shows(latents, state.named(state.beginning(p, *rest)))) for p in state.PLACES
        }
        assert max(chances, key=chances.__getitem__) == place, (entry["id"], chances)


@pytest.mark.parametrize("given", [False, True])
def test_around_an_invented_first_frame_the_best_of_drafts_is_kept_and_around_a_given_one_the_only(
    models: Models, given: bool, monkeypatch: pytest.MonkeyPatch
):
    world = World(models, 1)
    world.step(Inputs())
    world.memory.given = given
    world._recollection.stands = True  # nothing is dreamed of while the light changes, and nobody looked yet
    shown, asked = iter([0.0, 9.0, 0.0]), list[torch.Tensor]()

    def shows(latents: torch.Tensor, named: object) -> torch.Tensor:
        asked.append(latents)
        return torch.tensor([next(shown)])

    monkeypatch.setattr(models.showing, "shows", shows)
    monkeypatch.setattr(imagination, "SEAM", 0.0)
    assert world._past is not None
    steps = 0
    while not any(keyframe.dreamed for keyframe in world.memory.keyframes):
        assert steps < 4 * STEPS, "nothing was dreamed of"
        world._imagination.go_on(world._told(), index=1 + steps)
        dream = world._imagination._dream
        if dream is not None and len(dream.drawn) == imagination.DREAM_DRAFTS and dream.taken == STEPS // 2:
            assert torch.equal(dream.noisy, dream.drawn[1][1])
        steps += 1
    assert len(asked) == (0 if given else imagination.DREAM_DRAFTS)
    pieces = sum(1 for _ in models.finishing(torch.zeros(1, 7, 144, 256)))
    begun, kept = 1, 2 + pieces
    assert steps - begun - kept == STEPS + (0 if given else (imagination.DREAM_DRAFTS - 1) * STEPS // 2)


def test_who_loses_patience_midway_is_not_dreamed_for_any_longer(models: Models):
    world = World(models, 1)
    world.step(Inputs())
    assert world._past is not None
    left = iter([60.0] * 5)
    world._imagination.look_around(world._told(), lambda: next(left, 0.0))
    assert not any(keyframe.dreamed for keyframe in world.memory.keyframes)
