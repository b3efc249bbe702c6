"""What stands before something farther has one depth where it looks alike."""

import torch

from model import native
from model.borders import DEPTH
from model.standing import evened, stands

FAR, GROUND, TRUNK = -0.9, -0.5, 0.1


def a_trunk(generator: torch.Generator) -> torch.Tensor:
    """A dark trunk of six columns, whose pixels stand at different distances, before bright ground and sky."""
    planes = torch.full((1, 7, 144, 256), 0.3)
    planes[:, 4:6], planes[:, DEPTH, :72] = 0, FAR
    planes[:, DEPTH, 72:] = torch.linspace(FAR, GROUND, 72)[:, None]
    planes[:, :4, 40:100, 100:106] = -0.6
    planes[0, DEPTH, 40:100, 100:106] = TRUNK + 0.06 * torch.randn(60, 6, generator=generator).clamp(-1.5, 1.5)
    return planes


def test_a_trunk_in_pieces_becomes_one_and_all_else_stays():
    planes = a_trunk(torch.Generator().manual_seed(3))
    out = evened(planes)
    trunk = torch.zeros(1, 7, 144, 256, dtype=torch.bool)
    trunk[:, DEPTH, 40:100, 100:106] = True
    assert out[trunk].std() < planes[trunk].std() / 3 and (out[trunk] - TRUNK).abs().max() < 0.1
    assert torch.equal(out[~trunk], planes[~trunk])


def test_two_surfaces_of_one_colour_stay_apart_and_so_do_two_colours_of_one_depth():
    planes = torch.full((1, 7, 144, 256), 0.2)
    planes[:, DEPTH], planes[:, DEPTH, :, 100:110], planes[:, DEPTH, :, 110:120] = FAR, 0.1, 0.4
    assert torch.allclose(evened(planes), planes, atol=1e-6)
    planes[:, DEPTH, :, 110:120], planes[:, :4, :, 110:120] = 0.2, -0.6
    assert torch.allclose(evened(planes), planes, atol=1e-6)


def test_ground_is_left_as_it_is():
    planes = torch.zeros(1, 7, 144, 256)
    planes[:, DEPTH] = torch.linspace(FAR, 0.5, 144)[:, None] + 0.01 * torch.rand(1, 144, 256)
    assert not stands(planes[:, DEPTH : DEPTH + 1]).any() and torch.equal(evened(planes), planes)


def test_depth_is_evened_in_cpp_as_in_torch(monkeypatch):
    generator = torch.Generator().manual_seed(2)
    planes = torch.rand(1, 8, 144, 256, generator=generator) * 0.3
    blocks = torch.rand(1, 12, 16, generator=generator).repeat_interleave(12, 1).repeat_interleave(16, 2)
    planes[:, DEPTH] = blocks - 1 + 0.2 * planes[:, 7]
    out = evened(planes)
    monkeypatch.setattr(native, "load", lambda name: None)
    expected = evened(planes)
    assert 0.1 < (out != planes)[:, DEPTH].float().mean() < 0.99 and torch.equal(out[:, :DEPTH], planes[:, :DEPTH])
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=0)
