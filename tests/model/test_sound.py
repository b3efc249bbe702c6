"""Sound's networks: streaming equals all at once, borders are silent, and the weights hold what is said of them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from configs.paths import WEIGHTS
from model.checkpoint import CheckpointError
from model.sound import figures, losses
from model.sound.evaluation import coded, imagined, measure
from model.sound.head import SoundHead, SoundHeadConfig
from model.sound.networks import FILE, Sounding, SoundNetworks
from model.sound.recordings import Recording, draw
from model.sound.spectra import HOP, SAMPLES, noise_bands
from model.sound.tokenizer import LATENT, SoundTokenizer, SoundTokenizerConfig
from model.sound.training import SoundTraining, head_loss, quieter, tokenizer_loss
from model.worlds.sounds import SOURCES

UNSEEN = 17 * 4  # a seed that is held out


@pytest.fixture(scope="module")
def networks() -> SoundNetworks:
    return SoundNetworks.load(WEIGHTS / FILE)


@pytest.fixture(scope="module")
def unseen() -> Recording:
    of = draw(UNSEEN)
    return Recording(of.pcm[: 192 * SAMPLES], of.given[:192], of.audible[:192])


def small() -> SoundTokenizer:
    torch.manual_seed(0)
    return SoundTokenizer(SoundTokenizerConfig(SOURCES, bands=16, hidden=16, decoder=16, chance=4)).eval()


@torch.inference_mode()
def test_frame_by_frame_sounds_like_all_at_once() -> None:
    tokenizer, latents = small(), torch.randn(1, 7, LATENT)
    whole = tokenizer.decode(latents, tokenizer.silence(place=117))
    carry, pieces = tokenizer.silence(place=117), []
    for frame in range(7):
        decoded = tokenizer.decode(latents[:, frame : frame + 1], carry)
        carry = decoded.carry
        pieces.append(decoded.pcm)
    assert torch.allclose(torch.cat(pieces, 1), whole.pcm, atol=1e-5)
    assert carry.place == 124


@torch.inference_mode()
def test_a_frame_is_coded_without_what_comes_after_it() -> None:
    tokenizer, pcm = small(), torch.rand(1, HOP + 4 * SAMPLES) - 0.5
    cut = torch.cat([pcm[:, : HOP + 2 * SAMPLES], torch.zeros(1, 2 * SAMPLES)], 1)
    assert torch.allclose(tokenizer.encode(pcm)[:, :2], tokenizer.encode(cut)[:, :2], atol=1e-6)
    with pytest.raises(ValueError, match="whole frames of 1000"):
        tokenizer.encode(pcm[:, :900])


def test_a_noise_loop_has_no_seam() -> None:
    loops = torch.tensor([4, 3, 5, 4, 3, 5, 4, 3])
    for loop, frames in zip(noise_bands(loops).float(), loops, strict=True):
        wave = loop[:frames].flatten()
        steps = (wave - wave.roll(1)).abs()
        assert steps[0] < 5 * steps.mean()
        assert wave.square().mean() == pytest.approx(1, abs=0.02) and not loop[frames:].any()


@torch.inference_mode()
def test_steady_sound_never_repeats() -> None:
    tokenizer = SoundTokenizer(SoundTokenizerConfig(SOURCES, bands=64, hidden=16, decoder=16, chance=4)).eval()
    pcm = tokenizer.decode(torch.zeros(1, 480, LATENT), tokenizer.silence()).pcm[0, 24 * SAMPLES :]
    alike = torch.fft.irfft(torch.fft.rfft(pcm, n=2 * len(pcm)).abs().square())
    assert alike[SAMPLES : 240 * SAMPLES].abs().max() < 0.3 * alike[0]


def test_the_bundled_tokenizer_is_small_and_good_on_a_world_that_it_never_heard(
    networks: SoundNetworks, unseen: Recording
) -> None:
    assert sum(p.numel() for p in networks.tokenizer.parameters()) < 2_000_000
    said = measure(networks, [unseen])
    assert said["envelope_correlation"] > 0.95
    assert 0.7 < said["click_ratio"] < 1.3
    assert said["listening_f1"] > 0.8
    assert said["onset_f1"] > 0.85


def test_nothing_that_was_coded_stands_out_of_a_world_that_it_never_heard(
    networks: SoundNetworks, unseen: Recording
) -> None:
    truth = unseen.pcm.float() / 32767
    made, peaks = (pcm.abs().reshape(-1, SAMPLES).amax(1) for pcm in (coded(networks, truth).pcm[0], truth))
    around = torch.nn.functional.max_pool1d(peaks[None], 3, 1, 1)[0]
    assert (made <= 2 * around + 0.08).all()


def test_a_loss_hears_what_begins_in_few_bands_and_peaks_that_stand_out() -> None:
    rng = torch.Generator().manual_seed(0)
    soft = 0.01 * torch.randn(1, 12_000, generator=rng)
    knock, whistle = soft.clone(), soft.clone()
    knock[:, 6000:6500] += 0.3 * torch.randn(500, generator=rng)
    whistle[:, 6000:6500] += 3 * torch.sin(torch.arange(500) * 0.8)
    assert losses.onset(knock, knock) == 0 and losses.onset(soft, knock) > 0.5
    assert losses.onset(whistle, knock) > 0.2
    assert losses.overshoot(knock, knock) == 0 and losses.overshoot(whistle, knock) > 0.02


def test_what_is_alike_every_few_frames_hums_and_noise_does_not() -> None:
    noise = 0.05 * torch.randn(1, 96 * SAMPLES, generator=torch.Generator().manual_seed(0))
    assert losses.repetition(noise, noise) == 0 and figures.repetition(noise[0]) < 0.2
    for every in (1, 6, 16, 32):
        humming = noise[:, : every * SAMPLES].repeat(1, 96 // every)
        assert losses.repetition(humming, noise) > 0.5 and figures.repetition(humming[0]) > 0.9
    turning = torch.cat([noise[:, :SAMPLES], -noise[:, :SAMPLES]], 1).repeat(1, 48)
    assert losses.repetition(turning, noise) > 5
    song = noise + 0.3 * torch.sin(torch.arange(96 * SAMPLES) * 2 * math.pi * 480 / 24_000)
    assert losses.repetition(song, song) == 0


def test_quiet_pieces_are_as_quiet_as_said_and_nothing_is_heard_in_the_quietest() -> None:
    pcm, audible = torch.ones(400, 100), torch.ones(400, 2, 3, dtype=torch.bool)
    training = replace(SoundTraining(), quiet_share=0.5, quietest_db=-60.0)
    quiet, heard = quieter(pcm, audible, training, torch.Generator().manual_seed(1))
    level = quiet[:, 0]
    assert 0.4 < (level < 1).float().mean() < 0.6 and 0 < (level == 0).float().mean() < 0.06
    assert level[level > 0].min() >= 1e-3
    assert not heard[level < 0.03].any() and heard[level > 0.04].all()


def test_what_the_head_makes_up_is_as_loud_as_the_world_would_be(networks: SoundNetworks, unseen: Recording) -> None:
    own, heard = imagined(networks, unseen.given, 3)
    truth = unseen.pcm.float() / 32767
    assert (figures.mean_spectrum_db(own) - figures.mean_spectrum_db(truth)).abs().mean() < 5
    assert own.shape == (192 * SAMPLES,) and heard.shape == (192, len(SOURCES)) and own.abs().max() <= 1
    assert 0.7 < figures.click_ratio(own) < 1.3


def test_rain_is_heard_when_the_state_says_so_and_ends_with_it(networks: SoundNetworks, unseen: Recording) -> None:
    def rain(amount: float) -> float:
        sounding, row = Sounding(networks, 1), unseen.given[0].clone()
        state, controls = row[:32].reshape(4, 8), row[32:]
        state[0], state[1] = 0, torch.tensor([1.0, 0.0, 0.95, 0.1, amount, 0, 0, 0])
        heard = [sounding.step(state, controls)[1] for _ in range(30)]
        return float(torch.stack(heard)[-10:, SOURCES.index("rain")].mean())

    assert rain(1.0) > 0.9 and rain(0.0) < 0.1


def test_a_sounding_is_a_function_of_its_seed(networks: SoundNetworks) -> None:
    def some(seed: int) -> torch.Tensor:
        sounding = Sounding(networks, seed)
        return torch.cat([sounding.step(torch.zeros(4, 8), torch.zeros(12))[0] for _ in range(3)])

    assert torch.equal(some(4), some(4)) and not torch.equal(some(4), some(5))


def test_losses_are_a_function_of_seed_and_step_and_reach_every_weight() -> None:
    tokenizer, head, training = small().train(), SoundHead(SoundHeadConfig(16, 16)), SoundTraining()
    pcm = 0.1 * torch.randn(2, HOP + 50 * SAMPLES)  # two frames more, which are but a past
    batch = (pcm, torch.randn(2, 50, 44), torch.rand(2, 50, len(SOURCES)) > 0.5)
    first, parts = tokenizer_loss(tokenizer, batch, training, 3)
    assert tokenizer_loss(tokenizer, batch, training, 3)[0] == first and all(map(math.isfinite, parts.values()))
    (first + head_loss(head, tokenizer.encode(pcm).detach(), batch[1], training, 3)).backward()
    assert all(p.grad is not None for net in (tokenizer, head) for p in net.parameters())
    with pytest.raises(ValueError, match="head_from < encoder_share"):
        replace(training, head_from=0.9)
    with pytest.raises(ValueError, match="frames is 41 at least, got 6"):
        replace(training, frames=6)
    replace(training, encoder_share=0.0, head_from=1.0)  # the decoder alone


def test_what_was_saved_is_loaded_and_what_is_not_there_is_named(tmp_path: Path, networks: SoundNetworks) -> None:
    networks.save(tmp_path / FILE, {})
    again = SoundNetworks.load(tmp_path / FILE)
    assert torch.equal(again.head.given.weight, networks.head.given.weight)
    with pytest.raises(CheckpointError, match="expected a sound checkpoint"):
        SoundNetworks.load(tmp_path / "nothing")


def test_onsets_are_found_where_knocks_are_and_f1_counts_each_once() -> None:
    rng = np.random.default_rng(0)
    pcm = torch.from_numpy((rng.standard_normal(48_000) * 0.003).astype(np.float32))
    for at in (6000, 20_000, 33_000):
        pcm[at : at + 2400] += torch.randn(2400) * 0.3 * torch.exp(-torch.arange(2400) / 400)
    found = figures.onsets(pcm)
    assert [round(hop * HOP / 1000) for hop in found] == [6, 20, 33]
    assert figures.onset_f1(found, found) == 1.0
    assert figures.onset_f1([found[0], found[0] + 1], found) == pytest.approx(0.4)


def test_clicks_and_another_sound_are_seen_by_the_figures(networks: SoundNetworks, unseen: Recording) -> None:
    truth = unseen.pcm.float() / 32767
    made = coded(networks, truth).pcm[0]
    clicking = made.clone()
    clicking[::SAMPLES] += 0.1
    assert figures.click_ratio(clicking) > 2 * figures.click_ratio(made)
    assert figures.envelope_correlation(torch.roll(made, 60_000)[None], truth[None]) < 0.95
