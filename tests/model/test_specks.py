"""What draws drops, flakes and stars: sheets without end, and what the simulator teaches of them."""

import math

import numpy as np
import pytest
import torch

from configs.paths import WEIGHTS
from model import checkpoint
from model.camera import rays
from model.specks import (
    A_RADIAN,
    CELL,
    COLUMNS,
    KINDS,
    NUMBERS,
    OF_KIND,
    ROWS,
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
from model.training.specks import Lesson, SpecksTraining, by_kind, covered, energies, over, shape_losses, train, unlike
from model.worlds.falling import Falling, shares
from model.worlds.renderer import Renderer

MISSED_DB = -9.0  # what the networks leave out or add, beside what is there
SMALL = SpecksTraining(pictures=4, pictures_every=1, crop=32, cells=4, report_every_s=60.0)


@pytest.fixture(scope="module")
def views() -> Views:
    return Views(**drawn(1, Renderer()))


@pytest.fixture(scope="module")
def bundled() -> Specks:
    return load(WEIGHTS / "specks.safetensors")


def small() -> Specks:
    torch.manual_seed(0)
    return Specks(SpecksConfig((8, 8, 8)))


def test_the_simulator_draws_the_same_view_with_specks_and_without(views: Views):
    assert len(views) == VIEWS and views.kind[:4].tolist() == [0, 1, 2, 0]
    changed = (views.wet.int() - views.dry.int()).abs() > 1
    shares = changed.float().mean((1, 2))
    falls = views.kind != STARS
    assert (shares[falls] > 0.005).all() and (shares < 0.5).all()
    assert (views.rows[falls] == 288).all() and (views.rows[~falls] < 288).any()
    assert changed[int((shares * ~falls).argmax())].any()


def test_a_piece_of_a_sheet_is_the_same_wherever_it_is_cut_out(bundled: Specks):
    noise = torch.rand(1, NUMBERS, 24, 16)
    for drawer in bundled.sheets:
        whole = drawer(noise)
        turned = drawer(noise.roll((7, 5), (2, 3)))
        assert torch.allclose(turned, whole.roll((7 * CELL, 5 * CELL), (1, 2)), atol=1e-4)


def test_what_the_bundled_network_draws_is_what_the_rule_draws_out_of_its_noise(bundled: Specks):
    _, figures = shape_losses(bundled, 48, torch.Generator().manual_seed(5))
    missed = {name: float(figures[f"{name}_missed_db"]) for name in KINDS}
    assert missed["rain"] < MISSED_DB and missed["snow"] < MISSED_DB and missed["stars"] < MISSED_DB, missed


def test_drawn_sheets_are_alike_each_time_and_unlike_each_other(bundled: Specks):
    sheets = bundled.drawn()
    assert sheets.shape == (len(SHEETS), ROWS, COLUMNS) and sheets.dtype == torch.uint8
    assert torch.equal(sheets, bundled.drawn())
    near, *_, far = (sheets[number].float() for number in OF_KIND[KINDS.index("snow")])
    along = [float((x[1:] * x[:-1]).mean() / x.square().mean()) for x in (near, far)]  # how much a neighbour is alike
    assert along[0] > along[1] + 0.1 and (near > 200).float().mean() < 0.01
    stars = sheets[OF_KIND[STARS][0]].float()
    assert 3 * (stars > 150).sum() < (stars > 40).sum()  # few are bright


def test_each_falling_is_where_its_numbers_say_and_nowhere_else():
    round_, long = (
        Falling(0.5, (2.0, 2.0), None, (0.5, 0.5), 1.0, 0.2),
        Falling(1.0, (1.0, 1.0), (6.0, 6.0), (0.4, 0.4), 1.0, 0.2),
    )
    numbers = torch.full((1, NUMBERS, 3, 3), 0.9)  # none is there
    assert not shares(numbers, round_).any()
    numbers[0, :, 1, 2] = torch.tensor([0.1, 1.0, 0.25, 0.5, 0.5])  # on the right edge, which lies beside the left one
    drawn = shares(numbers, round_)[0]
    assert float(drawn.max()) == pytest.approx(0.5, abs=0.1) and int(drawn.argmax()) // 24 in (9, 10)
    assert drawn[:, 0].sum() == pytest.approx(float(drawn[:, -1].sum()), abs=1e-5)
    assert float(drawn[:, 3:-3].sum()) == 0
    streak = shares(numbers, long)[0]
    assert int((streak.amax(1) > 0.02).sum()) > 2 * int((streak.amax(0) > 0.02).sum())


def test_what_is_drawn_has_the_strength_of_the_simulators(views: Views, bundled: Specks):
    rng, generator = np.random.default_rng(3), torch.Generator().manual_seed(4)
    seen = crops(views, 48, 96, rng)
    open_ = covered(bundled.drawn() / 255, seen.looks, seen.kind, generator)
    made = over(seen.dry, seen.dry_uv, open_, bundled.colours(seen.light, seen.kind))
    found = by_kind(energies(made[0], seen), seen.kind)
    assert abs(found["rain_db"]) < 3 and abs(found["snow_db"]) < 3 and abs(found["stars_db"]) < 10, found


def test_rain_falls_faster_than_snow_and_what_is_near_faster_than_what_is_far():
    fallen = [offset(number, 2.0)[1] - offset(number, 1.0)[1] for number in range(len(SHEETS))]
    assert fallen == sorted(fallen, reverse=True) and fallen[1] > 4 * fallen[2] > 0 and fallen[-1] == 0


def test_directions_are_those_of_the_camera():
    level = directions(rays(288, 512), 0.0)
    assert level[0, :, 255:257].mean().abs() < 1e-5 and level[1, 143:145].mean().abs() < 1e-5
    assert float(level[1, 0, 256]) == pytest.approx(math.atan(0.6 * 287 / 288), abs=1e-3)
    assert float(directions(rays(288, 512), 0.3)[1, 143:145, 255:257].mean()) == pytest.approx(0.3, abs=1e-4)
    assert A_RADIAN * 2 * math.pi == pytest.approx(3 * 512)


def test_a_sheet_is_read_between_its_pixels_and_beyond_its_edges():
    sheet = torch.zeros(ROWS, COLUMNS)
    sheet[2, 3], sheet[0, 0] = 8.0, 4.0
    rows, columns = torch.tensor([2.0, 1.5, 2.25, ROWS - 0.5, -0.5]), torch.tensor([3.0, 3.0, 3.5, COLUMNS - 0.5, 0.0])
    assert sampled(sheet, rows, columns).tolist() == [8.0, 4.0, 3.0, 1.0, 2.0]


def test_shapes_learn_from_sheets_and_colours_from_views(views: Views):
    specks = small()
    shape, _ = shape_losses(specks, 4, torch.Generator().manual_seed(1))
    shape.backward()
    assert all(p.grad is not None and p.grad.any() for p in specks.sheets.parameters())
    assert all(p.grad is None for p in specks.colour.parameters())
    specks.zero_grad()
    lesson = Lesson(specks, views, SMALL)
    coloured, figures = lesson.colours(0, torch.Generator().manual_seed(1))
    coloured.backward()
    assert all(p.grad is None for p in specks.sheets.parameters())
    assert all(p.grad is not None for p in specks.colour.parameters()) and set(figures) == {f"{k}_db" for k in KINDS}


def test_pieces_are_alike_whose_specks_are_elsewhere_and_unlike_in_other_colours(views: Views):
    seen = crops(views, 8, 32, np.random.default_rng(1))
    elsewhere = (seen.dry + (seen.wet - seen.dry).flip(1), seen.dry_uv + (seen.wet_uv - seen.dry_uv).flip(2))
    darker = (seen.dry + 0.5 * (seen.wet - seen.dry), seen.wet_uv)
    assert (unlike(elsewhere, seen) < 0.5).all()
    strong = (seen.wet - seen.dry).abs().mean((1, 2)) > 0.01
    assert strong.any() and (unlike(darker, seen) > unlike(elsewhere, seen) + 0.1)[strong].all()


def test_it_learns_how_strong_what_falls_is_and_is_kept_in_a_file(views: Views, tmp_path):
    specks = small()
    lesson = Lesson(specks, views, SMALL)
    before = shape_losses(specks, 12, torch.Generator().manual_seed(1))[0]
    run = Run(tmp_path, specks, torch.optim.AdamW(specks.parameters(), 5e-3), minutes=0.2)
    train(run, lesson, views)
    after = shape_losses(specks, 12, torch.Generator().manual_seed(1))[0]
    assert after < 0.9 * before
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
        SpecksConfig((8, 0, 8))
    save(small(), tmp_path / "small.safetensors", step=3)
    assert load(tmp_path / "small.safetensors").config.widths == (8, 8, 8)
    with pytest.raises(checkpoint.CheckpointError, match="specks"):
        load(WEIGHTS / "surfaces.safetensors")
