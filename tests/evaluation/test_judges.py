"""The judges see what is in the picture, say how good they are at it, and are small."""

import pytest
import torch
from safetensors import safe_open

from model.checkpoint import CheckpointError
from model.evaluation.alignment import between, shifts
from model.evaluation.judge_examples import IGNORED, motion_labels, told_apart, visible
from model.evaluation.judges import ATTRIBUTES, FILE, GAP, MOTIONS, SPEEDS, Judges, clear, mirrored
from model.evaluation.pictures import MOST_DB, Picture, psnr_db, ssim
from model.evaluation.subjects import blur


@pytest.fixture(scope="module")
def textured() -> torch.Tensor:
    noise = torch.rand(1, 3, 135, 240, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.avg_pool2d(noise, 7, 1, 3) * 6 - 3


def test_the_weights_are_small_and_in_bfloat16():
    assert FILE.stat().st_size < 2**20
    with safe_open(FILE, "pt") as file:
        types = {file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    assert types <= {torch.bfloat16, torch.int64}


def test_every_judgement_was_measured_on_held_out_truth_and_weather_is_usable():
    judges = Judges.load()
    assert set(judges.accuracy) == {*ATTRIBUTES, *MOTIONS}
    assert all(of["low"] <= of["value"] <= of["high"] and of["n"] > 50 for of in judges.accuracy.values())
    assert judges.usable("weather") == (judges.accuracy["weather"]["value"] >= 0.95)
    assert judges.usable("time night") == (judges.accuracy["time"]["is night"] >= 0.95)
    assert set(judges.facts["misread m/s"]) == set(SPEEDS)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"expected a judges checkpoint at .*none.safetensors"):
        Judges.load(tmp_path / "none.safetensors")


def moved(picture: torch.Tensor, *told: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Two pictures of flat ground, the second after that motion (see `alignment.NAMES`)."""
    went = shifts(torch.tensor([told]), (135, 240), 1, 0.0)
    x, y = torch.arange(240) + went[:, 0], torch.arange(135)[:, None] + went[:, 1]
    where = torch.stack([(2 * x + 1) / 240 - 1, (2 * y + 1) / 135 - 1], -1)
    return torch.nn.functional.grid_sample(picture, where, padding_mode="border", align_corners=False), picture


def test_a_turn_is_found_to_a_hundredth_of_a_radian_and_mirrors(textured):
    first, second = moved(textured, -0.07, 0.03, 0, 0, 0)
    found, other = between(first, second)[0, 5:10], between(first.flip(-1), second.flip(-1))  # under a level view
    assert torch.allclose(found, torch.tensor([-0.07, 0.03, 0, 0, 0]), atol=0.01)
    assert torch.allclose(mirrored(other)[0, 5:10], found, atol=0.02)


def test_a_step_over_flat_ground_is_found(textured):
    told = (0.01, -0.01, 0.1, 0.05, 0.4)
    assert torch.allclose(between(*moved(textured, *told))[0, 5:10], torch.tensor(told), atol=0.03)


def test_who_looks_at_nothing_sees_too_little():
    blank = torch.zeros(1, 3, 135, 240)
    assert not clear(between(blank, blank)).any()


def walk(frames: int, speed: float = 0.0, turn: float = 0.0, rise: float = 0.0) -> torch.Tensor:
    """[T, 9] of somebody who walks along +z from yaw 0."""
    rows = torch.zeros(frames, 9)
    rows[:, 2] = torch.arange(frames) * speed / 24
    rows[:, 3] = torch.arange(frames) * turn
    rows[:, 1] = torch.arange(frames) * rise / 24
    rows[:, 8] = 1.0
    return rows


def named(labels: dict[str, torch.Tensor], kind: str) -> set[str]:
    return {MOTIONS[kind][i] if i != IGNORED else "ignored" for i in labels[kind].tolist()}


def test_labels_say_what_had_an_effect():
    labels = motion_labels(walk(12, speed=3.2))
    assert named(labels, "ahead") == {"forward"} and named(labels, "turn") == {"none"}
    assert named(motion_labels(walk(12, speed=0.0)), "ahead") == {"none"}  # before a wall, whatever is pressed
    assert named(motion_labels(walk(12, speed=0.8)), "ahead") == {"ignored"}
    assert named(motion_labels(walk(12, turn=-0.05)), "turn") == {"left"}
    assert named(motion_labels(walk(12, rise=-2.0)), "rise") == {"falling"}
    assert len(motion_labels(walk(12))["rise"]) == 12 - GAP


def test_a_coast_without_its_water_cannot_be_told_from_a_meadow():
    place = ATTRIBUTES["place"].index
    places = torch.tensor([place("coast"), place("coast"), place("meadow"), place("meadow"), place("desert")])
    assert told_apart(places, torch.tensor([0.2, 0.0, 0.0, 0.2, 0.0])).tolist() == [True, False, True, False, True]


def test_what_nobody_can_see_does_not_count():
    time, weather = (ATTRIBUTES[kind].index for kind in ("time", "weather"))
    seen = visible(
        torch.tensor([time("night"), time("dawn"), time("dusk")]),
        torch.tensor([weather("clear"), weather("fog"), weather("clear")]),
    )
    assert seen["weather"].tolist() == [False, True, True] and seen["time"].tolist() == [True, False, True]


def test_likeness_of_pictures_is_that_of_the_textbook():
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(16, 236, (288, 512), generator=generator, dtype=torch.uint8)
    half = torch.full((144, 256), 128, dtype=torch.uint8)
    picture, brighter = Picture(y, half, half), Picture((y.int() + 2).clamp(max=255).to(torch.uint8), half, half)
    assert psnr_db(picture, picture) == MOST_DB and ssim(picture, picture) == pytest.approx(1)
    assert psnr_db(picture, brighter) == pytest.approx(20 * torch.tensor(219 / 2).log10().item(), abs=0.1)
    assert ssim(picture, blur(picture, 3)) < 0.5
    with pytest.raises(ValueError, match="expected y, u, v"):
        Picture(y[:10], half, half)
