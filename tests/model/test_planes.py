import numpy as np
import pytest
import torch

from model import planes


def random_frame(batch: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    y = torch.randint(16, 236, (batch, 288, 512), dtype=torch.uint8, generator=g)
    u, v = torch.randint(16, 241, (2, batch, 144, 256), dtype=torch.uint8, generator=g)
    depth = torch.randint(4137, 65536, (batch, 144, 256), dtype=torch.int32, generator=g).to(torch.uint16)
    return y, u, v, depth


def reference_ycbcr(rgb: np.ndarray) -> np.ndarray:
    """ITU-R BT.709-6, 8 bits: E'Y, E'CB, E'CR of full-range RGB and their digital levels, pixel by pixel."""
    r, g, b = (rgb.astype(np.float64) / 255)[..., 0], (rgb / 255.0)[..., 1], (rgb / 255.0)[..., 2]
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    return np.stack([219 * y + 16, 224 * (b - y) / 1.8556 + 128, 224 * (r - y) / 1.5748 + 128], -1)


def test_packing_and_unpacking_gives_every_sample_back():
    y, u, v, depth = random_frame()
    packed = planes.pack(y, u, v, depth)
    assert packed.shape == (2, 7, 144, 256) and packed.dtype == torch.float32
    for before, after in zip((y, u, v), planes.unpack(packed), strict=True):
        assert torch.equal(before, after)
    assert torch.equal(((packed[:, 6] + 1) / 2 * 65535).round().to(torch.int32), depth.to(torch.int32))


def test_luma_channels_are_dy_dx_of_each_cell():
    y, u, v, depth = random_frame(1)
    packed = planes.pack(y, u, v, depth)
    for dy in (0, 1):
        for dx in (0, 1):
            expected = (y[0, dy::2, dx::2].float() - 16) / 219 * 2 - 1
            torch.testing.assert_close(packed[0, 2 * dy + dx], expected)


def test_any_leading_dimensions_pack_alike():
    y, u, v, depth = random_frame(6)
    many = planes.pack(
        y.reshape(2, 3, 288, 512), *(p.reshape(2, 3, 144, 256) for p in (u, v)), depth.reshape(2, 3, 144, 256)
    )
    assert torch.equal(many.flatten(0, 1), planes.pack(y, u, v, depth))


def test_from_rgb_follows_bt709_limited_range():
    rgb = np.random.default_rng(1).integers(0, 256, (3, 288, 512, 3), dtype=np.uint8)
    y, u, v = planes.unpack(planes.from_rgb(torch.from_numpy(rgb)))
    reference = reference_ycbcr(rgb)
    chroma = reference[..., 1:].reshape(3, 144, 2, 256, 2, 2).mean((2, 4))
    assert np.abs(y.numpy() - reference[..., 0]).max() <= 0.501
    assert np.abs(u.numpy() - chroma[..., 0]).max() <= 0.501
    assert np.abs(v.numpy() - chroma[..., 1]).max() <= 0.501


@pytest.mark.parametrize(
    ("colour", "levels"),
    [
        ((255, 255, 255), (235, 128, 128)),
        ((0, 0, 0), (16, 128, 128)),
        ((255, 0, 0), (63, 102, 240)),
        ((0, 255, 0), (173, 42, 26)),
        ((0, 0, 255), (32, 240, 118)),
    ],
)
def test_known_colours_have_their_bt709_levels(colour: tuple[int, int, int], levels: tuple[int, int, int]):
    rgb = torch.tensor(colour, dtype=torch.uint8).expand(1, 288, 512, 3)
    got = tuple(int(p[0, 7, 9]) for p in planes.unpack(planes.from_rgb(rgb)))
    assert got == levels


def test_rgb_survives_the_way_there_and_back():
    blocks = np.random.default_rng(2).integers(0, 256, (1, 144, 256, 3), dtype=np.uint8)
    rgb = torch.from_numpy(blocks.repeat(2, 1).repeat(2, 2))
    packed = planes.from_rgb(rgb)
    assert torch.equal(planes.to_rgb(packed), rgb)
    y, u, v = planes.unpack(packed)
    through_bytes = planes.to_rgb(planes.pack(y, u, v, torch.zeros(1, 144, 256, dtype=torch.uint16)))
    assert (through_bytes.int() - rgb.int()).abs().max() <= 4


def test_depth_codes_are_near_one_when_near_and_clamped_at_the_sky():
    metres = torch.tensor([0.0, 1.2, 10.0, 299.0, 300.0, 5000.0])
    code = planes.depth_code(metres)
    torch.testing.assert_close(code[:2], torch.tensor([1.0, 0.5**0.5]))
    torch.testing.assert_close(planes.distance(code), metres.clamp(max=300), rtol=1e-4, atol=1e-4)


def test_mismatched_planes_are_refused_with_their_shapes():
    y, u, v, depth = random_frame(1)
    with pytest.raises(ValueError, match=r"half of y's.*\(1, 144, 255\)"):
        planes.pack(y, u[..., :-1], v, depth)
    with pytest.raises(ValueError, match=r"even, even, 3"):
        planes.from_rgb(torch.zeros(1, 288, 512, dtype=torch.uint8))


def test_what_is_far_is_as_far_as_the_sky_and_the_rest_stays():
    frame = torch.zeros(1, 7, 2, 3)
    frame[0, 6] = 2 * planes.depth_code(torch.tensor([[1.0, 60.0, 130.0], [150.0, 299.0, 300.0]])) - 1
    out = planes.with_far_sky(frame)
    torch.testing.assert_close(planes.metres(out)[0, 0], torch.tensor([1.0, 60.0, 130.0]), rtol=1e-3, atol=0)
    torch.testing.assert_close(planes.metres(out)[0, 1], torch.full((3,), 300.0), rtol=1e-3, atol=0)
    assert torch.equal(out[:, :6], frame[:, :6])
