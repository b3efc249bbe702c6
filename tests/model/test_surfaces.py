"""Soft depth is cut into surfaces, by a network that learns it from soft pictures of true worlds."""

from pathlib import Path

import pytest
import torch

from configs.paths import WEIGHTS
from model import checkpoint, surfaces
from model.borders import DEPTH, separate
from model.surfaces import NEIGHBOURS, Surfaces, SurfacesConfig, around
from model.training.loop import descend
from model.training.optimizers import adam
from model.training.run import Run
from model.training.soft_pictures import SoftPictures
from model.training.surfaces import errors, objective, pictures
from model.worlds.clips import draw, path_of, write
from model.worlds.renderer import Renderer


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    renderer = Renderer()
    for seed in (0, 5):  # one that is held out, one that is trained on
        write(path_of(folder, seed), draw(seed, renderer))
    return folder


@pytest.fixture(scope="module")
def unseen(clips) -> SoftPictures:
    return pictures(clips, 1, held_out=True)


def test_neighbours_are_where_they_are_said_to_be():
    depth = torch.arange(40.0)[:, None] * 100 + torch.arange(50.0)
    found = around(depth[None, None])
    for at, (down, right) in enumerate(NEIGHBOURS):
        row, column = min(max(30 + down, 0), 39), min(max(20 + right, 0), 49)
        assert found[0, at, 30, 20] == depth[row, column]


def test_the_bundled_network_puts_more_pixels_near_edges_on_a_surface(unseen):
    found = errors(surfaces.load(WEIGHTS / "surfaces.safetensors"), *unseen.batch(0, 6))
    assert found["sharpened_astray"] < 0.95 * found["as_it_comes_astray"], found
    assert found["sharpened_error"] < found["as_it_comes_error"], found


def test_a_soft_picture_is_like_the_true_one_and_a_function_of_its_step(unseen):
    soft, true = unseen.batch(3, 2)
    assert torch.equal(soft, unseen.batch(3, 2)[0]) and not torch.equal(soft, unseen.batch(4, 2)[0])
    assert soft.shape == (2, 7, 144, 256) and true.shape == (2, 1, 144, 256)
    assert (soft[:, DEPTH:] - true).abs().mean() < 0.1


def test_what_is_far_from_edges_hardly_moves():
    slope = torch.full((1, 7, 144, 256), 0.3)
    slope[:, DEPTH] = torch.linspace(-0.8, 0.4, 144)[:, None]
    moved = separate(surfaces.load(WEIGHTS / "surfaces.safetensors").sharpen(slope))
    assert (moved - slope)[..., 30:-30, 30:-30].abs().max() < 0.03


def test_resuming_learns_as_if_it_had_never_stopped(clips, tmp_path):
    learnt = pictures(clips, 1, held_out=False)

    def begin(folder: Path) -> Run:
        torch.manual_seed(1)
        network = Surfaces(SurfacesConfig(8, (1, 2)))
        return Run(folder, network, adam(network.parameters(), 1e-3, 0.0), 60)

    def losses(run: Run, steps: int) -> list[float]:
        out = []
        for _ in range(steps):
            loss = objective(run.model, *learnt.batch(run.step, 1))
            descend(run, loss, [run.model], 1.0)
            out.append(loss.item())
        return out

    unbroken = losses(begin(tmp_path / "a"), 4)
    first = begin(tmp_path / "b")
    before = losses(first, 2)
    first.save()
    again = begin(tmp_path / "b")
    assert again.resume() and before + losses(again, 2) == pytest.approx(unbroken, abs=1e-4)


def test_weights_come_back_and_wrong_ones_are_refused(tmp_path):
    network = Surfaces(SurfacesConfig(8, (1, 2))).bfloat16().float()
    surfaces.save(network, tmp_path / "some.safetensors")
    planes = torch.rand(1, 7, 16, 32) * 2 - 1
    assert torch.equal(surfaces.load(tmp_path / "some.safetensors")(planes), network(planes))
    with pytest.raises(checkpoint.CheckpointError, match="surfaces"):
        surfaces.load(WEIGHTS / "tokenizer.safetensors")
    with pytest.raises(ValueError, match="width"):
        SurfacesConfig(0)
