"""Staircases along edges of depth: smoothed there, and nowhere else."""

import torch

from model import edges

H, W = 24, 40


def picture(seed: int = 0) -> edges.Picture:
    random = torch.Generator().manual_seed(seed)
    return (
        torch.randint(16, 236, (1, 2 * H, 2 * W), generator=random, dtype=torch.uint8),
        torch.randint(16, 241, (1, H, W), generator=random, dtype=torch.uint8),
        torch.randint(16, 241, (1, H, W), generator=random, dtype=torch.uint8),
    )


def test_the_kernel_does_what_torch_does():
    depth = (torch.rand(1, 1, H, W, generator=torch.Generator().manual_seed(1)) > 0.8).float() - 0.5
    assert all(
        torch.equal(a, b) for a, b in zip(edges.smooth(picture(), depth), edges._smooth(picture(), depth), strict=True)
    )


def test_only_what_lies_along_an_edge_changes():
    depth = torch.full((1, 1, H, W), -0.9)
    depth[..., 20:] = 0.5
    was = picture()
    now = edges.smooth(was, depth)
    for times, before, after in zip((2, 1, 1), was, now, strict=True):
        away = torch.ones(W * times, dtype=torch.bool)
        away[19 * times : 21 * times] = False
        assert torch.equal(before[..., away], after[..., away]) and not torch.equal(before, after)


def test_a_staircase_of_two_pixels_has_shades_between_its_steps():
    depth = torch.full((1, 1, H, W), -0.9)
    for row in range(H):
        depth[0, 0, row, : 8 + row // 2] = 0.5
    y = torch.where(depth[0] > 0, 40, 200).to(torch.uint8).repeat_interleave(2, 1).repeat_interleave(2, 2)
    grey = torch.full((1, H, W), 128, dtype=torch.uint8)
    smoothed, u, v = edges.smooth((y, grey, grey), depth)
    assert ((smoothed > 40) & (smoothed < 200)).any() and torch.equal(u, grey) and torch.equal(v, grey)
    assert (smoothed.float() - y.float()).abs().max() < 80
