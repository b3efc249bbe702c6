"""One world on random weights: what it obeys, what it refuses, and that nothing else matters."""

import json
import math
from itertools import pairwise

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from engine import saving
from engine import templates as templates_module
from engine import world as engine_world
from engine.dynamics import Network
from engine.models import Models, Networks, load_models
from engine.recollection import KEY_EVERY
from engine.saving import NotAWorld
from engine.world import LOOK_LIMIT, Inputs, PromptRefused, Start, World
from model.attention import Past
from model.conditioning import state
from model.conditioning.meaning import PromptReader
from model.conditioning.text import TextEncoder
from model.detail import Detail
from model.omni import Given, Omni, OmniConfig, Seen, unpatch
from model.planes import unpack
from model.showing import Showing
from model.specks import Specks
from model.surfaces import Surfaces
from model.tokenizer.frame import FrameTokenizer, FrameTokenizerConfig
from model.tokenizer.int8 import activation_ranges
from model.waters import Waters

FORWARD, ARROW_RIGHT, RISE, NEXT_CAMERA = 1 << 0, 1 << 7, 1 << 8, 1 << 10
SMALL = OmniConfig(layers=2, hidden=64, time_every=2, window=3)
TOKENIZER = FrameTokenizerConfig(
    encoder_fine=32, encoder_coarse=64, encoder_blocks=(1, 1), decoder_coarse=64, decoder_fine=32, decoder_blocks=(1, 1)
)


class Counted:
    """A network, and what it was asked."""

    def __init__(self, network: Network):
        self._network, self.asked = network, list[torch.Tensor]()

    def __call__(self, noisy: torch.Tensor, given: Given, mask: torch.Tensor, past: list[Past]) -> Seen:
        self.asked.append(noisy)
        return self._network(noisy, given, mask, past)


@pytest.fixture(scope="module")
def models() -> Models:
    """Random networks, but a sun that moves and a body that walks."""
    torch.manual_seed(0)
    tokenizer, omni = FrameTokenizer(TOKENIZER).eval(), Omni(SMALL)
    for parameter in omni.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
    with torch.no_grad():
        omni.sky[-1].bias.copy_(torch.tensor([10.0, 10, 10, 10, 10, 10]))
    ranges = activation_ranges(tokenizer, torch.rand(1, 7, 144, 256) * 2 - 1)
    return Models(
        tokenizer,
        Networks(omni, omni, Surfaces(), Showing().eval(), Detail(), Specks(), Waters()),
        PromptReader(TextEncoder.load(), None),
        "random",
        ranges,
    )


def rollout(models: Models, seed: int, steps: list[Inputs]) -> list[np.ndarray]:
    world = World(models, seed, "a meadow at dusk")
    return [world.step(inputs).y for inputs in steps]


def test_a_frame_has_planes_with_margin_state_and_sound(models: Models):
    frame = World(models, 1).step(Inputs())
    assert frame.index == 0 and frame.y.shape == (288, 512) and frame.u.shape == frame.v.shape == (144, 256)
    assert all(plane.dtype == np.uint8 and plane.flags.c_contiguous for plane in (frame.y, frame.u, frame.v))
    assert frame.y.min() >= 16 and frame.y.max() <= 235
    assert {"place", "tod", "x", "yaw", "speed", "ground"} <= frame.state.keys() and len(frame.audio) == 22


def test_the_same_seed_and_inputs_give_the_same_world_to_the_last_bit(models: Models):
    walk = [Inputs(FORWARD, 0.03, -0.01)] * 3 + [Inputs(0, -0.1)] * 2
    first, second = rollout(models, 7, walk), rollout(models, 7, walk)
    assert all(map(np.array_equal, first, second))
    assert not np.array_equal(first[-1], rollout(models, 8, walk)[-1])
    assert not np.array_equal(first[-1], rollout(models, 7, [*walk[:-1], Inputs(0, 0.1)])[-1])


def test_a_frames_state_is_told_before_it_is_sampled_and_that_of_a_first_one_after(models: Models):
    world, told = World(models, 1), []
    for index in range(3):
        before = models.batch.passes
        frame = world.step(Inputs(FORWARD), lambda now: told.append((world.index, models.batch.passes, now.values())))
        assert told[index] == (index, before if index else models.batch.passes, frame.state)
    assert len(told) == 3


def test_a_frame_stays_as_it_was_when_the_world_goes_on(models: Models):
    world = World(models, 1)
    frame = world.step(Inputs())
    before = frame.y.copy()
    world.step(Inputs(FORWARD))
    assert np.array_equal(frame.y, before)


def test_turning_changes_the_pose_exactly_and_no_more_than_a_frame_allows(models: Models):
    world = World(models, 1)
    begun = world.step(Inputs()).state["yaw"]
    frame = world.step(Inputs(look_x=0.04, look_y=-0.02))
    assert (frame.state["yaw"], frame.state["pitch"]) == (pytest.approx(begun + 0.04, abs=1e-4), -0.02)
    frame = world.step(Inputs(look_x=5.0))
    assert frame.state["yaw"] == pytest.approx(begun + 0.04 + LOOK_LIMIT, abs=1e-4)
    frame = world.step(Inputs(ARROW_RIGHT))
    assert frame.state["yaw"] == pytest.approx(begun + 0.04 + LOOK_LIMIT + 1.6 / 24, abs=2e-4)


def test_the_state_advances_as_the_network_reads_it(models: Models):
    world = World(models, 1, "a meadow")
    frames = [world.step(Inputs(FORWARD)) for _ in range(4)]
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    hours = [frame.state["tod"] for frame in frames]
    for earlier, later in pairwise(hours):
        assert (later - earlier) % 1 == pytest.approx(0.2 / 24, abs=2e-4)
    assert all(0 <= frame.state[name] <= 1 for frame in frames for name in state.SKY)


def test_a_keyframe_is_remembered_when_what_is_seen_is_new(models: Models):
    world = World(models, 1)
    for _ in range(4 * KEY_EVERY):
        world.step(Inputs())  # nothing moves but the light
    assert any(keyframe.dreamed for keyframe in world.memory.keyframes)
    still = sum(not keyframe.dreamed for keyframe in world.memory.keyframes)
    for _ in range(2 * KEY_EVERY):
        world.step(Inputs(look_x=0.15))
    indices = [keyframe.index for keyframe in world.memory.keyframes if not keyframe.dreamed]
    assert indices[0] == 0 and len(indices) > still
    assert all(later - earlier >= KEY_EVERY for earlier, later in pairwise(indices))


def test_a_world_that_was_put_away_goes_on_as_if_it_had_waited(models: Models):
    world = World(models, 5, "a meadow at dusk")
    for _ in range(KEY_EVERY + 3):
        last = world.step(Inputs(FORWARD, 0.1))
    world.say("night falls")
    data = world.saved()
    assert data == world.saved()
    twins = [World.restored(models, data) for _ in range(2)]
    shown = [twin.step(Inputs()) for twin in twins]
    for frame in shown:
        assert frame.index == last.index and frame.state == last.state
        assert np.array_equal(frame.y, last.y)
    indices = [keyframe.index for keyframe in world.memory.keyframes]
    assert [keyframe.index for keyframe in twins[0].memory.keyframes] == indices and len(indices) > 1
    nexts = [twin.step(Inputs(FORWARD)) for twin in twins]
    assert np.array_equal(nexts[0].y, nexts[1].y) and nexts[0].index == last.index + 1
    assert world.step(Inputs(FORWARD)).state["tod"] == nexts[0].state["tod"]


def test_what_is_no_saved_world_is_refused(models: Models):
    world = World(models, 5)
    with pytest.raises(NotAWorld, match="has not"):
        world.saved()
    world.step(Inputs())
    data = world.saved()
    for damaged, why in (
        (b"", "damaged"),
        (data[: len(data) // 2], "damaged"),
        (data.replace(b"mundo-world", b"mundo-w0rld"), "expected a mundo-world"),
        (data.replace(b'\\"place\\": ', b'\\"place\\":9'), "a place from 0"),
        (data.replace(b'\\"index\\"', b'\\"inde7\\"'), "facts"),
        (data.replace(b'"velocity"', b'"velocitz"'), "velocity"),
        (data.replace(b'\\"random\\"', b'\\"rando7\\"'), "expected a world of random"),
    ):
        assert damaged != data
        with pytest.raises(NotAWorld, match=why):
            World.restored(models, damaged)


def test_a_new_prompt_acts_on_the_next_frame_and_a_refused_one_changes_nothing(models: Models):
    worlds = [World(models, 3, "a meadow") for _ in range(3)]
    for world in worlds:
        world.step(Inputs())
    worlds[1].say("snow begins to fall")
    for text, why in (("   ", "at least one word"), ("very " * 400, "characters")):
        with pytest.raises(PromptRefused, match=why):
            worlds[2].say(text)
    still, told, refused = (world.step(Inputs()).y for world in worlds)
    assert np.array_equal(still, refused) and not np.array_equal(still, told)


def test_a_prompt_names_where_the_world_begins_and_an_empty_one_is_drawn_from_the_seed(models: Models):
    places = {World(models, seed).state.place for seed in range(3)}
    assert places <= set(range(len(state.PLACES)))
    with pytest.raises(PromptRefused):
        World(models, 1, "very " * 400)


@pytest.mark.parametrize("look", [(math.nan, 0.0), (0.0, math.inf)])
def test_a_look_that_is_not_finite_is_refused_and_the_world_goes_on(models: Models, look: tuple[float, float]):
    world = World(models, 1)
    world.step(Inputs())
    with pytest.raises(ValueError, match="finite"):
        world.step(Inputs(look_x=look[0], look_y=look[1]))
    assert world.step(Inputs()).index == 1


def test_sound_reaches_the_world():
    bundled = load_models()
    quiet, loud = World(bundled, 1, template="shore"), World(bundled, 1, template="shore")
    tone = np.sin(np.arange(1000) / 24000 * 2 * np.pi * 440).astype(np.float32)
    for world in (quiet, loud):
        world.patience_s = 0.0
        world.step(Inputs())
    frames = quiet.step(Inputs()), loud.step(Inputs(pcm=tone))
    assert max(frames[0].audio) == 0 and frames[1].audio[0] > 0.9
    heard, unheard = loud._past.seen.hidden, quiet._past.seen.hidden
    assert float((heard - unheard).abs().mean()) > 0.01 * float(unheard.abs().mean())


def test_what_is_known_in_light_that_stands_the_omni_takes_in_as_it_is_seen_in_one_pass():
    world = World(load_models(), 1, template="shore")
    world.patience_s = 0.0
    world.step(Inputs())
    network = Counted(world.dynamics._network)
    world.dynamics._network = network
    world.step(Inputs(FORWARD))
    (noisy,) = network.asked
    glimpse = world._recollection.glimpse(world._past.known, torch.tensor([world.state.pose]), world._past.known.light)
    assert glimpse.stands
    assert torch.corrcoef(torch.stack([unpatch(noisy[:, 0]).flatten(), glimpse.latents.flatten()]))[0, 1] > 0.95
    world.say("night falls")
    passes = []
    for _ in range(12):
        network.asked.clear()
        world.step(Inputs())
        passes.append(len(network.asked))
    assert 2 in passes, "expected two steps of what is known in another light"


def test_who_stands_does_not_sink_and_the_wind_blows():
    world = World(load_models(), 3, "a desert at noon")
    world.patience_s = 0.0
    frames = [world.step(Inputs()) for _ in range(30)]
    assert {(frame.state["x"], frame.state["y"], frame.state["z"]) for frame in frames} == {(0.0, 1.7, 0.0)}
    assert not np.array_equal(frames[-1].y[:100], frames[-2].y[:100])


@pytest.fixture
def templates(tmp_path, monkeypatch) -> None:
    """One template, whose picture is a white sky above a dark ground."""
    entry = {"id": "shore", "place": state.PLACES[1], "time": "dusk", "weather": "fog", "yaw": 0.5, "prompt": "a shore"}
    (tmp_path / "templates.json").write_text(json.dumps([entry | {"picture": "shore.png"}]))
    picture = np.full((360, 640, 3), 240, np.uint8)
    picture[180:] = 30
    Image.fromarray(picture).save(tmp_path / "shore.png")
    Image.fromarray(np.full((144, 256), 9000, np.uint16)).save(tmp_path / "shore.depth.png")
    monkeypatch.setattr(engine_world, "WEIGHTS", tmp_path)
    monkeypatch.setattr(templates_module, "WEIGHTS", tmp_path)


def test_a_world_can_begin_with_a_picture(models: Models, templates: None, tmp_path):
    world = World(models, 1, template="shore")
    first = world.step(Inputs())
    assert first.state["place"] == 1 and first.state["fog"] > 0.9
    planes = templates_module.read_picture(tmp_path / "shore.png")
    assert np.array_equal(first.y, unpack(planes)[0][0].numpy())
    world.step(Inputs(FORWARD))


def test_what_falls_is_shown_and_not_kept(models: Models):
    planes = torch.rand(1, 7, 144, 256) - 0.5
    world = World.begin(models, 1, "a meadow", Start(planes, state.beginning("meadow", "day", "rain")))
    shown, picture = world.step(Inputs()), unpack(planes)[0][0].numpy()
    assert 0.05 < (np.abs(shown.y.astype(int) - picture) > 2).mean() < 1
    again = World.restored(models, world.saved())
    assert np.array_equal(again.step(Inputs()).y, shown.y) and np.array_equal(world._past.picture[0][0], picture)


def test_an_unknown_template_and_a_missing_picture_are_refused(models: Models, templates: None, tmp_path):
    with pytest.raises(PromptRefused, match="shore"):
        World(models, 1, template="moon")
    (tmp_path / "shore.depth.png").unlink()
    with pytest.raises(PromptRefused, match="depth"):
        World(models, 1, template="shore")
    (tmp_path / "shore.png").write_bytes(b"no picture")
    with pytest.raises(PromptRefused, match=r"shore\.png"):
        World(models, 1, template="shore")


def test_the_button_of_the_next_camera_changes_it_once_a_press_and_a_name_at_once(models: Models):
    world = World(models, 1)
    chosen = [Inputs(), Inputs(NEXT_CAMERA), Inputs(NEXT_CAMERA), Inputs(), Inputs(NEXT_CAMERA), Inputs(camera="first")]
    cameras = [state.CAMERAS[int(world.step(inputs).state["camera"])] for inputs in chosen]
    assert cameras == ["first", "drone", "drone", "drone", "orbit", "first"]
    with pytest.raises(ValueError, match="first, drone, orbit; got 'third'"):
        world.step(Inputs(camera="third"))
    assert world.step(Inputs()).state["camera"] == 0


def test_a_drone_rises_without_a_contact_and_who_walks_again_comes_down(
    models: Models, monkeypatch: pytest.MonkeyPatch
):
    world = World(models, 1)
    monkeypatch.setattr(world._body.ground, "height_m", lambda x, z: 0.0)  # random pictures show it anywhere
    world.step(Inputs(camera="drone"))
    frames = [world.step(Inputs(RISE)) for _ in range(30)]
    assert frames[-1].state["y"] > 2.5 and not any(frame.state["ground"] for frame in frames)
    landing = [frames[-1], *(world.step(Inputs(camera="first")) for _ in range(40))]
    last = next(index for index, frame in enumerate(landing) if frame.state["ground"])
    heights = [frame.state["y"] for frame in landing[: last + 1]]
    assert len(heights) > 2 and all(abs(later - earlier) < 0.105 for earlier, later in pairwise(heights))


def test_a_camera_is_saved_with_its_world_and_one_that_nobody_knows_is_refused(models: Models):
    world = World(models, 1)
    world.step(Inputs(camera="orbit"))
    data = world.saved()
    assert World.restored(models, data).step(Inputs()).state["camera"] == state.CAMERAS.index("orbit")
    with pytest.raises(NotAWorld, match="first, drone, orbit; got 'third'"):
        World.restored(models, data.replace(b'\\"orbit\\"', b'\\"third\\"'))
    facts, tensors = saving.from_bytes(data, engine_world.SAVED)
    old = {name: part for name, part in msgspec.to_builtins(facts).items() if name not in ("camera", "floor_m")}
    older = World.restored(models, saving.to_bytes(old, tensors))
    assert older.step(Inputs()).state["camera"] == 0
