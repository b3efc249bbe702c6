"""The known view: holes filled softly, cells that are not wholly known, and what stays as it is."""

import pytest
import torch
import torch.nn.functional as F

from model import native
from model.omni import LIGHT, VIEW
from model.planes import depth_code
from model.view import (
    CELL,
    as_tokens,
    cells,
    extended,
    fill,
    grains,
    keep_known,
    lasting,
    relit,
    settled,
    softened,
    told,
    without_slivers,
)

HEIGHT, WIDTH = 48, 96


def test_holes_take_the_mean_of_what_is_known_around_them():
    planes, mask = torch.full((1, 7, HEIGHT, WIDTH), 0.5), torch.ones(1, 1, HEIGHT, WIDTH)
    planes[..., WIDTH // 2 :] = -0.25
    mask[..., 8:16, 8:12] = mask[..., 40:44, 80:96] = 0
    filled = fill(planes * mask, mask)
    torch.testing.assert_close(filled, planes)


def test_of_nothing_known_nothing_is_made_up():
    filled, shares = cells(torch.zeros(1, 7, HEIGHT, WIDTH), torch.zeros(1, 2, HEIGHT, WIDTH))
    assert not filled.any() and not shares.any()


def test_a_cell_has_the_mean_grain_of_what_is_known_of_it():
    planes, known = torch.zeros(1, 8, 144, 256), torch.ones(1, 1, 144, 256)
    planes[:, 6] = 2 * depth_code(torch.tensor(4.0)) - 1
    planes[:, 7] = planes[:, 6]
    planes[:, 7, :8, :4] = 2 * depth_code(torch.tensor(8.5)) - 1  # enlarged twice, which is half of BLURRED
    planes[:, 7, :8, 8:16] = 2 * depth_code(torch.tensor(300.0)) - 1
    planes[:, 7, :8, 16:24] = 2 * depth_code(torch.tensor(1.0)) - 1
    known[..., :8, 2:8] = 0
    grain = grains(planes, known)[0, 0]
    assert grain[0, 0] == pytest.approx(0.5, abs=1e-3) and grain[0, 1] == 1
    assert grain[0, 2] == 0 and not grain[1:].any()


def test_a_cell_is_as_differently_lit_as_the_views_that_made_it():
    shares = torch.zeros(1, 2, 18, 32)
    shares[0, 0, :, :16], shares[0, 1, :, 16:24], shares[0, :, :, 24:28] = 1, 1, 0.25
    grain, changes = torch.full((1, 1, 18, 32), 0.25), torch.stack([torch.ones(7), torch.zeros(7)])[None]
    tokens = as_tokens(torch.ones(1, 16, 18, 32), shares, grain, changes).unflatten(1, (9, 16))[0, 4]
    known, grain, change = tokens[:, 64], tokens[:, 68], tokens[:, -1]
    assert known[[0, 8, 12, 15]].tolist() == [1, 1, 0.5, 0]
    assert grain[[0, 8, 12, 15]].tolist() == [0.25, 0.25, 0.25, 0]
    assert change[[0, 8, 12, 15]].tolist() == [1, 0, 0.5, 0]
    assert tokens[15].abs().max() == 0


def test_cells_at_the_border_are_known_wholly_or_not_at_all():
    taken = torch.ones(1, 1, 144, 256)
    taken[..., 253:] = 0  # three pixels came into view at the right
    taken[..., 64:72, 96:100] = 0  # and a hole in the middle
    shares, known = without_slivers(F.avg_pool2d(taken, 8), taken)
    assert (shares[..., 31] == 0).all() and (known[..., 248:] == 0).all()
    assert (shares[..., :31] == F.avg_pool2d(taken, 8)[..., :31]).all()
    assert torch.equal(known[..., :248], taken[..., :248])
    whole = torch.ones_like(taken)
    assert without_slivers(F.avg_pool2d(whole, 8), whole)[1].all()


def test_who_goes_on_from_a_picture_sees_all_that_is_known_up_to_its_border():
    planes, known = torch.rand(1, 8, 144, 256), torch.zeros(1, 1, 144, 256)
    known[..., 40:228] = 1  # ends in the middle of a cell
    shares = F.avg_pool2d(known, 8)
    seen, reached, more = extended(planes, known, shares)
    assert torch.equal(seen[..., 40:228], planes[..., 40:228]) and torch.equal(reached[..., 40:228], known[..., 40:228])
    assert (seen[..., 228:236] == planes[..., 227:228]).all() and torch.equal(seen[..., 236:], planes[..., 236:])
    before, after = (without_slivers(part, mask)[0] for part, mask in ((shares, known), (more, reached)))
    assert before[..., 28].max() == 0 and after[..., 28].min() == 1 and after[..., 29].max() == 0


def test_what_is_known_under_steady_light_stays_to_the_last_bit_and_the_rest_is_drawn():
    drawn, known, mask = torch.zeros(1, 7, 144, 256), torch.ones(1, 7, 144, 256), torch.ones(1, 1, 144, 256)
    mask[..., 128:] = 0
    still = torch.zeros(1, 144, VIEW)
    firm = lasting(still)
    assert (firm == 1).all()
    planes = keep_known(drawn.clone(), known * mask, mask, firm)
    assert (planes[..., :120] == 1).all() and (planes[..., 128:] == 0).all()
    assert 0 < planes[..., 120:128].mean() < 1
    changed = still.clone()
    changed[:, :72, -LIGHT] = 0.5  # the light of the upper half
    planes = keep_known(drawn, known, torch.ones_like(mask), lasting(changed))
    assert planes[..., :60, :].max() < 0.01 and (planes[..., 84:, :] == 1).all()


def test_what_is_known_in_another_light_is_drawn_in_the_new_one_but_for_a_sky_whose_clouds_change():
    tokens = torch.zeros(1, 144, VIEW)
    depth = torch.full((1, 1, 144, 256), 0.2)
    depth[:, :, :72] = 2 * depth_code(torch.tensor(300.0)) - 1
    assert relit(tokens, depth).max() == 0
    night = tokens.clone()
    night[..., -LIGHT] = 1.0
    assert relit(night, depth).min() > 0.99
    fog = tokens.clone()
    fog[..., -LIGHT + 3] = 0.9
    share = relit(fog, depth)
    assert share[:, :, :9].max() < 0.01 and share[:, :, 9:].min() > 0.99


def test_what_is_known_is_settled_and_told_in_cpp_as_in_torch(monkeypatch):
    generator = torch.Generator().manual_seed(4)

    def patches(channels: int) -> torch.Tensor:
        cells = torch.rand(1, channels, 18, 32, generator=generator)
        return cells.repeat_interleave(8, 2).repeat_interleave(8, 3)

    planes, known = patches(8) * 1.9 - 0.95, (patches(1) < 0.9).float()
    planes[:, 6] = planes[:, 6].where(patches(1)[:, 0] < 0.8, 2 * depth_code(torch.tensor(300.0)) - 1)
    gap = (1 - known) * (torch.rand(1, 1, 144, 256, generator=generator) < 0.5)
    first = (patches(1) < 0.5).float()
    shares = F.avg_pool2d(torch.cat([first, 1 - first], 1) * known, 8)
    latents, changes = torch.randn(1, 16, 18, 32, generator=generator), 0.2 * torch.rand(1, 2, 7, generator=generator)
    ours = settled(planes, known, gap, shares)
    ours_told = told(latents, ours, changes, planes[:, 6:7])
    monkeypatch.setattr(native, "load", lambda name: None)
    theirs = settled(planes, known, gap, shares)
    for one, other in zip((*ours, *ours_told), (*theirs, *told(latents, theirs, changes, planes[:, 6:7])), strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    assert 0.3 < ours.known.mean() < 0.99 and 0 < ours.grain.mean() < 1


def test_what_nobody_saw_is_what_is_beside_it_and_farther_away_what_is_usual_in_its_row():
    planes = torch.linspace(1, -1, 144).view(1, 1, 144, 1).expand(1, 7, 144, 256).clone()  # of a level view
    known = torch.ones(1, 1, 144, 256)
    known[..., :96] = 0
    planes[..., 96 : 96 + CELL] = -1  # a trunk at the edge of what is known
    soft = softened(planes * known, known)
    assert torch.equal(soft[..., 96:], planes[..., 96:])
    assert float(soft[..., 90].mean()) < -0.3, "expected what lies beside the trunk to go on from it"
    far = soft[0, 0, :, 8]
    rows = planes[0, 0, :, 200].view(18, CELL).mean(1)
    assert torch.allclose(far.view(18, CELL)[:, CELL // 2], rows, atol=0.1), "expected the row's colours, and no trunk"


def test_rows_of_which_next_to_nothing_is_known_go_on_from_those_beside_them():
    planes, known = torch.full((1, 7, 144, 256), 0.5), torch.ones(1, 1, 144, 256)
    known[..., 136:, 16:] = 0
    planes[..., 136:, :16] = -1  # all that is known of the last row of cells
    soft = softened(planes * known, known)
    assert float(soft[..., 140, 64:].min()) > 0.3
