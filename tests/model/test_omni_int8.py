"""The Omni in integers against the Omni in floats."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.nn.functional import cosine_similarity

from configs.paths import cache_dir
from model import checkpoint, native
from model.attention import TimeAttention, window_mask
from model.omni import BLOCK, FIRST_CARRIED, GROUPS, PATCH, VIEW, Given, Omni, OmniConfig
from model.omni_int8 import Int8Omni

CONFIG = OmniConfig(width=128, layers=4, heads=2, hidden=192, time_every=2, window=5)
TRAINED = cache_dir() / "runs" / "dynamics"


def an_omni(config: OmniConfig = CONFIG) -> Omni:
    """With weights large enough for every path to matter."""
    torch.manual_seed(1)
    omni = Omni(config).eval().requires_grad_(False)
    for name, parameter in omni.named_parameters():
        if "near" in name:
            torch.nn.init.normal_(parameter, std=0.3)
        elif parameter.ndim == 4:
            torch.nn.init.normal_(parameter, std=0.7 * parameter[0].numel() ** -0.5)
        elif parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=1.2 * parameter.shape[1] ** -0.5)
        elif "scale" in name or "norm" in name or "before" in name:
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    return omni


def quick(omni: Omni) -> Int8Omni:
    try:
        return Int8Omni(omni)
    except native.Unsupported as why:
        pytest.skip(str(why))


def given(frames: int, width: int) -> tuple[torch.Tensor, Given]:
    torch.manual_seed(2)
    video = GROUPS["video"]
    parts = Given(
        torch.randn(1, frames, 8, width) * 0.1,
        torch.rand(1, frames),
        torch.rand(1, frames, 2, 16),
        torch.rand(1, frames, 12),
        torch.rand(1, frames, 4, 8),
        torch.cat([torch.randn(1, frames, video, PATCH), torch.rand(1, frames, video, VIEW - PATCH)], -1),
        torch.rand(1, frames),
        torch.full((1, frames), 0.5),
    )
    return torch.randn(1, frames, video, PATCH), parts


def likeness(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return cosine_similarity(ours.flatten(), theirs.flatten(), 0).item()


def window(config: OmniConfig) -> list[tuple[torch.Tensor, torch.Tensor]]:
    torch.manual_seed(3)
    shape = (1, config.window, BLOCK - FIRST_CARRIED, config.heads, 64)
    return [(torch.randn(shape), torch.randn(shape)) for _ in range(config.time_layers)]


def a_mask(config: OmniConfig, frames: int, filled: int) -> torch.Tensor:
    mask = window_mask(config.window + frames, config.window)[:, config.window :]
    return mask & (torch.arange(config.window + frames) >= config.window - filled)


@pytest.mark.parametrize(("frames", "filled"), [(1, 0), (1, 5), (2, 5), (2, 3), (3, 5)])
def test_integers_see_nearly_what_floats_see(frames: int, filled: int):
    omni = an_omni()
    noisy, told = given(frames, CONFIG.width)
    mask, past = a_mask(CONFIG, frames, filled), window(CONFIG)
    ours, theirs = quick(omni)(noisy, told, mask, past), omni(noisy, told, mask, past)
    pairs = [(ours.clean, theirs.clean), (ours.hidden, theirs.hidden), (ours.trust, theirs.trust)]
    pairs += [pair for a, b in zip(ours.kept, theirs.kept, strict=True) for pair in zip(a, b, strict=True)]
    for mine, other in pairs:
        assert mine.shape == other.shape and likeness(mine, other) > 0.998


@pytest.mark.parametrize("index", [0, 1])
def test_each_layer_in_integers_is_nearly_the_layer_in_floats(index: int):
    omni = an_omni(OmniConfig(layers=2, time_every=2, window=4))
    layer = omni.layers[index]
    omni.layers = torch.nn.ModuleList([layer])
    torch.manual_seed(4)
    x, mask = torch.randn(1, 2, BLOCK, 192), window_mask(2, 4)
    theirs, y = x.clone(), layer.before_attention(x)
    if isinstance(layer.attention, TimeAttention):
        theirs[:, :, FIRST_CARRIED:] += layer.attention(y[:, :, FIRST_CARRIED:], mask, None)[0]
    else:
        theirs += layer.attention(y[0], omni.turn)
    theirs += layer.feed(layer.before_feed(theirs))
    ours = x.clone()
    quick(omni).layers(ours, mask)
    assert likeness(ours - x, theirs - x) > 0.9995


def test_threads_do_not_change_what_is_seen():
    omni = quick(an_omni())
    noisy, told = given(2, CONFIG.width)
    mask = window_mask(2, CONFIG.window)
    try:
        native.use_threads(1)
        alone = omni(noisy, told, mask)
        native.use_threads(3)
        together = omni(noisy, told, mask)
    finally:
        native.use_threads(0)
    assert torch.equal(alone.clean, together.clean) and torch.equal(alone.kept[0][0], together.kept[0][0])


@pytest.mark.parametrize("path", sorted(TRAINED.glob("*.safetensors")), ids=lambda path: path.name)
def test_a_trained_omni_loses_nothing_to_speak_of(path):
    try:
        omni = Omni.load(path)
    except checkpoint.CheckpointError as error:
        pytest.skip(f"a run of other code: {error}")
    noisy, told = given(2, omni.config.width)
    mask = window_mask(2, omni.config.window)
    ours, theirs = quick(omni)(noisy, told, mask), omni(noisy, told, mask)
    assert likeness(ours.clean, theirs.clean) > 0.999 and likeness(ours.hidden, theirs.hidden) > 0.99


def test_heads_of_another_width_are_refused():
    narrow = Omni(OmniConfig(width=96, layers=1, heads=3, hidden=64, time_every=1))
    with pytest.raises(native.Unsupported, match="whole 64s"):
        Int8Omni(narrow)


def test_without_a_compiler_it_says_so(monkeypatch):
    monkeypatch.setattr(native, "load", lambda name: None)
    with pytest.raises(native.Unsupported, match="compiler"):
        Int8Omni(an_omni())


def test_several_worlds_and_wrong_masks_are_refused():
    omni = quick(an_omni())
    x = torch.zeros(2, 1, BLOCK, CONFIG.width)
    with pytest.raises(ValueError, match="got 2 worlds"):
        omni.layers(x, torch.ones(1, 1, 1, dtype=torch.bool))
    with pytest.raises(ValueError, match="mask of bools"):
        omni.layers(x[:1], torch.ones(1, 1, 1))
    with pytest.raises(ValueError, match="pairs of keys and values"):
        omni.layers(x[:1], torch.ones(1, 1, 3, dtype=torch.bool), window(CONFIG))


def test_worlds_together_are_to_the_last_bit_as_each_alone():
    omni = quick(an_omni())
    mask, some = a_mask(CONFIG, 1, 5), a_mask(CONFIG, 1, 2)
    worlds = []
    for index in range(3):
        shapes = window(CONFIG)
        torch.manual_seed(10 + index)
        past = [(torch.randn_like(keys), torch.randn_like(values)) for keys, values in shapes]
        worlds.append((torch.randn(1, 1, BLOCK, CONFIG.width), some if index == 1 else mask, past))
    alone = [(x := world[0].clone(), omni.layers(x, *world[1:])) for world in worlds]
    kept = omni.together(worlds)
    for (x, mine), (y, _, _), ours in zip(alone, worlds, kept, strict=True):
        assert torch.equal(x, y)
        assert all(
            torch.equal(a, b) for one, two in zip(mine, ours, strict=True) for a, b in zip(one, two, strict=True)
        )
    assert not torch.equal(worlds[0][0], worlds[2][0])


def test_threads_may_ask_at_the_same_time():
    omni = quick(an_omni())
    noisy, told = given(1, CONFIG.width)
    mask, past = a_mask(CONFIG, 1, 5), window(CONFIG)
    alone = omni(noisy, told, mask, past)
    with ThreadPoolExecutor(4) as threads:
        for seen in threads.map(lambda _: omni(noisy, told, mask, past), range(24)):
            assert torch.equal(seen.clean, alone.clean) and torch.equal(seen.trust, alone.trust)
