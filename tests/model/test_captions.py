"""Captions: seeded, rich, and silent about what the labels do not say."""

import itertools
import re

import numpy as np
import pytest

from configs.paths import vocabulary
from model.worlds.captions import BOOKS, UnknownName, change, describe

PLACES, TIMES, WEATHERS = (vocabulary()[kind] for kind in ("place", "time", "weather"))
SPOKEN_ONLY_WITH = {  # a word, and the labels of which one at least must be there
    r"snow|winter|wintry": {"snow"},
    r"rain|wet|shower": {"rain"},
    r"fog|mist": {"fog", "dawn fog"},
    r"storm|thunder|tempest": {"storm"},
    r"night|midnight": {"night"},
    r"dusk|sunset|evening|twilight|twilit": {"dusk"},
    r"dawn|sunrise|daybreak|morning": {"dawn"},
    r"noon|midday|daylight|daytime": {"day"},
    r"star|stars|starry|starlit": {"night"},
    r"desert|dunes?": {"desert"},
    r"sea|ocean|beach|shore": {"coast"},
    r"meadows?|grassy|field": {"meadow"},
}


def all_states():
    for labels in itertools.product([None, *PLACES], [None, *TIMES], [None, *WEATHERS]):
        if any(labels):
            yield labels


@pytest.mark.parametrize("language", BOOKS)
def test_same_generator_same_sentences(language):
    said = [[describe("meadow", "dusk", "snow", rng, language) for _ in range(20)]
            for rng in (np.random.default_rng(7), np.random.default_rng(7))]  # fmt: skip
    assert said[0] == said[1]
    assert len(set(said[0])) > 10


@pytest.mark.parametrize("language", BOOKS)
def test_every_state_of_the_vocabulary_can_be_said(language):
    rng = np.random.default_rng(0)
    for place, time, weather in all_states():
        for _ in range(8):
            text = describe(place, time, weather, rng, language)
            assert text and not re.search(r"[\[\]{}|@+~!_]|  | ,|^\W", text), text
            assert len(text) < 200


def test_every_change_can_be_said_in_every_language():
    rng = np.random.default_rng(0)
    for language, time, weather in itertools.product(BOOKS, [None, *TIMES], [None, *WEATHERS]):
        if time or weather:
            for _ in range(20):
                text = change(time, weather, rng, language)
                assert text and not re.search(r"[\[\]{}|@+_]|  | ,|^\W", text), text


def test_a_caption_says_nothing_that_its_labels_do_not():
    rng = np.random.default_rng(1)
    for labels in all_states():
        for _ in range(6):
            text = describe(*labels, rng).lower().replace("sea of sand", "dunes")
            for words, allowed in SPOKEN_ONLY_WITH.items():
                if not allowed & set(labels):
                    assert not re.search(rf"\b({words})\b", text), (labels, text)


def test_the_sun_is_not_promised_where_only_clear_weather_is_known():
    rng = np.random.default_rng(2)
    said = {describe("desert", None, "clear", rng) for _ in range(500)}
    assert not [text for text in said if re.search(r"\b(sun|sunny|blue|stars?)\b", text.lower())]


def test_hundreds_of_distinct_sentences_for_one_state():
    rng = np.random.default_rng(3)
    assert len({describe("coast", "night", "rain", rng) for _ in range(2000)}) > 1000
    assert len({describe("coast", None, "rain", rng).lower().rstrip(".") for _ in range(2000)}) > 400
    assert len({change("night", None, rng).lower().rstrip(".") for _ in range(2000)}) > 250
    assert len({change(None, "snow", rng).lower().rstrip(".") for _ in range(2000)}) > 250


def test_the_sentences_that_the_page_promises_are_said():
    rng = np.random.default_rng(4)
    snow = {change(None, "snow", rng).lower().rstrip(".") for _ in range(3000)}
    night = {change("night", None, rng).lower().rstrip(".") for _ in range(3000)}
    assert "let it snow" in snow
    assert "night falls" in night


def test_english_articles_agree():
    rng = np.random.default_rng(5)
    said = " ".join(describe(p, "dawn", "overcast", rng) for p in PLACES * 50).lower()
    assert not re.search(r"\ba [aeio]\w|\ban [^aeiou\s]", said)


@pytest.mark.parametrize(
    ("labels", "named"),
    [(("volcano", None, None), "volcano"), ((None, "noon", None), "noon"), ((None, None, "hail"), "hail")],
)
def test_unknown_names_are_refused_by_name(labels, named):
    with pytest.raises(UnknownName, match=named):
        describe(*labels, np.random.default_rng(0))


def test_unknown_language_and_nothing_to_say_are_refused():
    with pytest.raises(UnknownName, match="'fr'; known: en, pt"):
        describe("meadow", None, None, np.random.default_rng(0), "fr")
    with pytest.raises(UnknownName, match="at least one"):
        change(None, None, np.random.default_rng(0))
