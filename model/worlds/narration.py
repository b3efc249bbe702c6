"""Says what a film shows, or what shall be: place, light and weather as captions.py does, with who is there, what is
done, what happens, how it is filmed and drawn. Knows names and a split; refuses to say what the labels do not."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache

import numpy as np

from configs.paths import vocabulary
from model.worlds.captions import BOOKS, UnknownName
from model.worlds.narration_english import ENGLISH_LINES, ENGLISH_WORDS
from model.worlds.narration_portuguese import PORTUGUESE_LINES, PORTUGUESE_WORDS

WORDS: dict[str, Mapping[str, Mapping[str, Sequence[str]]]] = {"en": ENGLISH_WORDS, "pt": PORTUGUESE_WORDS}
LINES: dict[str, Mapping[str, Sequence[str]]] = {"en": ENGLISH_LINES, "pt": PORTUGUESE_LINES}
SPLITS = ("train", "test")
HELD_SHAPES = 5  # every n-th is kept for testing, and of three or more words for one thing the last
TRIES = 400
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(r"@ (?=(\w))")


@dataclass(frozen=True)
class Labels:
    """What a frame shows, by the vocabulary's names; None is left unsaid."""

    place: str | None = None
    time: str | None = None
    weather: str | None = None
    look: str | None = None
    subject: str | None = None
    action: str | None = None
    event: str | None = None
    camera: str | None = None
    move: str | None = None

    def __post_init__(self) -> None:
        for entry in fields(self):
            name = getattr(self, entry.name)
            if name is not None and name not in vocabulary()[entry.name]:
                known = ", ".join(vocabulary()[entry.name])
                raise UnknownName(f"unknown {entry.name} {name!r}; known: {known}")
        if self.action and not self.subject:
            raise UnknownName(f"the action {self.action!r} needs a subject; got none")


@dataclass(frozen=True)
class Said:
    """A sentence, its shape (the vocabulary's words masked by their slots), and the phrases that fill it."""

    text: str
    shape: str
    words: tuple[str, ...]


def narrate(labels: Labels, rng: np.random.Generator, language: str = "en", split: str = "train") -> Said:
    """A sentence about a state that says every label given but 'none' and 'natural'. Shapes and words of the test split
    are never said in training; in a test sentence the shape or a word is held out."""
    _check(language, split)
    said = {e.name: v for e in fields(labels) if (v := getattr(labels, e.name)) not in (None, "none", "natural")}
    if labels.subject == "boat":
        said.pop("action", None)
    if not said:
        raise UnknownName("nothing to say: give at least one label that can be seen")
    return _until(lambda: _state(said, rng, language, split), language, split)


def wish(kind: str, name: str, rng: np.random.Generator, language: str = "en", split: str = "train") -> Said:
    """A wish that something begin: kind is event, action, look, camera, move, place, time or weather."""
    _check(language, split)
    if kind not in vocabulary() or name not in vocabulary()[kind] or f"ask_{kind}" not in LINES[language]:
        raise UnknownName(f"unknown {kind} {name!r}; one can wish for " + ", ".join(
            key[4:] for key in LINES[language] if key.startswith("ask_")))  # fmt: skip
    return _until(
        lambda: _fill(_pick(LINES[language][f"ask_{kind}"], rng), {kind: name}, rng, language, split), language, split
    )


def held_shape(shape: str) -> bool:
    """Whether a shape is kept for testing."""
    return zlib.crc32(shape.encode()) % HELD_SHAPES == 0


@cache
def held_words(language: str) -> frozenset[str]:
    """The phrases that are kept for testing."""
    book, found = BOOKS[language], set()
    own = [phrases for slot in WORDS[language].values() for phrases in slot.values()]
    forms = [by[form] for by in book.times.values() for form in ("at", "is")]
    forms += [by[form] for by in book.weathers.values() for form in ("in", "is")]
    places = [_phrases("place_at", place, language) for place in book.places]
    for phrases in (*own, *forms, *places):
        if len(phrases) >= 3:
            found.add(phrases[-1])
    return frozenset(found)


def _check(language: str, split: str) -> None:
    if language not in WORDS:
        raise UnknownName(f"unknown language {language!r}; known: {', '.join(WORDS)}")
    if split not in SPLITS:
        raise UnknownName(f"unknown split {split!r}; known: {', '.join(SPLITS)}")


def _until(make: Callable[[], Said], language: str, split: str) -> Said:
    for _ in range(TRIES):
        said = make()
        held = held_shape(said.shape)
        if held == (split == "test") or (split == "test" and held_words(language).intersection(said.words)):
            return said
    raise RuntimeError(f"no sentence of the {split} split in {TRIES} tries")


def _state(said: Mapping[str, str], rng: np.random.Generator, language: str, split: str) -> Said:
    """Clauses of what is said, in an order that the language's lines give."""
    lines = LINES[language]
    where = [k for k in ("place", "time", "weather") if k in said]
    who = "a" if "action" in said else "s" if "subject" in said else ""
    head = who + "".join(k[0] for k in where)
    text = _pick(lines[head], rng) if head else ""
    if "event" in said:
        text = _pick(lines["with_event"], rng).replace("%", text) if text else _pick(lines["event"], rng)
    how = [k for k in ("look", "camera", "move") if k in said]
    for kind in how:
        text = _pick(lines[f"with_{kind}"], rng).replace("%", text) if text else f"{{{kind}_as}}"
    return _fill(text, said, rng, language, split)


def _pick(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


@cache
def _phrases(slot: str, label: str, language: str) -> tuple[str, ...]:
    kind, _, form = slot.partition("_")
    own = WORDS[language].get(slot)
    if own is not None:
        return tuple(own[label])
    book = BOOKS[language]
    if kind == "place":
        nouns = book.places[label]
        forms = [n.prepositions if form == "at" else n.articles for n in nouns]
        return tuple(f"{pair[n.definite_only]} {n.text}" for n, pair in zip(nouns, forms, strict=True))
    return tuple((book.times if kind == "time" else book.weathers)[label][form])


def _fill(template: str, said: Mapping[str, str], rng: np.random.Generator, language: str, split: str) -> Said:
    while _CHOICE.search(template):
        template = _CHOICE.sub(lambda m: _pick(m[1].split("|"), rng), template)
    words: list[str] = []

    def put(match: re.Match[str]) -> str:
        phrases: Sequence[str] = _phrases(match[1], said[match[1].partition("_")[0]], language)
        if split == "train":
            phrases = [p for p in phrases if p not in held_words(language)] or phrases[:1]
        words.append(_pick(phrases, rng))
        return words[-1]

    text = _SLOT.sub(put, template)
    if language == "en":
        text = _ARTICLE.sub(lambda m: "an " if m[1].lower() in "aeiou" else "a ", text)
    return Said(_tidy(text), _tidy(template), tuple(words))


def _tidy(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip(" ,")
    text = re.sub(r" ([,.!?:;])", r"\1", text)
    return re.sub(r"([.!?] )([a-zà-ú])", lambda m: m[1] + m[2].upper(), text)
