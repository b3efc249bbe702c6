"""Training the upper rungs: what pairs are, and that steps make their enlargement better."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from configs.paths import WEIGHTS
from engine import evaluate
from model.evaluation.compare import read
from model.evaluation.metrics import rungs
from model.ladder.measuring import against_bicubic
from model.ladder.network import Ladder, LadderConfig, bicubic
from model.planes import HEIGHT, WIDTH
from model.tokenizer.frame import FrameTokenizer
from model.tokenizer.quick import quick_tokenizer
from model.training import pairs
from model.training.ladder import LadderTraining, Pairs, train_step
from model.training.optimizers import adam
from model.training.pictures import NoClips
from model.training.run import Run
from model.worlds.renderer import Renderer

SMALL = LadderTraining(crops=2, crop=20, rim=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of one world to train on and of one that is held out."""
    where = tmp_path_factory.mktemp("pairs")
    fine = Renderer(pairs.FINEST * WIDTH, pairs.FINEST * HEIGHT, tuple(pairs.FINEST * side for side in pairs.WINDOW))
    eyes = quick_tokenizer(FrameTokenizer.load(WEIGHTS / "tokenizer.safetensors"), None)
    for world in (0, 1):
        drawn = pairs.draw(world, Renderer(), fine, eyes)
        save_file({name: part.contiguous() for name, part in drawn.items()}, where / f"{world:08d}.safetensors")
    return where


def test_both_sizes_show_the_same_view(folder: Path) -> None:
    given, fine = Pairs(folder, SMALL).batch(3)
    assert [part.shape for part in given] == [(2, 40, 40), (2, 20, 20), (2, 20, 20)]
    assert [part.shape for part in fine] == [(2, 160, 160), (2, 80, 80), (2, 80, 80)]
    sizes = [[part.float().mean().item() for part in side] for side in (given, fine)]
    assert sizes[0] == pytest.approx(sizes[1], abs=3)
    again = Pairs(folder, SMALL).batch(3)
    assert all(torch.equal(a, b) for a, b in zip(given + fine, again[0] + again[1], strict=True))


def test_a_fixed_batch_is_learned_better_than_its_enlargement(folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    ladder = Ladder(LadderConfig(layers=2))
    run = Run(tmp_path, ladder, adam(list(ladder.parameters()), 3e-3, 0.0), 10.0)
    batch = Pairs(folder, SMALL).batch(0)
    losses = [train_step(run, ladder, batch, SMALL)["luma4"] for _ in range(150)]
    plain = (bicubic(batch[0][0], 4) - batch[1][0].float())[:, 16:-16, 16:-16] / 128
    assert losses[-1] < 0.97 * float(plain.square().mean((1, 2)).sqrt().mean())


def test_bundled_heads_beat_the_bicubic_enlargement_where_nobody_trained(folder: Path) -> None:
    figures = against_bicubic(Ladder.load(WEIGHTS / "ladder.safetensors"), folder, 6)
    for scale in (2, 4):
        assert figures[f"drawn_x{scale}_gain_db"] > 0.5
        assert figures[f"drawn_x{scale}_gradient"] > figures[f"drawn_x{scale}_gradient_bicubic"]


def test_mundo_eval_holds_the_rungs_against_bicubic_and_truth(folder: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "pairs-nano").symlink_to(folder)
    monkeypatch.setenv("MUNDO_CACHE", str(tmp_path))
    monkeypatch.setattr(rungs, "VIEWS", 2)
    result = tmp_path / "a.json"
    assert evaluate.main(["--suite", "rungs", "--json", str(result), "--report", str(tmp_path)]) == 0
    of = read(result)["rung1080_drawn_gain_db"]
    assert of["floor"] == 0 < of["value"] < of["ceiling"] and of["n"] == 2
    assert (tmp_path / "index.html").read_text("utf-8").count("data:image/jpeg") == 2


def test_a_folder_without_pairs_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoClips, match="found none"):
        Pairs(tmp_path, SMALL).batch(0)
    with pytest.raises(ValueError, match="a rim within the crop"):
        LadderTraining(crop=8, rim=4)
