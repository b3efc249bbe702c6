"""The frozen sentence encoder: against its published similarities, and its refusals."""

import shutil

import pytest
import torch
from torch.testing import assert_close

from model.checkpoint import CheckpointError
from model.conditioning import text as text_module
from model.conditioning.text import MAX_CHARS, TextEncoder, TextTooLong, package_folder


@pytest.fixture(scope="module")
def encoder():
    return TextEncoder.load()


def similarity(encoder, first, second):
    return float(encoder.sentence([first]) @ encoder.sentence([second]).T)


def test_similarities_equal_those_published_for_the_model(encoder):
    # Hugging Face's Inference API documentation, sentence similarity by all-MiniLM-L6-v2
    reference = {"That is a happy dog": 0.6946, "That is a very happy person": 0.9429, "Today is a sunny day": 0.2569}
    for sentence, expected in reference.items():
        assert similarity(encoder, "That is a happy person", sentence) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize(
    ("anchor", "near", "far"),
    [
        ("let it snow", "snow is falling", "a desert at noon"),
        ("night falls", "it is getting dark", "a sunny day on the beach"),
        ("make it rain", "it is raining", "the sun is shining"),
        ("a beach by the sea", "the coast", "sand dunes of a desert"),
    ],
)
def test_what_means_the_same_is_nearer(encoder, anchor, near, far):
    assert similarity(encoder, anchor, near) > similarity(encoder, anchor, far)


def test_features_are_the_sentence_then_its_word_pieces(encoder):
    features, mask = encoder.features(["let it snow", "a quiet meadow at dusk, with fog over the grass"])
    assert features.shape == (2, 32, 384) and mask.shape == (2, 32) and mask.dtype == torch.bool
    assert mask[0].sum() == 5  # the sentence in the place of [CLS], three word pieces, [SEP]
    assert_close(
        features[:, 0] / 384**0.5, encoder.sentence(["let it snow", "a quiet meadow at dusk, with fog over the grass"])
    )
    assert not features[~mask].any()
    assert 0.7 < float(features[mask].std()) < 1.4


def test_a_text_has_the_same_features_alone_and_in_a_batch(encoder):
    texts = ["snow", "a long walk on a stormy coast in the middle of the night", "", "céu limpo 雪 ❄"]
    features, mask = encoder.features(texts)
    for i, text in enumerate(texts):
        alone, alone_mask = encoder.features([text])
        assert torch.equal(alone_mask[0], mask[i])
        assert_close(alone[0], features[i], atol=1e-5, rtol=1e-4)


def test_any_text_within_the_limit_is_read(encoder):
    for text in ["", "\0\x07", "雪" * MAX_CHARS, "❄️🏔️", "\ud800 half a pair", "ﷺ" * 50, "a" * MAX_CHARS]:
        features, mask = encoder.features([text])
        assert features.isfinite().all() and mask[0, 0]


def test_a_text_that_is_too_long_is_refused_with_both_numbers(encoder):
    with pytest.raises(TextTooLong, match="401 characters; at most 400"):
        encoder.features(["fine", "x" * (MAX_CHARS + 1)])


def test_a_damaged_copy_of_the_weights_is_refused(tmp_path):
    weights = tmp_path / "model.safetensors"
    shutil.copy(package_folder() / "model.safetensors", weights)
    with weights.open("r+b") as file:
        file.seek(50_000_000)
        file.write(b"\x01")
    with pytest.raises(CheckpointError, match=r"expected sha256 53aa\w+, found"):
        TextEncoder.load(tmp_path)


def test_a_missing_package_says_what_to_run(monkeypatch):
    monkeypatch.setattr(text_module, "PACKAGE", "no-such-package-of-sentences")
    with pytest.raises(CheckpointError, match="not installed: run scripts/setup"):
        TextEncoder.load()
