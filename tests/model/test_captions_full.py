"""Narration: wide, in two languages, apart for testing, and silent about what is not labelled."""

import re

import numpy as np
import pytest

from configs.paths import vocabulary
from model.worlds.captions import UnknownName
from model.worlds.narration import LINES, Labels, held_shape, held_words, narrate, wish

KINDS = ("event", "action", "look", "camera", "move")


def some_labels(rng):
    picked = {k: str(rng.choice(vocabulary()[k])) if rng.uniform() < 0.6 else None for k in (
        "place", "time", "weather", "look", "subject", "event", "camera", "move")}  # fmt: skip
    if not any(v not in (None, "none", "natural") for v in picked.values()):
        picked["place"] = "moon"
    moved = picked["subject"] in ("explorer", "fox") and rng.uniform() < 0.6
    return Labels(**picked, action=str(rng.choice(vocabulary()["action"])) if moved else None)


def test_twenty_thousand_sentences_of_four_hundred_shapes():
    rng, texts, shapes = np.random.default_rng(0), set(), set()
    for _ in range(11_000):
        for language in LINES:
            said = narrate(some_labels(rng), rng, language)
            texts.add(said.text)
            shapes.add((language, said.shape))
    assert len(texts) >= 20_000
    assert len(shapes) >= 400


def test_sentences_are_whole():
    rng = np.random.default_rng(1)
    for _ in range(1500):
        for language in LINES:
            text = narrate(some_labels(rng), rng, language, "test").text
            assert not re.search(r"[\[\]{}|@+~!_%]|  | ,|^\W", text), text


def test_words_and_shapes_of_the_tests_are_never_said_in_training():
    rng = np.random.default_rng(2)
    train = [narrate(some_labels(rng), rng, language) for _ in range(1200) for language in LINES]
    test = [narrate(some_labels(rng), rng, language, "test") for _ in range(400) for language in LINES]
    assert not any(held_shape(said.shape) for said in train)
    held = {word for language in LINES for word in held_words(language)}
    assert not held & {word for said in train for word in said.words}
    known_shapes, known_words = {s.shape for s in train}, {w for s in train for w in s.words}
    for said in test:
        assert said.shape not in known_shapes or held & set(said.words)
    assert len({w for s in test for w in s.words} - known_words) > 30


def test_what_is_not_labelled_is_not_said():
    rng = np.random.default_rng(3)
    words = {"fox": r"\bfox\b", "campfire": r"fire\b", "neon": "neon", "drone": "drone", "zoom": "zoom"}
    for _ in range(1500):
        labels = some_labels(rng)
        said = narrate(labels, rng, "en").text.lower()
        given = {labels.subject, labels.event, labels.look, labels.camera, labels.move, labels.time, labels.weather}
        for name, pattern in words.items():
            if name not in given and not (name == "zoom" and labels.move == "dolly_zoom"):
                assert not re.search(pattern, said.replace("overhead", "")), said


@pytest.mark.parametrize("kind", KINDS)
def test_everything_can_be_wished_for_in_both_languages(kind):
    rng = np.random.default_rng(4)
    for name in vocabulary()[kind]:
        if name != "none":
            for language in LINES:
                for split in ("train", "test"):
                    said = wish(kind, name, rng, language, split).text
                    assert said and not re.search(r"[\[\]{}|@%_]", said)


def test_the_same_generator_says_the_same():
    labels = Labels("town", "night", "clear", subject="fox", action="run", event="fireworks")
    once, again = (narrate(labels, np.random.default_rng(5), "pt") for _ in range(2))
    assert once == again


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Labels(event="earthquake"), "earthquake"),
        (lambda: Labels(action="run"), "needs a subject"),
        (lambda: narrate(Labels(place="town"), np.random.default_rng(0), "fr"), "'fr'"),
        (lambda: narrate(Labels(place="town"), np.random.default_rng(0), "en", "all"), "'all'"),
        (lambda: narrate(Labels(event="none"), np.random.default_rng(0)), "nothing to say"),
        (lambda: wish("event", "earthquake", np.random.default_rng(0)), "earthquake"),
    ],
)
def test_bad_names_are_refused(make, named):
    with pytest.raises(UnknownName, match=named):
        make()
