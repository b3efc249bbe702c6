"""The judges see what is in the picture, say how good they are at it, and are small."""

import pytest
import torch
from safetensors import safe_open

from model.checkpoint import CheckpointError
from model.evaluation.judge_examples import IGNORED, motion_labels, visible
from model.evaluation.judges import ATTRIBUTES, FILE, GAP, MOTIONS, REACH_X, Judges, flow, mirrored
from model.evaluation.pictures import MOST_DB, Picture, psnr_db, ssim
from model.evaluation.subjects import blur


@pytest.fixture(scope="module")
def textured() -> torch.Tensor:
    noise = torch.rand(1, 1, 33, 80, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.avg_pool2d(noise, 3, 1, 1)


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


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"expected a judges checkpoint at .*none.safetensors"):
        Judges.load(tmp_path / "none.safetensors")


def test_flow_finds_how_far_the_picture_went_and_mirrors_with_it(textured):
    first, second = textured[..., 10:70], textured[..., 5:65]  # everything five cells to the right
    found = flow(first, second)
    assert found[0, 0, :, 3:-3].median() * REACH_X == pytest.approx(5, abs=0.5)
    assert found[0, 1].median().abs() * REACH_X < 0.5
    other = flow(first.flip(-1), second.flip(-1))
    assert torch.allclose(mirrored(found), other, atol=1e-4)


def walk(frames: int, speed: float = 0.0, turn: float = 0.0, flying: tuple[int, int] = (0, 0)) -> torch.Tensor:
    """[T, 9] of somebody who walks along +z from yaw 0."""
    rows = torch.zeros(frames, 9)
    rows[:, 2] = torch.arange(frames) * speed / 24
    rows[:, 3] = torch.arange(frames) * turn
    rows[:, 8] = 1.0
    rows[slice(*flying), 8] = 0.0
    return rows


def named(labels: dict[str, torch.Tensor], kind: str) -> set[str]:
    return {MOTIONS[kind][i] if i != IGNORED else "ignored" for i in labels[kind].tolist()}


def test_labels_say_what_had_an_effect():
    labels = motion_labels(walk(12, speed=3.2))
    assert named(labels, "ahead") == {"forward"} and named(labels, "turn") == {"none"}
    assert named(motion_labels(walk(12, speed=0.0)), "ahead") == {"none"}  # before a wall, whatever is pressed
    assert named(motion_labels(walk(12, speed=0.8)), "ahead") == {"ignored"}
    assert named(motion_labels(walk(12, turn=-0.05)), "turn") == {"left"}
    air = motion_labels(walk(24, flying=(8, 16)))["air"]
    assert len(air) == 24 - GAP and {0, 1} <= set(air.tolist()) and air[8] == 1 and air[0] == 0


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
