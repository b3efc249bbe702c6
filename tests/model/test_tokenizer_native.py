"""The frame tokenizer in one C++ call against the frame tokenizer in torch."""

import pytest
import torch

from configs.paths import WEIGHTS
from model import native
from model.planes import unpack
from model.tokenizer.frame import FrameTokenizer, FrameTokenizerConfig
from model.tokenizer.native import NativeTokenizer

SMALL = FrameTokenizerConfig(
    encoder_fine=32, encoder_coarse=64, encoder_blocks=(1, 2), decoder_coarse=64, decoder_fine=96, decoder_blocks=(2, 1)
)


def pictures(count: int, height: int = 48, width: int = 96) -> torch.Tensor:
    """Smooth pictures within [-1, 1]."""
    torch.manual_seed(1)
    coarse = torch.rand(count, 7, height // 8, width // 8) * 2 - 1
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")


def both(config: FrameTokenizerConfig) -> tuple[FrameTokenizer, NativeTokenizer]:
    torch.manual_seed(2)
    tokenizer = FrameTokenizer(config).eval().requires_grad_(False)
    for name, parameter in tokenizer.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
        elif "narrow" in name:
            parameter.mul_(5)
    try:
        return tokenizer, NativeTokenizer(tokenizer)
    except native.Unsupported as why:
        pytest.skip(str(why))


def test_planes_become_the_same_bytes_as_in_torch():
    _, quick = both(SMALL)
    planes = pictures(2)
    for ours, theirs in zip(quick.unpack(planes), unpack(planes), strict=True):
        assert (ours.int() - theirs.int()).abs().max() <= 1 and (ours != theirs).float().mean() < 1e-3


@pytest.mark.parametrize("config", [SMALL, FrameTokenizerConfig()], ids=["small", "real"])
def test_it_encodes_and_decodes_nearly_as_torch_does(config: FrameTokenizerConfig):
    tokenizer, quick = both(config)
    planes = pictures(2)
    latents = tokenizer.encode(planes)
    error = quick.encode(planes) - latents
    assert error.square().mean().sqrt() < 0.03 * latents.std()
    decoded = tokenizer.decode(latents).clamp(-1, 1)
    error = quick.decode(latents) - decoded
    assert error.square().mean().sqrt() < 0.03 * decoded.std()


def test_bytes_are_those_of_the_planes():
    _, quick = both(SMALL)
    planes, *drawn = quick.draw(torch.randn(2, 16, 6, 12))
    for ours, theirs in zip(drawn, unpack(planes), strict=True):
        assert ours.shape == theirs.shape and ours.dtype == torch.uint8
        assert (ours.int() - theirs.int()).abs().max() <= 1 and (ours != theirs).float().mean() < 0.001


def test_other_sizes_in_turn_and_more_threads_change_nothing():
    _, quick = both(SMALL)
    small, large = torch.randn(1, 16, 4, 8), torch.randn(1, 16, 18, 32)
    before = quick.decode(small)
    latents = quick.encode(quick.decode(large))
    try:
        native.use_threads(3)
        assert torch.equal(quick.encode(quick.decode(large)), latents)
    finally:
        native.use_threads(0)
    assert torch.equal(quick.decode(small), before)


def test_bundled_weights_lose_nothing_to_speak_of():
    tokenizer = FrameTokenizer.load(WEIGHTS / "tokenizer.safetensors")
    try:
        quick = NativeTokenizer(tokenizer)
    except native.Unsupported as why:
        pytest.skip(str(why))
    planes = pictures(1, 144, 256)
    latents = tokenizer.encode(planes)
    assert (quick.encode(planes) - latents).square().mean().sqrt() < 0.03
    assert (quick.decode(latents) - tokenizer.decode(latents).clamp(-1, 1)).square().mean().sqrt() < 0.01


def test_what_it_cannot_read_is_refused():
    _, quick = both(SMALL)
    with pytest.raises(ValueError, match="expected"):
        quick.encode(torch.zeros(1, 6, 48, 96))
    with pytest.raises(ValueError, match="expected"):
        quick.decode(torch.zeros(1, 16, 6, 11))
    with pytest.raises(ValueError, match="float32"):
        quick.decode(torch.zeros(1, 16, 6, 12, dtype=torch.float64))
    odd = FrameTokenizerConfig(encoder_fine=24, encoder_coarse=96, decoder_coarse=96, decoder_fine=24)
    with pytest.raises(native.Unsupported, match="whole 32s"):
        NativeTokenizer(FrameTokenizer(odd))
