"""The bundled prompts are 200, locked, and said in nobody's grammar; files with mistakes are refused by name."""

import itertools
import json
import re
from collections import Counter

import numpy as np
import pytest

from model.evaluation import prompts
from model.evaluation.prompts import PromptsError
from model.worlds.captions import BOOKS, change, describe


def masked(text: str, fillers: re.Pattern[str]) -> str:
    """A sentence's shape: whatever names a place, time or weather is a blank."""
    return re.sub(r"[\W_]+", " ", fillers.sub(" # ", text.lower().strip(" .!?"))).strip()


def fillers_of(language: str) -> re.Pattern[str]:
    book = BOOKS[language]
    phrases = {noun.text for nouns in book.places.values() for noun in nouns}
    for table in (book.times, book.weathers):
        phrases |= {phrase for lists in table.values() for words in lists.values() for phrase in words}
    return re.compile("|".join(rf"\b{re.escape(p.lower())}\b" for p in sorted(phrases, key=len, reverse=True)))


def test_there_are_200_in_two_languages_and_they_are_the_locked_ones():
    said = prompts.bundled()
    count = Counter(prompt.language for prompt in said)
    assert len(said) == len({prompt.text for prompt in said}) == 200 and min(count["en"], count["pt"]) >= 80
    expected = Counter(f"{kind} {name}" for prompt in said for kind, name in prompt.expect.items())
    assert len(expected) == 13 and min(expected.values()) >= 5


@pytest.mark.parametrize("language", BOOKS)
def test_no_prompt_has_the_shape_of_a_sentence_of_the_grammar(language):
    rng, fillers = np.random.default_rng(0), fillers_of(language)
    times, weathers = (None, "dawn", "day", "dusk", "night"), (None, "clear", "overcast", "fog", "rain", "snow")
    shapes = set()
    for place, time, weather in itertools.product((None, "meadow", "desert", "mountains", "coast"), times, weathers):
        for _ in range(12):
            if place or time or weather:
                shapes.add(masked(describe(place, time, weather, rng, language), fillers))
            if time or weather:
                shapes.add(masked(change(time, weather, rng, language), fillers))
    assert len(shapes) > 150
    for prompt in prompts.bundled():
        if prompt.language == language:
            assert masked(prompt.text, fillers) not in shapes, prompt.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "line 1: not JSON"),
        ("[]", "expected a list of prompts"),
        (
            '[{"prompt": "x", "expect": {"weather": "hail"}}]',
            'unknown weather "hail"; known: clear, overcast, fog, rain',
        ),
        ('[{"prompt": "x", "expect": {"mood": "sad"}}]', "unknown name 'mood'; known: time, weather, place"),
        ('[{"prompt": "x", "expects": {}}]', "unknown key 'expects'; the keys are prompt, language, start, expect"),
        ('[{"prompt": "x"}]', "entry 1: expect names at least one"),
        ('[{"prompt": " ", "expect": {"time": "day"}}]', "prompt is a text of 1 to 400 characters"),
        ('[{"prompt": "x", "start": {"time": "day"}, "expect": {"place": "coast"}}]', "stays in its place"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "prompts.json"
    path.write_text(content)
    with pytest.raises(PromptsError, match=re.escape(message)) as refused:
        prompts.read(path)
    assert "\n" not in str(refused.value) and str(path) in str(refused.value)


def test_a_changed_file_is_not_the_locked_one(tmp_path, monkeypatch):
    changed = tmp_path / "prompts.json"
    changed.write_text(json.dumps([{"prompt": "x", "expect": {"time": "day"}}]))
    monkeypatch.setattr(prompts, "BUNDLED", changed)
    with pytest.raises(PromptsError, match="prompts never change"):
        prompts.bundled()
