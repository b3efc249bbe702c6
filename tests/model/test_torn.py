"""Torn views among the lone frames that a network learns from."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from model.conditioning import control
from model.conditioning.state import PLACES, TIMES, WEATHERS
from model.conditioning.text import TextEncoder
from model.omni import PATCH, VIEW, patch
from model.training import objective
from model.training.sentences import Sentences
from model.training.torn import Torn
from model.worlds.clips import HELD_OUT

COUNT = 3


@pytest.fixture(scope="module")
def sentences() -> Sentences:
    return Sentences(TextEncoder.load(), 1, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for world in (HELD_OUT, HELD_OUT + 1):
        random = torch.Generator().manual_seed(world)
        pairs = {
            "view": torch.randn(COUNT, 144, VIEW, generator=random).bfloat16(),
            "true": torch.randn(COUNT, 16, 18, 32, generator=random).bfloat16(),
            "said": torch.tensor([[0, 1, len(WEATHERS)], [len(PLACES), 0, 0], [1, len(TIMES), 2]]),
            "age_s": torch.arange(COUNT) + 5.0,
            "state": torch.randn(COUNT, 4, 8, generator=random),
        }
        save_file(pairs, tmp_path / f"{world:06d}.safetensors")
    return tmp_path


def test_worlds_to_learn_from_and_worlds_held_out_are_apart(folder: Path) -> None:
    learnt, held_out = Torn(folder), Torn(folder, held_out=True)
    assert len(learnt) == len(held_out) == COUNT and not torch.equal(learnt["true"], held_out["true"])


def test_a_folder_without_pairs_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        Torn(tmp_path)


def test_pairs_take_the_place_of_the_frames_that_are_chosen_and_of_no_others(
    folder: Path, sentences: Sentences
) -> None:
    torn, where = Torn(folder), torch.tensor([[True, False], [False, True]])
    clean, view = torch.zeros(2, 2, 144, PATCH), torch.zeros(2, 2, 144, VIEW)
    told = {
        "state": torch.zeros(2, 2, 4, 8),
        "age_s": torch.zeros(2, 2),
        "sentence": torch.full((2, 2), -1),
        "control": torch.full((2, 2, control.WIDTH), 9.0),
        "next_known": torch.ones(2, 2),
    }
    torn.put(where, (clean, view, told), sentences, np.random.default_rng(0))
    assert not clean[~where].any() and not view[~where].any() and (told["sentence"][~where] == -1).all()
    pairs = [int(age) - 5 for age in told["age_s"][where]]
    assert torch.equal(clean[where], patch(torn["true"][pairs].float()))
    assert torch.equal(view[where], torn["view"][pairs].float()) and torch.equal(
        told["state"][where], torn["state"][pairs]
    )
    said = [sentences.said(int(sentence)) for sentence in told["sentence"][where]]
    assert said == [tuple(torn["said"][pair].tolist()) for pair in pairs]
    assert not told["next_known"][where].any() and told["next_known"][~where].all()
    assert not told["control"][where].any() and (told["control"][~where] == 9).all()


def test_of_a_torn_frame_no_cell_counts_as_known() -> None:
    view, signal = torch.zeros(1, 2, 144, VIEW), torch.full((1, 2), 0.5)
    view[..., PATCH : PATCH + 4] = 1
    truth = torch.zeros(1, 2, 144, PATCH)
    given = objective.Given(signal, signal, signal, signal, signal, view, signal, signal)
    seen = objective.Seen(truth + 0.1, truth, [], truth)
    both = objective.picture_loss(seen, truth, given, torch.tensor([[True, False]]))
    blind = given._replace(view=torch.zeros_like(view))
    apart = [objective.picture_loss(seen, truth, one) for one in (blind, given)]
    assert float(both) == pytest.approx(float(sum(apart)) / 2, rel=1e-5)
