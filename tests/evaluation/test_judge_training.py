"""`mundo train judges` goes from seeds to weights, and goes on where it was stopped."""

import pytest
import torch

from model.evaluation import judge_training as training
from model.evaluation.judges import ATTRIBUTES, LOOKED, MOTIONS, SEEN, Judges
from model.evaluation.windows import Drawn, of_clip, of_walks, read
from model.training import run
from model.worlds.clips import draw, path_of, stride_of, write
from model.worlds.renderer import Renderer

CONFIG = """[judges]
seed = 0
rate = 2e-3
warm_rate = 5e-4
decay = 0.02
pictures = 4
windows = 2
worlds = 2
stills = 2
examples = 16
report_every_s = 1.0
[judges.model]
reader = [4, 4, 4, 4]
motion = 8
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_judges_are_trained_from_seeds_and_resumed(cache, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MUNDO_CACHE", str(cache))
    monkeypatch.setattr(training, "HELD_OUT_WORLDS", 1)
    monkeypatch.setattr(run, "LONGEST_STEP_S", 1.0)  # so that loading hardly counts
    config = tmp_path / "judges.toml"
    config.write_text(CONFIG)
    training.main(["--config", str(config), "--minutes", "0.01"])
    first = Judges.load(cache / "runs" / "judges" / "ema.safetensors")
    assert set(first.accuracy) == {*ATTRIBUTES, *MOTIONS}
    training.main(["--config", str(config), "--minutes", "0.06", "--resume"])
    told = capsys.readouterr().out
    assert "nothing to resume" not in told and f"resumed at step {first.facts['steps']}" in told
    second = Judges.load(cache / "runs" / "judges" / "ema.safetensors")
    assert int(str(second.facts["steps"])) > int(str(first.facts["steps"])) > 0


def test_weights_are_measured_without_being_trained(cache, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MUNDO_CACHE", str(cache))
    monkeypatch.setattr(training, "HELD_OUT_WORLDS", 1)
    judges = Judges.load()
    before, judges.accuracy = judges.state_dict(), {}
    judges.save(weights := tmp_path / "judges.safetensors")
    training.main(["--warm", str(weights), "--measure"])
    after = Judges.load(weights)
    assert set(after.accuracy) == {*ATTRIBUTES, *MOTIONS} and after.accuracy["weather"]["value"] > 0.8
    assert all(torch.equal(after.state_dict()[name], tensor) for name, tensor in before.items())
    with pytest.raises(SystemExit):
        training.main(["--measure"])
    assert "--measure: expected --warm FILE" in capsys.readouterr().err


def test_windows_are_read_from_walks_and_clips_forth_and_back(cache, tmp_path):
    seed = next(s for s in range(5, 60) if stride_of(s) == 1)
    clip = path_of(tmp_path, seed)
    write(clip, draw(seed, Renderer()))
    walk = sorted((cache / "glances").glob("*.safetensors"))[0]
    for places in (of_clip(clip), of_walks([walk], range(4))):
        forth, back = read(places[0], None), read(places[0], None, backward=True)
        assert forth.pictures.shape == (1, len(LOOKED), 3, 135, 240)
        assert torch.equal(forth.pictures.flip(1), back.pictures)
        assert forth.forward_m.shape[1] == SEEN and forth.forward_m.min() > 0
        assert 0 <= (forth.poses[:, 0, :3] - back.poses[:, -1, :3]).norm() < 0.3  # the frame after
        assert torch.equal(forth.mirrored().mirrored().pictures, forth.pictures)
    drawn = Drawn([of_clip(clip)], [1.0], lambda planes: planes)
    assert torch.equal(drawn.batch(3, 2).poses, drawn.batch(3, 2).poses)


def test_a_clip_whose_frames_lie_too_far_apart_has_no_windows(tmp_path):
    seed = next(s for s in range(5, 60) if stride_of(s) == 14)
    clip = path_of(tmp_path, seed)
    write(clip, draw(seed, Renderer()))
    assert of_clip(clip) == []
