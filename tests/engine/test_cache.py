"""The window: a rollout through it equals one pass over all frames."""

import pytest
import torch

from engine.cache import Window
from engine.device import HERE
from model.attention import window_mask
from model.omni import BLOCK, FIRST_CARRIED, GROUPS, PATCH, VIEW, Given, Omni, OmniConfig, Seen

SMALL = OmniConfig(width=64, layers=4, heads=1, hidden=64, time_every=2, window=3)
FRAMES = 9


def an_omni(config: OmniConfig = SMALL) -> Omni:
    """With weights large enough for every path to matter."""
    torch.manual_seed(5)
    omni = Omni(config).eval().requires_grad_(False)
    for parameter in omni.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=1.2 * parameter.shape[1] ** -0.5)
    return omni


def given(frames: int, width: int = SMALL.width) -> tuple[torch.Tensor, Given]:
    torch.manual_seed(6)
    video = GROUPS["video"]
    parts = Given(
        torch.randn(1, frames, 8, width),
        torch.rand(1, frames),
        torch.rand(1, frames, 2, 16),
        torch.rand(1, frames, 12),
        torch.rand(1, frames, 4, 8),
        torch.randn(1, frames, video, VIEW),
        torch.rand(1, frames),
        torch.full((1, frames), 0.5),
    )
    return torch.randn(1, frames, video, PATCH), parts


def rolled(omni: Omni, noisy: torch.Tensor, told: Given, at_once: int) -> list[Seen]:
    """Frame by frame; `at_once` 1 as worlds do; 2 commits the last frame within the call that sees the next."""
    window = Window(omni.config.time_layers, omni.config.window, (BLOCK - FIRST_CARRIED, omni.config.heads, 64), HERE)
    out = []
    for t in range(noisy.shape[1]):
        first = t - at_once + 1 if t else 0
        here = Given(*(part[:, first : t + 1] for part in told))
        count = t + 1 - first
        seen = omni(noisy[:, first : t + 1], here, window.mask(count), window.pairs())
        if at_once == 1 or t:
            window.commit(seen.kept, 0)
        out.append(seen)
    return out


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_rollout_through_the_window_equals_one_pass_over_all_frames(at_once: int):
    omni = an_omni()
    noisy, told = given(FRAMES)
    whole = omni(noisy, told, window_mask(FRAMES, SMALL.window))
    for t, seen in enumerate(rolled(omni, noisy, told, at_once)):
        torch.testing.assert_close(seen.clean[:, -1], whole.clean[:, t], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(seen.hidden[:, -1], whole.hidden[:, t], atol=1e-4, rtol=1e-4)


def test_what_fell_out_of_the_window_is_forgotten_and_what_is_in_it_is_not():
    omni = an_omni()
    noisy, told = given(FRAMES)
    reach = SMALL.window * SMALL.time_layers
    other = noisy.clone()
    other[:, FRAMES - 2 - reach] += 1
    last, changed = (rolled(omni, frames, told, 1)[-1].clean for frames in (noisy, other))
    assert torch.equal(last, changed)
    other[:, FRAMES - 2] += 1
    assert not torch.equal(last, rolled(omni, other, told, 1)[-1].clean)


def test_the_window_keeps_the_newest_frames_in_order():
    window = Window(1, 3, (2, 1, 4), HERE)
    for number in range(1, 9):
        frame = torch.full((1, 2, 2, 1, 4), float(number))
        window.commit([(frame, -frame)], 1)
        keys, values = window.pairs()[0]
        assert keys[0, :, 0, 0, 0].tolist() == [max(0, number - 2), max(0, number - 1), number]
        assert torch.equal(values, -keys) and keys.is_contiguous()


def test_the_mask_hides_void_frames_and_lets_each_new_frame_see_as_far_as_the_window():
    window = Window(1, 3, (1, 1, 4), HERE)
    assert window.mask(2).int().tolist() == [[[0, 0, 0, 1, 0], [0, 0, 0, 1, 1]]]
    window.filled = 3
    assert window.mask(2).int().tolist() == [[[1, 1, 1, 1, 0], [0, 1, 1, 1, 1]]]


def test_a_commit_of_other_layers_is_refused():
    with pytest.raises(ValueError, match="expected 2 pairs of keys and values, got 1"):
        Window(2, 3, (1, 1, 4), HERE).commit([(torch.zeros(1, 1, 1, 1, 4),) * 2], 0)
