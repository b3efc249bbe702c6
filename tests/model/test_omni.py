"""The Omni transformer: shapes, causality, and the view that it starts from."""

import pytest
import torch

from model.attention import window_mask
from model.omni import (
    CHANNELS,
    GROUPS,
    LIGHT,
    PATCH,
    TRUST_AT_FIRST,
    VIEW,
    Given,
    Omni,
    OmniConfig,
    patch,
    unpatch,
    view_tokens,
)

SMALL = OmniConfig(width=48, layers=4, heads=3, hidden=64, time_every=2, window=3)


def given_of(batch, frames, width):
    random = torch.Generator().manual_seed(1)

    def draw(*shape):
        return torch.randn(batch, frames, *shape, generator=random)

    video = GROUPS["video"]
    age, level, size = torch.ones(batch, frames), torch.full((batch, frames), 0.5), torch.full((batch, frames), 0.125)
    return Given(draw(8, width), age, draw(2, 16), draw(12), draw(4, 8), draw(video, VIEW), level, size)


@pytest.fixture(scope="module")
def omni():
    torch.manual_seed(0)
    net = Omni(SMALL).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return net


def test_patches_come_back_as_latents():
    latents = torch.randn(2, 3, CHANNELS, 18, 32)
    tokens = patch(latents)
    assert tokens.shape == (2, 3, 144, PATCH)
    assert torch.equal(unpatch(tokens), latents)
    assert torch.equal(tokens[0, 0, 16 + 2].view(CHANNELS, 2, 2), latents[0, 0, :, 2:4, 4:6])


@torch.no_grad()
def test_a_frame_does_not_see_the_frames_after_it(omni):
    given, noisy = given_of(1, 5, SMALL.width), torch.randn(1, 5, 144, PATCH)
    before = omni(noisy, given, window_mask(5, SMALL.window))
    changed = noisy.clone()
    changed[:, 3] += 1
    after = omni(changed, given, window_mask(5, SMALL.window))
    assert torch.equal(before.clean[:, :3], after.clean[:, :3])
    assert not torch.equal(before.clean[:, 4], after.clean[:, 4])


@torch.no_grad()
def test_a_frame_does_not_see_beyond_the_window(omni):
    one_layer = Omni(OmniConfig(width=48, layers=2, heads=3, hidden=64, time_every=2, window=2)).eval()
    given, noisy = given_of(1, 5, 48), torch.randn(1, 5, 144, PATCH)
    before = one_layer(noisy, given, window_mask(5, 2)).kept[0][0]
    hidden = one_layer(noisy, given, window_mask(5, 2)).hidden
    changed = noisy.clone()
    changed[:, 0] += 5
    assert torch.allclose(one_layer(changed, given, window_mask(5, 2)).hidden[:, 3:], hidden[:, 3:], atol=1e-6)
    assert before.shape == (1, 5, sum(GROUPS.values()) - 9, 3, 16)


@torch.no_grad()
def test_untrained_it_shows_what_is_known_of_the_view():
    net = Omni(SMALL)
    latents = torch.randn(1, 1, CHANNELS, 18, 32)
    known = torch.ones(1, 1, 1, 18, 32)
    known[..., 16:] = 0
    view = view_tokens(latents, known, torch.zeros_like(known), torch.zeros(1, 1, LIGHT, 18, 32))
    given = given_of(1, 1, SMALL.width)._replace(view=view)
    clean = unpatch(net(torch.randn(1, 1, 144, PATCH), given, window_mask(1, 3)).clean)
    trust = torch.sigmoid(torch.tensor(TRUST_AT_FIRST))
    assert torch.allclose(clean, torch.lerp(torch.tensor(0.9), torch.tensor(1.0), trust) * latents * known, atol=2e-3)


@torch.no_grad()
def test_the_same_text_at_another_place_in_the_batch_reads_the_same(omni):
    features, mask = torch.randn(3, 32, 384), torch.ones(3, 32, dtype=torch.bool)
    mask[:, 9:] = False
    alone = omni.resample(features[1:2], mask[1:2])
    assert torch.allclose(omni.resample(features, mask)[1:2], alone, atol=1e-5)
    changed = features.clone()
    changed[:, 9:] = 7
    assert torch.allclose(omni.resample(changed, mask), omni.resample(features, mask), atol=1e-5)


def test_a_config_that_does_not_fit_names_the_numbers():
    with pytest.raises(ValueError, match="5 and 4"):
        OmniConfig(layers=5)
    with pytest.raises(ValueError, match="0"):
        OmniConfig(window=0)
