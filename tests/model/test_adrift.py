"""What floats is no thing; what stands on something, is large, far, or half hidden stays."""

import numpy as np
import pytest
import torch

from model import native
from model.adrift import _adrift, adrift, cleared
from model.overlay import Overlaid
from model.planes import FAR_CODE, depth_code
from model.worlds.clips import HELD_OUT, start
from model.worlds.renderer import Renderer, View
from model.worlds.terrain import PLACES, bake

EVERYWHERE = torch.ones(1, 1, 144, 256)
needs_compiler = pytest.mark.skipif(native.load("adrift") is None, reason="no C++ compiler")


def plane(metres: float) -> float:
    return float(2 * depth_code(torch.tensor(metres)) - 1)


def a_view(*pieces: tuple[slice, slice, float]) -> torch.Tensor:
    """Depth's plane of a sky with ground below it, 2 to 12 m away, and pieces: rows, columns and metres."""
    depth = torch.full((1, 1, 144, 256), 2 * FAR_CODE - 1)
    depth[:, :, 80:] = torch.linspace(plane(12.0), plane(2.0), 64)[:, None]
    for rows, columns, metres in pieces:
        depth[:, :, rows, columns] = plane(metres)
    return depth


SCRAP = (slice(30, 40), slice(100, 110), 4.0)  # 0.11 m2
KINDS = {
    "a scrap": ([SCRAP], True),
    "a long dash": ([(slice(30, 32), slice(20, 230), 4.0)], True),
    "a crown": ([(slice(20, 50), slice(100, 140), 4.0)], False),
    "a post on the ground": ([(slice(30, 111), slice(100, 106), 4.0)], False),
    "a balloon far away": ([(slice(30, 40), slice(100, 110), 20.0)], False),
    "what comes in at the border": ([(slice(0, 10), slice(100, 110), 4.0)], False),
    "what a crown hides half": ([SCRAP, (slice(10, 60), slice(104, 184), 2.0)], False),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_floats_is_told_from_what_stands(kind: str) -> None:
    pieces, floats = KINDS[kind]
    depth = a_view(*pieces)
    rows, columns, _ = pieces[0]
    there = torch.zeros_like(depth)
    there[:, :, rows, columns] = 1
    found = adrift(depth, EVERYWHERE)
    assert torch.equal(found, there * floats)


@needs_compiler
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_is_as_torch_says(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 1, 36, 64, generator=generator)
    depth = a_view(SCRAP)
    depth = torch.where(torch.nn.functional.interpolate(coarse, scale_factor=4) > 0.6, plane(5.0), depth)
    depth += 0.03 * torch.randn(depth.shape, generator=generator)
    known = (torch.rand(depth.shape, generator=generator) > 0.1).float()
    found = adrift(depth, known)
    assert found.any() and torch.equal(found, _adrift(depth, known))


@needs_compiler
def test_depth_and_mask_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="expected depth and a mask"):
        adrift(EVERYWHERE, EVERYWHERE[..., :100])


def test_what_lies_behind_a_scrap_is_guessed_in_its_place() -> None:
    planes = torch.zeros(1, 8, 144, 256)
    planes[:, 6:7] = planes[:, 7:8] = a_view(SCRAP)
    rows, columns, _ = SCRAP
    planes[:, :4, rows, columns] = 0.9
    laid = Overlaid(planes, EVERYWHERE, torch.zeros_like(EVERYWHERE), torch.full((1, 2, 18, 32), 0.5))
    free, gap = cleared(laid)
    assert free.planes[:, :4].abs().max() == 0 and free.planes[:, 6, rows, columns].max() < plane(200.0)
    assert (gap[:, :, rows, columns] == 1).all() and gap.sum() == 100 and (free.known == 1 - gap).all()
    assert free.shares[0, :, 4, 12].sum() < 1 and free.shares[0, :, 10].min() == 0.5


def test_what_floats_at_the_border_of_what_is_known_leaves_nothing_of_itself() -> None:
    planes, known = torch.zeros(1, 8, 144, 256), EVERYWHERE.clone()
    known[..., 104:] = 0  # nothing is known to the right of the scrap's left part
    planes[:, 6:7] = planes[:, 7:8] = a_view(SCRAP)
    planes[:, :4, 30:40, 100:104] = 0.9
    free, gap = cleared(Overlaid(planes, known, torch.zeros_like(known), torch.full((1, 1, 18, 32), 1.0)))
    assert gap.sum() < 5 and free.known[:, :, 30:40, 100:104].sum() == 0 and free.planes[:, :4].abs().max() == 0


def test_what_sticks_out_of_an_outline_is_taken_out_and_corners_and_lines_stay() -> None:
    rows, columns = slice(20, 50), slice(100, 140)
    crown = a_view((rows, columns, 4.0), (slice(50, 111), slice(120, 121), 4.0))  # on a thin trunk
    spiked, spikes = crown.clone(), torch.zeros_like(crown)
    for row, column in ((19, 110), (30, 140), (45, 99)):
        spiked[..., row, column], spikes[..., row, column] = plane(4.0), 1
    assert torch.equal(adrift(spiked, EVERYWHERE), spikes) and not adrift(crown, EVERYWHERE).any()
    unknown = 1 - torch.nn.functional.max_pool2d(spikes, 3, 1, 1) + spikes
    unknown[:, :, rows, columns] = 1
    assert torch.equal(adrift(torch.where(spikes > 0, spiked, crown), unknown), spikes)


def test_next_to_nothing_of_true_pictures_is_taken_out() -> None:
    """Tips of trees are."""
    renderer, lost, near = Renderer(), 0, 0
    for seed in range(0, 8 * HELD_OUT, HELD_OUT):
        rng = np.random.default_rng([seed, 9])
        terrain = bake(PLACES[seed % len(PLACES)], seed)
        renderer.enter(terrain)
        for _ in range(6):
            at = start(terrain, rng)
            code = renderer.draw(View(at.x, at.y, at.z, at.yaw, at.pitch)).depth.astype(np.float32)
            depth = torch.from_numpy(code)[None, None] * (2 / 65535) - 1
            lost += int(adrift(depth, EVERYWHERE).sum())
            near += int((depth > plane(12.0)).sum())
    assert near > 400_000 and lost <= 5e-4 * near
