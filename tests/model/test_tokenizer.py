"""The frame tokenizer and its training run, on a network small enough for a second.
Knows no clips and no weights."""

from __future__ import annotations

import itertools
import os
import signal
from pathlib import Path

import pytest
import torch

from model.checkpoint import CheckpointError
from model.tokenizer.frame import FrameTokenizer, FrameTokenizerConfig
from model.tokenizer.int8 import Int8Tokenizer, activation_ranges
from model.training import losses
from model.training.pictures import mirror
from model.training.run import Run, RunBusy, step_seed, warmup_stable_decay
from model.training.tokenizer import TokenizerTraining, draw, evaluate, make_optimizer, train_step

SMALL = FrameTokenizerConfig(
    encoder_fine=16, encoder_coarse=32, encoder_blocks=(1, 1), decoder_coarse=32, decoder_fine=16, decoder_blocks=(1, 1)
)
TRAINING = TokenizerTraining(rate=1e-2, idempotence_every=2)


def small_tokenizer() -> FrameTokenizer:
    torch.manual_seed(3)
    return FrameTokenizer(SMALL)


def picture_batch(step: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(step_seed(7, step))
    coarse = torch.rand(2, 7, 4, 4, generator=generator) * 2 - 1
    return torch.nn.functional.interpolate(coarse, size=(32, 32), mode="bilinear")


def small_run(folder: Path) -> tuple[Run, FrameTokenizer]:
    tokenizer = small_tokenizer()
    ticks = itertools.count()
    return Run(folder, tokenizer, make_optimizer(tokenizer, TRAINING), 2, clock=lambda: float(next(ticks))), tokenizer


def some_steps(run: Run, tokenizer: FrameTokenizer, count: int) -> list[float]:
    return [train_step(run, tokenizer, picture_batch(run.step), TRAINING)["loss"] for _ in range(count)]


def test_a_frame_becomes_bounded_latents_and_a_frame_again():
    tokenizer = small_tokenizer()
    latents = tokenizer.encode(torch.randn(2, 7, 144, 256) * 50)
    assert latents.shape == (2, 16, 18, 32)
    assert latents.abs().max() <= 3
    assert tokenizer.decode(latents).shape == (2, 7, 144, 256)


def test_planes_of_another_shape_are_refused_by_name():
    tokenizer = small_tokenizer()
    with pytest.raises(ValueError, match=r"got \(1, 3, 144, 256\)"):
        tokenizer.encode(torch.zeros(1, 3, 144, 256))
    with pytest.raises(ValueError, match=r"got \(1, 8, 18, 32\)"):
        tokenizer.decode(torch.zeros(1, 8, 18, 32))


def test_widths_that_leave_the_shortcut_no_whole_ratio_are_refused():
    with pytest.raises(ValueError, match="64 / 48"):
        FrameTokenizerConfig(encoder_fine=16, encoder_coarse=48)


def test_a_saved_tokenizer_loads_as_the_same_function(tmp_path: Path):
    tokenizer = small_tokenizer()
    tokenizer.save(tmp_path / "frame.safetensors", step=12)
    loaded = FrameTokenizer.load(tmp_path / "frame.safetensors")
    assert loaded.config == SMALL
    planes = picture_batch(0)
    torch.testing.assert_close(loaded.encode(planes), tokenizer.encode(planes))


def test_a_resumed_run_has_the_losses_of_one_that_never_stopped(tmp_path: Path):
    run, tokenizer = small_run(tmp_path / "unbroken")
    unbroken = some_steps(run, tokenizer, 6)
    run, tokenizer = small_run(tmp_path / "broken")
    before = some_steps(run, tokenizer, 3)
    run.save()
    run, tokenizer = small_run(tmp_path / "broken")
    assert run.resume() and run.step == 3
    assert before + some_steps(run, tokenizer, 3) == pytest.approx(unbroken, rel=1e-4)


def test_training_makes_pictures_closer_to_the_truth(tmp_path: Path):
    run, tokenizer = small_run(tmp_path)
    truth = picture_batch(0)
    falling = torch.tensor([False, True])
    before = evaluate(tokenizer, truth, falling)
    some_steps(run, tokenizer, 30)
    assert evaluate(tokenizer, truth, falling)["luma_db"] > before["luma_db"] + 0.3


def test_a_decoder_learns_alone_and_leaves_the_latents_as_they_are(tmp_path: Path):
    tokenizer = small_tokenizer()
    tokenizer.encoder.requires_grad_(False)
    planes = picture_batch(0)
    latents, decoded = tokenizer.encode(planes), tokenizer.decode(tokenizer.encode(planes)).detach()
    run = Run(tmp_path, tokenizer, make_optimizer(tokenizer, TRAINING), 2)
    some_steps(run, tokenizer, 2)
    torch.testing.assert_close(tokenizer.encode(planes), latents)
    assert not torch.equal(tokenizer.decode(latents), decoded)


def test_a_stop_signal_ends_the_loop_and_leaves_the_state(tmp_path: Path):
    run, tokenizer = small_run(tmp_path)
    with run.interruptible():
        some_steps(run, tokenizer, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        assert run.over
    assert small_run(tmp_path)[0].resume()


def test_a_run_is_entered_by_one_process_at_a_time(tmp_path: Path):
    run, _ = small_run(tmp_path)
    with run.interruptible(), pytest.raises(RunBusy, match="another process"), small_run(tmp_path)[0].interruptible():
        pass


def test_integers_encode_and_decode_nearly_as_floats_do():
    tokenizer = small_tokenizer()
    planes = torch.nn.functional.interpolate(picture_batch(4), size=(144, 256), mode="bilinear")
    quick = Int8Tokenizer(tokenizer, activation_ranges(tokenizer, planes))
    latents = tokenizer.encode(planes)
    assert (quick.encode(planes) - latents).abs().max() < 0.1 * latents.std()
    decoded = tokenizer.decode(latents)
    assert (quick.decode(latents) - decoded).square().mean() < 0.001 * decoded.var()


def test_a_checkpoint_without_ranges_does_not_load_as_integers(tmp_path: Path):
    small_tokenizer().save(tmp_path / "frame.safetensors")
    with pytest.raises(CheckpointError, match="ranges"):
        Int8Tokenizer.load(tmp_path / "frame.safetensors")


def test_a_pause_does_not_spend_the_budget(tmp_path: Path):
    tokenizer = small_tokenizer()
    times = iter([0.0, 1.0, 5000.0])
    run = Run(tmp_path, tokenizer, make_optimizer(tokenizer, TRAINING), 5, clock=lambda: next(times, 5000.0))
    run.advance()
    run.advance()
    assert run.spent_s < 60


def test_the_rate_warms_up_stays_and_decays():
    assert warmup_stable_decay(0, 0.0) < 0.02
    assert warmup_stable_decay(500, 0.5) == 1
    assert warmup_stable_decay(500, 0.85) == pytest.approx(0.5)
    assert warmup_stable_decay(500, 1.0) == 0.02


def test_the_loss_is_least_at_the_truth_and_hears_depth_edges():
    truth = picture_batch(1)
    nothing, _ = losses.picture(truth.clone(), truth)
    worse, _ = losses.picture(truth + 0.1, truth)
    assert nothing.item() == pytest.approx(0, abs=1e-6) and worse > nothing
    step = torch.zeros(1, 1, 8, 8)
    step[..., 4:] = 0.5
    weights = losses.depth_edges(step)
    assert weights[0, 0, 0, 3] == 4 and weights[0, 0, 0, 0] == 1


def test_mirroring_twice_is_nothing_and_once_mirrors_luma_pixels():
    picture = picture_batch(2)[0]
    torch.testing.assert_close(mirror(mirror(picture)), picture)
    assert mirror(picture)[0, 0, 0] == picture[1, 0, -1]


def test_samples_show_truth_above_reconstruction(tmp_path: Path):
    batch = picture_batch(3)
    draw(batch, batch, tmp_path / "s.png")
    assert (tmp_path / "s.png").stat().st_size > 0
