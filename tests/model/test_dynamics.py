"""Training the dynamics: batches from real clips, and a run that resumes as if it had never stopped."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.conditioning import state
from model.conditioning.text import TextEncoder
from model.omni import Omni, OmniConfig
from model.tokenizer.frame import FrameTokenizer, FrameTokenizerConfig
from model.training.batches import Mixture, body_velocity, draw_row, labels
from model.training.dynamics import DynamicsTraining, Trainer, train_step
from model.training.latents import Latents
from model.training.optimizers import muon_and_adam
from model.training.run import Run
from model.training.sentences import Sentences
from model.worlds.clips import write
from model.worlds.renderer import Renderer

SMALL = OmniConfig(width=48, layers=2, heads=3, hidden=64, time_every=2, window=3)
MIXTURE = Mixture(frames=4, rows=2)


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    renderer = Renderer()
    for seed in (4, 8):
        write(folder, seed, renderer)
    return folder


@pytest.fixture(scope="module")
def sentences() -> Sentences:
    return Sentences(TextEncoder.load(), 1, 0)


def new_trainer(clips: Path, folder: Path, sentences: Sentences) -> tuple[Run, Trainer]:
    torch.manual_seed(0)
    tokenizer = FrameTokenizer(
        FrameTokenizerConfig(encoder_fine=16, encoder_coarse=32, decoder_coarse=32, decoder_fine=16)
    )
    latents = Latents(clips, folder / "latents", tokenizer.requires_grad_(False))
    assert latents.rescan() == 2
    omni = Omni(SMALL)
    run = Run(folder / "run", omni, muon_and_adam(omni, 1e-3, 2e-3, 0.0), minutes=60)
    return run, Trainer(omni, tokenizer, sentences, latents, MIXTURE, DynamicsTraining())


def losses(run: Run, trainer: Trainer, steps: int) -> list[float]:
    trainer.mixture = Mixture(
        frames=4, rows=2, worn=0, worn_again=0
    )  # what the model made is kept in memory, not in a checkpoint
    return [train_step(run, trainer, trainer.batch(run.step))["picture"] for _ in range(steps)]


def test_resuming_gives_the_losses_of_never_having_stopped(clips, sentences, tmp_path):
    run, trainer = new_trainer(clips, tmp_path, sentences)
    losses(run, trainer, 2)
    run.save()
    unbroken = losses(run, trainer, 2)
    again, trainer = new_trainer(clips, tmp_path, sentences)
    assert again.resume()
    assert losses(again, trainer, 2) == pytest.approx(unbroken, rel=1e-4)


def test_what_the_model_made_becomes_a_source(clips, sentences, tmp_path):
    run, trainer = new_trainer(clips, tmp_path, sentences)
    for step in range(3):
        train_step(run, trainer, trainer.batch(step))
    kept = torch.stack([clip.has_worn for clip in trainer.latents.clips])
    assert kept.any()
    assert all(clip.worn[clip.has_worn].float().abs().max() <= 3 for clip in trainer.latents.clips)


def test_a_batch_is_a_function_of_its_step(clips, sentences, tmp_path):
    _, trainer = new_trainer(clips, tmp_path, sentences)
    a, b, again, other = trainer.batch(6), trainer.batch(6), trainer.batch(7), trainer.batch(8)
    assert torch.equal(a.view, b.view)
    assert torch.equal(a.clean, b.clean)
    assert torch.equal(a.clean, again.clean)
    assert not torch.equal(a.view, again.view)
    assert not torch.equal(a.clean, other.clean)


def test_labels_agree_with_the_clip(clips, sentences, tmp_path):
    _, trainer = new_trainer(clips, tmp_path, sentences)
    random = np.random.default_rng(0)
    for _ in range(30):
        row = draw_row(trainer.latents.clips, MIXTURE, random)
        told = labels(row, sentences, MIXTURE, random)
        for t, (clip, sky, frame) in enumerate(zip(row.clips, row.sky, row.frame, strict=True)):
            place, time, weather = sentences.said(int(told["sentence"][t]))
            before = clip.prompt[sky].tolist()
            asked = before[4] > -(10**5) and frame >= before[4]
            assert place in (clip.place, len(state.PLACES))
            assert time in ((before[2] if before[2] >= 0 else 4, 4) if asked else (before[0], 4))
            assert weather in ((before[3] if before[3] >= 0 else 5, 5) if asked else (before[1], 5))
            assert torch.allclose(told["pose"][t], clip.walk[frame + 1, :5])
            assert told["state"][t, 2, clip.place] == 1


def test_velocity_in_the_bodys_frame_moves_the_eye_where_it_went(clips, sentences, tmp_path):
    _, trainer = new_trainer(clips, tmp_path, sentences)
    walk = trainer.latents.clips[0].walk
    (right, up, ahead), _ = body_velocity(walk, 5)
    c, s = walk[6, 3].cos(), walk[6, 3].sin()
    moved = torch.stack([right * c + ahead * s, up, ahead * c - right * s])
    assert torch.allclose(walk[5, :3] + moved / 24, walk[6, :3], atol=1e-4)
