"""Training the dynamics: batches from real clips, and a run that resumes as if it had never stopped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from configs.paths import WEIGHTS, load_toml
from model import checkpoint
from model.conditioning import state
from model.conditioning.text import TextEncoder
from model.omni import Omni, OmniConfig
from model.tokenizer.frame import FrameTokenizer, FrameTokenizerConfig
from model.training.batches import Mixture, draw_rows, hidden_margins, labels
from model.training.dynamics import KIND, LANES, DynamicsTraining, Trainer, train_step, unhidden
from model.training.latents import Clips
from model.training.optimizers import muon_and_adam
from model.training.run import Run
from model.training.sentences import Sentences
from model.training.torn import Torn
from model.worlds.clips import draw, path_of, write
from model.worlds.renderer import Renderer

SMALL = OmniConfig(width=48, layers=2, heads=3, hidden=64, time_every=2, window=3)
MIXTURE = Mixture(frames=4, rows=2)
MIXTURE_BANDS = Mixture(frames=4, rows=4, blind_rows=0.3, band=0.5, single_band=0.5)


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    renderer = Renderer()
    for seed in (5, 8):  # frames in order, and frames that lie apart
        write(path_of(folder, seed), draw(seed, renderer))
    return folder


@pytest.fixture(scope="module")
def sentences() -> Sentences:
    return Sentences(TextEncoder.load(), 1, 0)


def some_clips(clips: Path, folder: Path, tokenizer: FrameTokenizer | None = None) -> Clips:
    torch.manual_seed(0)
    small = FrameTokenizerConfig(encoder_fine=16, encoder_coarse=32, decoder_coarse=32, decoder_fine=16)
    found = Clips(clips, folder / "latents", (tokenizer or FrameTokenizer(small)).requires_grad_(False))
    assert found.rescan() == 2 and found.count == 2 and found.rescan() == 0
    return found


def new_trainer(clips: Path, folder: Path, sentences: Sentences) -> tuple[Run, Trainer]:
    found = some_clips(clips, folder)
    omni = Omni(SMALL)
    run = Run(folder / "run", omni, muon_and_adam(omni, 1e-3, 2e-3, 0.0), minutes=60)
    return run, Trainer(omni, found.eyes, sentences, found, MIXTURE, DynamicsTraining())


def losses(run: Run, trainer: Trainer, steps: int) -> list[float]:
    trainer.mixture = Mixture(
        frames=4, rows=2, worn=0, worn_again=0
    )  # what the model made is kept in memory, not in a checkpoint
    trainer.training = replace(trainer.training, own_past=0)
    return [float(train_step(run, trainer, trainer.batch(run.step))["picture"]) for _ in range(steps)]


def test_resuming_gives_the_losses_of_never_having_stopped(clips, sentences, tmp_path):
    run, trainer = new_trainer(clips, tmp_path, sentences)
    losses(run, trainer, 2)
    run.save()
    unbroken = losses(run, trainer, 2)
    again, trainer = new_trainer(clips, tmp_path, sentences)
    assert again.resume()
    assert losses(again, trainer, 2) == pytest.approx(unbroken, rel=1e-4)


def test_what_the_model_made_becomes_a_source_and_a_past(clips, sentences, tmp_path):
    run, trainer = new_trainer(clips, tmp_path, sentences)
    before = trainer.batch(0)
    assert torch.equal(before.own, before.clean)
    for step in range(3):
        train_step(run, trainer, trainer.batch(step))
    has, worn = trainer.clips["has_worn"], trainer.clips["worn"]
    assert has.any() and worn[has].float().abs().max() <= 3
    generator = trainer.generator(1)
    rows = trainer.batch(0).rows
    rows.clip, rows.source_sky, rows.source_frame = (index.expand_as(rows.clip) for index in has.nonzero()[0])
    latents, which = trainer.sources(rows, 1.0, generator)
    made = worn[has][0].float()
    assert len(latents) == 1 and not which.any() and (latents[0] - made).abs().mean() < 0.15
    assert any(not torch.equal(b.own, b.clean) for b in (trainer.batch(i) for i in range(3)))


def test_a_batch_is_a_function_of_its_step(clips, sentences, tmp_path):
    _, trainer = new_trainer(clips, tmp_path, sentences)
    first = LANES * trainer.mixture.visits
    a, b, again, other = (trainer.batch(first + i) for i in (0, 0, LANES, 1))
    assert torch.equal(a.view, b.view)
    assert torch.equal(a.clean, b.clean)
    assert torch.equal(a.clean, again.clean)
    assert not torch.equal(a.view, again.view)
    assert not torch.equal(a.clean, other.clean)


def test_labels_agree_with_the_clip(clips, sentences, tmp_path):
    found = some_clips(clips, tmp_path)
    random = np.random.default_rng(0)
    for _ in range(30):
        rows = draw_rows(found, MIXTURE, random)
        told = labels(rows, found, sentences, MIXTURE, random)
        for b, t in np.ndindex(*rows.clip.shape):
            clip, sky, frame = (int(part[b, t]) for part in (rows.clip, rows.sky, rows.frame))
            place, time, weather = sentences.said(int(told["sentence"][b, t]))
            before = found["prompt"][clip, sky].tolist()
            asked = before[4] > -(10**5) and frame >= before[4]
            assert place in (found["place"][clip], len(state.PLACES))
            assert time in ((before[2] if before[2] >= 0 else 4, 4) if asked else (before[0], 4))
            assert weather in ((before[3] if before[3] >= 0 else 5, 5) if asked else (before[1], 5))
            assert torch.allclose(told["pose"][b, t], found["walk"][clip, frame + 1, :5])
            assert told["state"][b, t, 2, found["place"][clip]] == 1
            age = told["age_s"][b, t] * 24
            assert age == pytest.approx(frame - before[4], abs=0.01) if asked else age >= 480


def test_frames_that_lie_apart_are_trained_on_alone_and_from_another_frame_of_their_clip(clips, sentences, tmp_path):
    found, random = some_clips(clips, tmp_path), np.random.default_rng(5)
    assert found["stride"].tolist()[:2] == [1, 4]
    assert (found.of_stride(True).tolist(), found.of_stride(False).tolist()) == ([0], [1])
    for _ in range(30):
        rows = draw_rows(found, MIXTURE, random)
        assert (rows.clip[~rows.isolated] == 0).all()
        assert ((rows.source_frame >= 0) & (rows.source_frame < 16)).all()
        assert (rows.source_frame != rows.frame)[rows.isolated].all()
        told = labels(rows, found, sentences, MIXTURE, random)
        assert not told["next_known"][rows.clip == 1].any()
        assert told["velocity"].norm(dim=-1).max() < 12


def test_velocity_in_the_bodys_frame_moves_the_eye_where_it_went(clips, sentences, tmp_path):
    found = some_clips(clips, tmp_path)
    walk = found["walk"][0]
    right, up, ahead = found["velocity"][0, 5]
    c, s = walk[6, 3].cos(), walk[6, 3].sin()
    moved = torch.stack([right * c + ahead * s, up, ahead * c - right * s])
    assert torch.allclose(walk[5, :3] + moved / 24, walk[6, :3], atol=1e-4)
    assert torch.allclose(found["turned_velocity"][0, 5].norm(), found["velocity"][0, 5].norm(), atol=1e-4)


def test_blind_frames_see_nothing_and_others_lose_a_band_at_most(clips, tmp_path):
    found, random = some_clips(clips, tmp_path), np.random.default_rng(3)
    shares, blind = [], []
    for _ in range(40):
        rows = draw_rows(found, MIXTURE_BANDS, random)
        shown = unhidden(hidden_margins(rows, MIXTURE_BANDS, random).flatten(0, 1)).mean((1, 2, 3))
        shares.append(shown)
        blind.append(rows.blind.flatten())
    shown, unseen = torch.cat(shares), torch.cat(blind)
    assert (shown[unseen] == 0).all() and unseen.any()
    assert (shown[~unseen] >= 0.49).all()
    assert 0.35 < (shown[~unseen] < 1).float().mean() < 0.65


@pytest.mark.parametrize("config", ["train-nano.toml", "train-nano-gpu.toml"])
def test_every_config_describes_the_model_that_is_served(config):
    section = load_toml(config)["dynamics"]
    served, _ = checkpoint.load(WEIGHTS / "nano.safetensors", KIND)
    assert OmniConfig(**section["model"]) == checkpoint.as_config(OmniConfig, served)
    assert Mixture(**section["mixture"]).rows >= 2 and DynamicsTraining(**section["training"]).rate > 0


def test_lone_frames_of_a_batch_are_torn_views_where_there_are_pairs(clips, sentences, tmp_path):
    run, trainer = new_trainer(clips, tmp_path, sentences)
    trainer.mixture = Mixture(frames=4, rows=4, single_rows=0.5, torn=0.5)
    pairs = {"view": torch.ones(1, 144, 103), "true": torch.ones(1, 16, 18, 32), "said": torch.zeros(1, 3).long()}
    save_file(pairs | {"age_s": torch.ones(1), "state": torch.zeros(1, 4, 8)}, tmp_path / "000001.safetensors")
    trainer.torn = Torn(tmp_path)
    batch = trainer.batch(0)
    assert batch.torn is not None and batch.torn.any() and not batch.torn[~batch.rows.isolated].any()
    assert (batch.clean[batch.torn] == 1).all() and (batch.own[batch.torn] == 1).all()
    assert (batch.view[batch.torn] == 1).all() and not (batch.clean[~batch.torn] == 1).all(-1).any()
    figures = train_step(run, trainer, batch)
    assert figures["picture"].isfinite() and not batch.rows.blind[~batch.torn].all()
