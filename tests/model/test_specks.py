"""What draws drops, flakes and stars: sheets without end, and what a critic teaches of them."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from configs.paths import WEIGHTS
from model import checkpoint
from model.specks import (
    A_RADIAN,
    CELL,
    KINDS,
    REACH,
    SHEETS,
    STARS,
    Specks,
    SpecksConfig,
    directions,
    load,
    offset,
    sampled,
    save,
)
from model.training.run import Run
from model.training.speck_views import VIEWS, Views, crops, drawn, views_of
from model.training.specks import Both, Critic, Lesson, SpecksTraining, by_kind, covered, energies, over, train
from model.worlds.renderer import Renderer

SMALL = SpecksTraining(pictures=4, crop=32, critic=8, report_every_s=60.0)


@pytest.fixture(scope="module")
def views() -> Views:
    return Views(**drawn(1, Renderer()))


def small() -> Specks:
    torch.manual_seed(0)
    return Specks(SpecksConfig(2, (8, 8, 8), 1))


def test_the_simulator_draws_the_same_view_with_specks_and_without(views: Views):
    assert len(views) == VIEWS and views.kind[:4].tolist() == [0, 1, 2, 0]
    changed = (views.wet.int() - views.dry.int()).abs() > 1
    shares = changed.float().mean((1, 2, 3))
    falls = views.kind != STARS
    assert (shares[falls] > 0.005).all() and (shares < 0.5).all()
    still = changed[views.kind == KINDS.index("snow")]  # a flake is elsewhere at the second time
    assert (still[:, 0] & still[:, 1]).float().mean() < 0.7 * still.float().mean()
    assert (views.rows[falls] == 288).all() and (views.rows[~falls] < 288).any()
    brightest = int((shares * ~falls).argmax())
    stars = changed[brightest, :, : int(views.rows[brightest])]
    assert stars.any() and (stars[0] & stars[1]).sum() > 0.9 * stars.float().mean(0).sum()  # clouds move before them


def test_a_piece_of_a_sheet_is_the_same_wherever_it_is_cut_out():
    specks, noise = load(WEIGHTS / "specks.safetensors"), torch.randn(1, 6, 40, 24)
    whole = specks(noise, torch.tensor([3]))
    part = specks(noise[:, :, 8:32], torch.tensor([3]))
    inner = slice(REACH * CELL, -REACH * CELL)
    assert torch.allclose(part[:, inner], whole[:, 8 * CELL : 32 * CELL][:, inner], atol=1e-5)
    turned = specks(noise.roll(5, 3), torch.tensor([3]))
    assert torch.allclose(turned, whole.roll(5 * CELL, 2), atol=1e-5)


def test_what_is_drawn_has_the_strength_of_the_simulators(views: Views):
    specks = load(WEIGHTS / "specks.safetensors")
    rng, generator = np.random.default_rng(3), torch.Generator().manual_seed(4)
    seen = crops(views, 24, 96, rng)
    open_ = covered(specks, seen.looks, seen.kind, generator)
    made = over(seen.dry, seen.dry_uv, open_, specks.colours(seen.light, seen.kind))
    found = by_kind(energies(made[0], seen), seen.kind)
    assert abs(found["rain_db"]) < 3 and abs(found["snow_db"]) < 3 and abs(found["stars_db"]) < 10, found


def test_rain_falls_faster_than_snow_and_what_is_near_faster_than_what_is_far():
    fallen = [offset(number, 2.0)[1] - offset(number, 1.0)[1] for number in range(len(SHEETS))]
    assert fallen == sorted(fallen, reverse=True) and fallen[1] > 4 * fallen[2] > 0 and fallen[-1] == 0


def test_directions_are_those_of_the_camera():
    level = directions(288, 512, 0.0)
    assert level[0, :, 255:257].mean().abs() < 1e-5 and level[1, 143:145].mean().abs() < 1e-5
    assert float(level[1, 0, 256]) == pytest.approx(math.atan(0.6 * 287 / 288), abs=1e-3)
    assert float(directions(288, 512, 0.3)[1, 143:145, 255:257].mean()) == pytest.approx(0.3, abs=1e-4)
    assert A_RADIAN * 2 * math.pi == pytest.approx(3 * 512)


def test_a_sheet_is_read_between_its_pixels():
    sheet = torch.arange(12.0).view(1, 3, 4)
    rows, columns = torch.tensor([[[1.0, 0.5]]]), torch.tensor([[[2.0, 1.5]]])
    assert sampled(sheet, rows, columns).tolist() == [[[6.0, 3.5]]]


def test_who_makes_and_who_judges_learn_from_their_own_part(views: Views):
    specks = small()
    both = Both(specks, Critic(8))
    loss, figures = Lesson(both, views, replace(SMALL, gradient=0.0, strength=0.0)).loss(1)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(float(figures["judging"] + figures["fooled"]), abs=1e-5)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in both.parameters())
    before = [p.grad.clone() for p in both.critic.parameters()]
    both.zero_grad()
    held, _ = Lesson(both, views, replace(SMALL, gradient=1e4)).loss(0)
    assert held > loss + 0.01
    both.zero_grad()
    Lesson(both, views, replace(SMALL, strength=100.0, gradient=0.0)).loss(1)[0].backward()
    assert all(torch.allclose(p.grad, was, atol=1e-6) for p, was in zip(both.critic.parameters(), before, strict=True))


def test_it_learns_how_strong_what_falls_is_and_is_kept_in_a_file(views: Views, tmp_path):
    specks = small()
    torch.nn.init.constant_(specks.out.bias, -4.0)
    both = Both(specks, Critic(8))
    training = replace(SMALL, strength=5.0)
    lesson = Lesson(both, views, training)
    before = lesson.loss(0)[1]
    run = Run(tmp_path, both, torch.optim.AdamW(both.parameters(), 2e-2, betas=(0.0, 0.99)), minutes=0.25)
    train(run, lesson, views)
    after = lesson.loss(0)[1]
    far = [sum(abs(float(told[name])) for name in ("rain_db", "snow_db")) for told in (before, after)]
    assert far[1] < 0.8 * far[0], (before, after)
    assert load(tmp_path / "ema.safetensors").config == specks.config
    assert (tmp_path / f"sample-{run.step:06d}.png").is_file()


def test_drawn_views_are_kept_and_held_out_worlds_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("model.training.speck_views.VIEWS", 2)
    learnt = views_of(2, tmp_path / "a.safetensors")
    again = views_of(2, tmp_path / "a.safetensors")
    assert len(learnt) == 2 and torch.equal(learnt.wet, again.wet)
    held = views_of(2, tmp_path / "b.safetensors", held=True)
    assert not torch.equal(held.dry, learnt.dry)


def test_what_cannot_be_is_refused(tmp_path):
    with pytest.raises(ValueError, match="three widths of 1 or more"):
        SpecksConfig(6, (8, 0, 8))
    save(small(), tmp_path / "small.safetensors", step=3)
    assert load(tmp_path / "small.safetensors").config.widths == (8, 8, 8)
    with pytest.raises(checkpoint.CheckpointError, match="specks"):
        load(WEIGHTS / "surfaces.safetensors")


def test_colours_alone_learn_where_shapes_stay(views: Views):
    both = Both(small(), Critic(8))
    both.requires_grad_(False)
    both.specks.colour.requires_grad_(True)
    loss, figures = Lesson(both, views, SMALL, colours_only=True).loss(1)
    loss.backward()
    assert "judging" not in figures
    assert {name.split(".")[1] for name, p in both.named_parameters() if p.grad is not None} == {"colour"}
