"""Between what is near and what is far: edges where colours say, no tint, and what was hidden filled from behind."""

import torch
import torch.nn.functional as F

from model import native
from model.borders import DEPTH, SKY, behind, beside_edges, separate, unmixed, within, without_specks

NEAR, FAR = -0.2, -0.87
DARK, BRIGHT = -0.6, 0.4


def a_wall(edge: int = 100, colours_edge: int = 100) -> torch.Tensor:
    """A dark wall up to a column before a bright sky, [1, 7, 144, 256]; both may end elsewhere."""
    planes = torch.full((1, 7, 144, 256), BRIGHT)
    planes[:, 4:6] = 0
    planes[:, :4, :, :colours_edge] = DARK
    planes[:, DEPTH] = FAR
    planes[:, DEPTH, :, :edge] = NEAR
    return planes


def a_gap(left: float, right: float, wide: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two surfaces at these depths, dark and bright, with nothing known between them."""
    planes, known = a_wall(), torch.ones(1, 1, 144, 256)
    planes[:, DEPTH, :, :100], planes[:, DEPTH, :, 100:] = left, right
    planes[..., 100 : 100 + wide] = 0
    known[..., 100 : 100 + wide] = 0
    return planes, known


def alike(part: torch.Tensor, value: float) -> bool:
    """Whether all of it is that, but for rounding."""
    return bool(((part - value).abs() < 1e-6).all())


def filled(planes: torch.Tensor, known: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What `behind` makes of it where nothing is said to have been hidden."""
    return behind(planes, known, torch.zeros_like(known))


def test_a_gap_takes_the_depth_and_colour_of_its_farther_side():
    planes, known = a_gap(NEAR, FAR, 20)
    out, where = filled(planes, known)
    assert torch.equal(where, 1 - known)
    assert (out[0, DEPTH, :, 100:120] == FAR).all() and alike(out[0, :4, :, 100:120], BRIGHT)
    assert torch.equal(out[known.expand_as(out) > 0], planes[known.expand_as(planes) > 0])


def test_what_nothing_near_hid_is_left_to_be_invented():
    for planes, known in (a_gap(FAR, FAR, 20), a_gap(NEAR, FAR, 156)):
        out, where = filled(planes, known)
        assert not where.any() and torch.equal(out, planes)


def test_what_was_hidden_between_two_parts_of_one_surface_is_like_both():
    planes, known = a_gap(FAR, FAR, 20)
    planes[:, :4, :, :100] = BRIGHT - 0.1
    out, where = behind(planes, known, within(known))
    assert torch.equal(where, 1 - known) and (out[0, DEPTH] == FAR).all()
    across = out[0, 0, 70, 99:121]
    assert (across.diff() >= 0).all() and across[0] < across[11] < across[-1]


def test_what_lies_beyond_a_view_was_not_hidden_from_it():
    mask = torch.zeros(1, 1, 4, 16)
    mask[..., 2:5] = mask[..., 9:12] = 1
    between = torch.zeros_like(mask)
    between[..., 2:12] = 1
    assert torch.equal(within(mask), between)


def test_a_row_whose_side_is_unlike_those_above_and_below_does_not_streak():
    planes, known = a_gap(NEAR, FAR, 20)
    planes[:, :4, 70, 120:] = DARK
    out, _ = filled(planes, known)
    assert alike(out[0, :4, :, 100:120], BRIGHT)


def test_rows_whose_sides_alternate_leave_no_stripes():
    planes, known = a_gap(NEAR, FAR, 20)
    planes[:, :4, ::4, 120:], planes[:, :4, 1::4, 120:] = DARK, DARK
    out, _ = filled(planes, known)
    assert out[0, :4, 20:120, 100:119].diff(dim=1).abs().max() < 0.2 * (BRIGHT - DARK)


def test_nor_do_the_rows_of_one_pixel_that_stands_for_many():
    planes, known = a_gap(NEAR, FAR, 20)
    planes[:, :2, :, 120:127] -= 0.1
    planes[:, :4, :, 127:] = DARK
    out, _ = filled(planes, known)
    assert alike(out[0, :4, :, 100:112], BRIGHT - 0.05)


def test_a_hole_of_one_pixel_takes_the_middle_surface_around_it():
    planes, known = a_gap(NEAR, FAR, 0)
    known[0, 0, 70, 99] = 0  # at the edge of the wall
    planes[..., 70, 99] = 0
    out, where = filled(planes, known)
    assert where.sum() == 1 and out[0, DEPTH, 70, 99] == NEAR and out[0, 0, 70, 99] == DARK


def test_a_crack_in_one_surface_is_closed():
    planes, known = a_gap(FAR, FAR, 2)
    out, where = filled(planes, known)
    assert torch.equal(where, 1 - known) and (out[0, DEPTH] == FAR).all()


def test_a_mixture_of_both_sides_beside_a_gap_does_not_fill_it():
    planes, known = a_gap(NEAR, FAR, 8)
    planes[:, DEPTH, :, 108:112] = torch.tensor([-0.4, -0.5, -0.6, -0.7])
    planes[:, :4, :, 108:112] = 0.0
    out, _ = filled(planes, known)
    assert (out[0, DEPTH, :, 100:108] == FAR).all() and alike(out[0, :4, :, 100:108], BRIGHT)


def test_a_texture_goes_on_behind_and_other_things_do_not():
    planes, known = a_gap(NEAR, FAR, 8)
    planes[:, :4, :, 108:] += torch.linspace(0, 0.05, 148)
    planes[:, :4, :, 112:] = DARK  # something else begins here
    out, _ = filled(planes, known)
    assert (out[0, :4, :, 100:108] > BRIGHT - 0.1).all()


def test_a_speck_comes_to_the_surface_around_it_and_edges_stay():
    planes = a_wall()
    speckled = planes.clone()
    speckled[:, DEPTH, 40:42, 50:52] = FAR
    assert torch.equal(without_specks(speckled), planes)


def blurred(planes: torch.Tensor) -> torch.Tensor:
    """The same with colours as a soft picture has them, and sharp depth."""
    soft = F.avg_pool2d(F.pad(planes[:, :DEPTH], (2, 2, 2, 2), mode="replicate"), 5, 1)
    return torch.cat([soft, planes[:, DEPTH:]], 1)


def wrong(planes: torch.Tensor, true: torch.Tensor) -> float:
    """How far luma is from the truth at worst."""
    return float((planes - true)[:, :4].abs().max())


def test_what_lies_beside_an_edge_loses_the_tint_of_what_is_on_its_other_side():
    planes = a_wall()
    clean = unmixed(blurred(planes))
    assert wrong(clean[..., 100:], planes[..., 100:]) < 0.05 and wrong(clean, planes) < 0.15
    assert wrong(blurred(planes), planes) > 0.35
    assert torch.equal(clean[:, DEPTH], planes[:, DEPTH])


def test_the_sky_over_a_crown_loses_its_tint_and_far_ground_behind_a_hill_does_not():
    for far, cleaned in ((SKY - 0.01, True), (SKY + 0.01, False)):
        planes = a_wall(0, 0)
        planes[:, DEPTH, :44], planes[:, DEPTH, 44:], planes[:, :4, 44:] = far, NEAR, DARK
        soft = blurred(planes)
        clean = unmixed(soft)
        assert (wrong(clean[:, :, :44], planes[:, :, :44]) < 0.05) == cleaned
        assert cleaned or torch.equal(clean, soft)


def test_ground_goes_over_into_the_sky_as_it_was_drawn():
    planes = a_wall(0, 0)
    planes[:, DEPTH, 72:] = FAR + 0.1 + torch.linspace(0, 1, 72)[:, None]
    planes[:, :4, 68:76] = torch.linspace(BRIGHT, DARK, 8)[:, None]
    assert torch.equal(unmixed(planes), planes)


def test_a_tip_that_depth_left_out_stands_where_its_crown_does():
    planes = a_wall(0, 0)
    planes[:, DEPTH, 60:, 90:110], planes[:, :4, 60:, 90:110] = NEAR, DARK
    planes[:, :4, 57:60, 98:102] = DARK
    clean = unmixed(planes)
    assert alike(clean[0, DEPTH, 57:60, 98:102], NEAR)
    assert (clean[0, :4, 57:60, 98:102] < DARK + 0.01).all() and (clean[0, DEPTH, :57] == FAR).all()


def test_what_looks_like_a_thing_but_does_not_hang_together_with_it_stays_behind_it():
    planes = a_wall()
    planes[:, :4, :, 103:105] = DARK
    clean = unmixed(planes)
    assert torch.equal(clean[:, DEPTH], planes[:, DEPTH])


def test_a_pixel_that_looks_unlike_those_around_it_is_of_their_side():
    planes = a_wall()
    planes[:, :4, :, 100:102] = DARK
    planes[:, :4, 70, 100] = BRIGHT
    clean = unmixed(planes)
    assert alike(clean[0, DEPTH, :, 100], NEAR) and (clean[0, :4, :, 100] < DARK + 0.01).all()


def test_a_thin_trunk_keeps_its_colour_under_a_crown():
    planes = a_wall(0, 0)
    planes[:, DEPTH, 20:60, 80:120] = planes[:, DEPTH, 60:90, 99:102] = NEAR
    planes[:, :4, 20:60, 80:120], planes[:, :4, 60:90, 99:102] = DARK, -0.1
    assert alike(unmixed(planes)[0, :4, 64:86, 99:102], -0.1)


def test_tint_does_not_streak_along_rows():
    """Between trees a row has little that is clean but what stands before it."""
    planes = a_wall(0, 0)
    for left in (80, 96, 112):
        planes[:, DEPTH, 60:, left : left + 10], planes[:, :4, 60:, left : left + 10] = NEAR, DARK
    gaps = slice(90, 96)
    assert wrong(unmixed(blurred(planes))[..., gaps], planes[..., gaps]) < 0.2
    assert wrong(blurred(planes)[..., gaps], planes[..., gaps]) > 0.35


def test_no_edge_moves_where_colours_are_alike_or_ground_slopes():
    plain, slope = a_wall(96), a_wall()
    plain[:, :4] = BRIGHT
    slope[:, DEPTH] = torch.linspace(-0.8, 0.4, 144)[:, None]
    for planes in (plain, slope):
        assert torch.equal(separate(planes)[:, DEPTH], planes[:, DEPTH])


def test_gaps_are_filled_in_cpp_as_in_torch(monkeypatch):
    generator = torch.Generator().manual_seed(2)
    steps = torch.rand(1, 1, 18, 16, generator=generator).repeat_interleave(8, 2).repeat_interleave(16, 3)
    planes = torch.rand(1, 8, 144, 256, generator=generator) * 0.2
    planes[:, DEPTH : DEPTH + 1] = steps - 0.5 + 0.01 * planes[:, :1]
    known = (torch.rand(1, 1, 144, 256, generator=generator) < 0.97).float()
    known[..., 60:72] = known[:, :, 40:50, 100:140] = 0
    hidden = (steps > 0.5).float()
    out, gap = behind(planes * known, known, hidden)
    monkeypatch.setattr(native, "load", lambda name: None)
    expected, where = behind(planes * known, known, hidden)
    assert torch.equal(gap, where) and 0.02 < gap.mean() < 0.2
    torch.testing.assert_close(out, expected, atol=1e-6, rtol=0)


def test_edges_are_unmixed_in_cpp_as_in_torch(monkeypatch):
    generator = torch.Generator().manual_seed(2)
    planes = torch.rand(1, 8, 144, 256, generator=generator) * 2 - 1
    planes[:, DEPTH] = torch.rand(1, 12, 16, generator=generator).repeat_interleave(12, 1).repeat_interleave(16, 2) - 1
    out = unmixed(planes)
    monkeypatch.setattr(native, "load", lambda name: None)
    expected = unmixed(planes)
    assert 0.1 < (out != planes)[:, :DEPTH].any(1).float().mean() < 0.9
    assert 0.01 < (out != planes)[:, DEPTH].float().mean() < 0.5
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=0)


def test_what_lies_beside_edges_is_found_in_cpp_as_in_torch(monkeypatch):
    generator = torch.Generator().manual_seed(4)
    blocks = torch.rand(3, 1, 18, 32, generator=generator) * 1.2 - 0.95
    depth = blocks.repeat_interleave(8, 2).repeat_interleave(8, 3)
    depth[torch.rand(depth.shape, generator=generator) < 0.4] += 0.07
    found = beside_edges(depth.mT.contiguous().mT)
    monkeypatch.setattr(native, "load", lambda name: None)
    assert torch.equal(found, beside_edges(depth)) and found.unique().tolist() == [0, 1, 2]
