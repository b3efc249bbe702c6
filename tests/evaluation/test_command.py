"""`mundo eval`: what it refuses, in one line each; and a learned world as a subject like any other."""

import json
import subprocess
import sys

import pytest
import torch

from configs.paths import ROOT, WEIGHTS
from engine import evaluate
from engine.models import Models
from model.evaluation.scenes import scene
from model.evaluation.subjects import Act, Beginning, Simulator, Wish
from model.omni import OmniConfig
from model.worlds.walker import Controls


@pytest.fixture
def refused(capsys):
    def run(*arguments) -> str:
        assert evaluate.main([str(argument) for argument in arguments]) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("mundo eval: "), lines
        return lines[0]

    return run


def test_missing_truncated_and_foreign_weights_are_named(refused, tmp_path):
    assert "expected a frame-tokenizer checkpoint at" in refused("--weights", tmp_path)
    whole = (WEIGHTS / "tokenizer.safetensors").read_bytes()
    (tmp_path / "tokenizer.safetensors").write_bytes(whole[: len(whole) // 2])
    assert "found a damaged file" in refused("--weights", tmp_path)
    older = whole.replace(b'"version":"1"', b'"version":"7"', 1)
    assert older != whole
    (tmp_path / "tokenizer.safetensors").write_bytes(older)
    assert "expected format version 1, found 7" in refused("--weights", tmp_path)
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes((WEIGHTS / "nano.safetensors").read_bytes()[:4096])
    assert f"at {alone}, found a damaged file" in refused("--weights", alone)


def test_bad_prompts_suites_minutes_and_folders_are_named(refused, tmp_path, monkeypatch):
    prompts = tmp_path / "prompts.json"
    prompts.write_text(json.dumps([{"prompt": "x", "expect": {"weather": "hail"}}]))
    assert 'unknown weather "hail"; known: clear' in refused("--prompts", prompts)
    assert "cannot be read" in refused("--prompts", tmp_path / "none.json")
    assert "sound is measured of weights alone, not of copy" in refused("--suite", "sound", "--subject", "copy")
    assert "expected a voice checkpoint at" in refused("--suite", "voice", "--weights", tmp_path)
    assert "expected a suite of quick" in refused("--suite", "everything")
    monkeypatch.setenv("MUNDO_CACHE", str(tmp_path))
    assert "expected held-out pairs in" in refused("--suite", "rungs")
    assert "--minutes is more than 0" in refused("--minutes", "0")
    assert "there is no folder" in refused("--json", tmp_path / "nowhere" / "a.json")
    assert "cannot be read" in refused("--compare", tmp_path / "a.json", tmp_path / "b.json")


def test_compare_says_so_by_its_exit_code(tmp_path, capsys):
    paths = []
    for value in (20.0, 25.0):
        figure = {"value": value, "low": value - 1, "high": value + 1, "ceiling": 36.0, "floor": 15.0, "n": 12}
        paths.append(tmp_path / f"{value}.json")
        paths[-1].write_text(json.dumps({"psnr24_db": figure, "judges": figure}))
    first, second = map(str, paths)
    assert evaluate.main(["--compare", first, second]) == 0
    assert "B is better beyond noise in psnr24_db" in capsys.readouterr().out
    assert evaluate.main(["--compare", second, first]) == 1


def test_the_mundo_command_passes_it_on():
    command = [sys.executable, "-m", "server.cli", "eval", "--suite", "voices"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert run.returncode == 2 and "expected a suite of quick" in run.stderr


def test_a_learned_world_begins_in_the_scene_and_obeys_hands_and_words():
    here = scene(3, "day", "clear")
    truth = Simulator()
    picture = truth.reset(Beginning(here))
    world = evaluate.Omni(Models.random(OmniConfig(layers=2, hidden=64, time_every=2, window=3)))
    shown = world.reset(Beginning(here, picture, truth.depth))
    assert shown.y.shape == picture.y.shape and world._world.state.pose[3] == here.walk.yaw
    world.step(Act(Controls(look_x=0.05), Wish("let it snow", weather="snow")))
    assert world._world.state.pose[3] == pytest.approx(here.walk.yaw + 0.05)
    told = world.reset(Beginning(here))
    assert told.y.dtype == torch.uint8
    with pytest.raises(RuntimeError, match="reset"):
        evaluate.Omni(world._models).step(Act())


def test_hands_have_the_bits_of_the_page():
    assert evaluate.inputs_of(Controls(forward=True, run=True, look_x=0.1)).buttons == (1 << 0) | (1 << 9)
