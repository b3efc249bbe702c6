"""A deeper Omni computes what the one it grew from does, and clips that are encoded as they are drawn are taken up."""

from dataclasses import replace

import pytest
import torch

from configs.paths import WEIGHTS
from model.omni import GROUPS, PATCH, VIEW, Given, Omni, OmniConfig
from model.tokenizer.frame import FrameTokenizer
from model.training.growth import grown
from model.training.latents import Clips, keep_clip
from model.worlds.clips import draw, path_of
from model.worlds.renderer import Renderer

SMALL = OmniConfig(width=48, layers=4, heads=3, hidden=64, time_every=2, window=3)


def test_an_omni_that_grew_computes_what_it_did():
    torch.manual_seed(0)
    omni = Omni(SMALL)
    for part in omni.parameters():
        torch.nn.init.normal_(part, std=0.1)
    deeper = Omni(replace(SMALL, layers=8))
    deeper.load_state_dict(grown(omni.state_dict(), SMALL, 8))
    video = GROUPS["video"]
    given = Given(
        torch.randn(1, 2, 8, 48),
        torch.rand(1, 2),
        torch.randn(1, 2, 2, 16),
        torch.randn(1, 2, 12),
        torch.randn(1, 2, 4, 8),
        torch.randn(1, 2, video, VIEW),
        torch.rand(1, 2),
        torch.full((1, 2), 0.125),
    )
    noisy, mask = torch.randn(1, 2, video, PATCH), torch.ones(1, 2, 2, dtype=torch.bool).tril()
    before, after = omni(noisy, given, mask).clean, deeper(noisy, given, mask).clean
    torch.testing.assert_close(after, before)
    deeper(noisy, given, mask).clean.square().mean().backward()
    assert all(layer.feed.down.weight.grad.abs().max() > 0 for layer in deeper.stack())


@pytest.mark.parametrize("layers", [2, 5])
def test_layers_that_cannot_be_are_refused(layers):
    with pytest.raises(ValueError, match=f"4 or more, in groups of 2; got {layers}"):
        grown(Omni(SMALL).state_dict(), SMALL, layers)


def test_clips_that_were_encoded_as_they_were_drawn_are_taken_up(tmp_path):
    eyes = FrameTokenizer.load(WEIGHTS / "tokenizer.safetensors")
    raw = {name: torch.from_numpy(array.copy()) for name, array in draw(5, Renderer()).items()}
    written = keep_clip(path_of(tmp_path, 5), eyes, raw, torch.device("cpu"))
    clips = Clips(tmp_path / "none", tmp_path, eyes)
    assert clips.rescan() == 1 and clips.rescan() == 0
    assert torch.equal(clips["latents"][0], written["latents"])
