"""Detail for soft pictures: none where the sky is, and what a critic asks for elsewhere."""

import argparse
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from configs.paths import WEIGHTS
from model import checkpoint
from model.borders import DEPTH
from model.detail import LUMA, Detail, DetailConfig, load, save, with_detail
from model.planes import FAR_CODE
from model.tokenizer.frame import FrameTokenizer
from model.training import detail as training_of_detail
from model.training.detail import Both, Critic, DetailTraining, Lesson, Pool, measured, octaves, pool_of, train
from model.training.latents import kept_in
from model.training.pictures import cut
from model.training.run import Run
from model.worlds.clips import draw, path_of, write
from model.worlds.renderer import Renderer

SMALL = DetailTraining(pictures=4, crop=(32, 32), report_every_s=60.0)


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    renderer = Renderer()
    for seed in (5, 8, 12):
        write(path_of(folder, seed), draw(seed, renderer))
    return folder


def coarse_and_fine(count: int) -> Pool:
    """True pictures with a pattern as fine as pixels, and the same without it."""
    generator = torch.Generator().manual_seed(1)
    slow = F.interpolate(0.3 * torch.randn(count, 7, 5, 8, generator=generator), size=(36, 64), mode="bilinear")
    slow[:, :LUMA], slow[:, DEPTH] = slow[:, :1], 0.5
    fine = torch.randint(0, 2, (count, LUMA, 36, 64), generator=generator) * 0.3 - 0.15
    true = slow[:, :6].clone()
    true[:, :LUMA] += fine
    return Pool(slow.bfloat16(), true.bfloat16())


def both(pool_seed: int = 0) -> Both:
    torch.manual_seed(pool_seed)
    return Both(Detail(DetailConfig(16, (1, 1))), Critic(8))


def test_only_luma_on_land_gets_any():
    planes = torch.rand(1, 8, 144, 256) - 0.5
    planes[:, DEPTH] = 0.4
    planes[:, DEPTH, :60] = 2 * FAR_CODE - 1
    finer = load(WEIGHTS / "detail.safetensors").add(planes)
    assert torch.equal(finer[:, LUMA:], planes[:, LUMA:]) and torch.equal(finer[:, :, :58], planes[:, :, :58])
    assert (finer - planes)[:, :LUMA, 70:].abs().mean() > 0.01
    assert torch.equal(finer, load(WEIGHTS / "detail.safetensors").add(planes))


def test_beside_an_edge_that_is_sharp_there_is_none():
    planes = torch.rand(1, 7, 144, 256) - 0.5
    planes[:, DEPTH], planes[:, DEPTH, :, 100:] = 0.4, -0.2
    changed = load(WEIGHTS / "detail.safetensors").add(planes) != planes
    assert not changed[..., 96:105].any() and changed[:, :LUMA, :, :90].float().mean() > 0.9


def test_what_shines_does_not_turn_black():
    planes = torch.full((1, 7, 16, 16), 0.95)
    finer = with_detail(planes, torch.full((1, 4, 16, 16), 0.5))
    assert finer[:, :LUMA].max() == 1


def test_no_stroke_is_black_and_what_stands_is_given_less():
    planes = torch.zeros(1, 7, 144, 256)
    planes[:, DEPTH, :, :100] = 0.4  # a wall before the ground
    added = (with_detail(planes, torch.full((1, 4, 144, 256), -0.5)) - planes)[0, :LUMA, 20:-20]
    assert added[..., 140:].min() >= -0.15 and added[..., 140:].max() < -0.14
    assert (added[..., 90:94] > -0.08).all() and (added[..., 90:94] < -0.07).all()


def test_in_pieces_it_is_the_same():
    detail, planes = load(WEIGHTS / "detail.safetensors"), torch.rand(1, 7, 144, 256) - 0.5
    work, count = detail.pieces(planes), 0
    with torch.inference_mode():
        while True:
            try:
                next(work)
                count += 1
            except StopIteration as done:
                assert torch.equal(with_detail(planes, done.value), detail.add(planes))
                break
    assert count == 2


def test_the_bundled_network_gives_decoded_pictures_more_of_what_they_lost(clips):
    raw = draw(0, Renderer())  # a world that no training sees
    tokenizer = FrameTokenizer.load(WEIGHTS / "tokenizer.safetensors")
    arrays = {name: torch.from_numpy(array) for name, array in raw.items()}
    true = torch.stack([cut(arrays, 0, frame, slice(None), slice(None)) for frame in (1, 8)])
    with torch.inference_mode():
        soft = tokenizer.decode(tokenizer.encode(true)).clamp(-1, 1)
    found = measured(load(WEIGHTS / "detail.safetensors"), Pool(soft.bfloat16(), true[:, :6].bfloat16()))
    assert found["soft_finest_db"] + 1 < found["detailed_finest_db"] < 3, found


def test_each_network_learns_from_its_part_only():
    pool, step = coarse_and_fine(8), 1
    gradients = []
    for adversary in (0.0, 50.0):
        networks = both()
        lesson = Lesson(networks, pool, replace(SMALL, adversary=adversary, stay=0.0), bf16=False)
        torch.nn.init.normal_(networks.detail.out.weight, std=0.01)
        lesson.loss(step)[0].backward()
        gradients.append([p.grad.clone() for p in networks.critic.parameters()])
        moved = sum(float(p.grad.abs().sum()) for p in networks.detail.parameters())
        assert (moved > 0) == (adversary > 0)
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(*gradients, strict=True))


def test_the_critics_slope_is_held_now_and_then():
    pool, networks = coarse_and_fine(8), both()
    lesson = Lesson(networks, pool, replace(SMALL, gradient=1e4), bf16=False)
    loss, figures = lesson.loss(0)
    assert loss > figures["judging"] + figures["fooled"] + 0.01
    loss, figures = lesson.loss(1)
    expected = float(figures["judging"] + figures["fooled"] + SMALL.stay * figures["moved"])
    assert float(loss.detach()) == pytest.approx(expected, abs=1e-4)


def test_it_learns_a_texture_that_was_lost_and_is_kept_in_a_file(tmp_path):
    pool, networks = coarse_and_fine(24), both()
    training = replace(SMALL, rate=3e-3, critic_rate=3e-3, gradient=0.1, pictures=8)
    optimizer = torch.optim.AdamW(networks.parameters(), 3e-3, betas=(0.5, 0.99))
    run = Run(tmp_path, networks, optimizer, minutes=0.25)
    train(run, Lesson(networks, pool, training, bf16=False))
    kept = load(tmp_path / "ema.safetensors")
    luma = [F.pixel_shuffle(planes[:, :LUMA], 2) for planes in (pool.soft.float(), kept.add(pool.soft.float()))]
    assert octaves(luma[1])[0] > 10 * octaves(luma[0])[0]
    assert (tmp_path / f"sample-{run.step:06d}.png").is_file()


def test_pictures_of_both_kinds_come_from_clips(clips, tmp_path, monkeypatch):
    monkeypatch.setenv("MUNDO_CACHE", str(tmp_path))
    tokenizer = WEIGHTS / "tokenizer.safetensors"
    monkeypatch.setattr(training_of_detail, "SENTENCES", 1)
    kept_in(tokenizer).mkdir(parents=True)
    options = argparse.Namespace(
        clips=clips, pictures=clips, tokenizer=tokenizer, inventor=WEIGHTS / "inventor.safetensors"
    )
    pool = pool_of(options, DetailTraining(pool=6, drawn_at_once=4), torch.device("cpu"))
    assert pool.soft.shape == (6, 7, 144, 256) and pool.true.shape[1:] == (6, 144, 256) and len(pool.true) >= 6
    luma = [F.pixel_shuffle(planes[:, :LUMA].float(), 2) for planes in (pool.soft, pool.true)]
    assert 0.02 * octaves(luma[1])[0] < octaves(luma[0])[0] < octaves(luma[1])[0]


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(ValueError, match="blocks of 1 or more"):
        DetailConfig(8, (0, 1))
    with pytest.raises(ValueError, match="both kinds"):
        Pool(torch.zeros(0, 7, 4, 4), torch.zeros(1, 6, 4, 4))
    save(Detail(DetailConfig(8, (1,))), tmp_path / "small.safetensors", step=3)
    assert load(tmp_path / "small.safetensors").config.width == 8
    with pytest.raises(checkpoint.CheckpointError, match="detail"):
        load(WEIGHTS / "surfaces.safetensors")
