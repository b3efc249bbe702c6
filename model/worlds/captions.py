"""Says a world, or a change in it, in many ways: a seeded grammar over one phrase book a language.
Knows the names of vocabulary.json; refuses to say anything that the labels do not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from configs.paths import vocabulary
from model.worlds.phrases import Noun, PhraseBook
from model.worlds.phrases_english import ENGLISH
from model.worlds.phrases_portuguese import PORTUGUESE

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
BOOKS: dict[str, PhraseBook] = {"en": ENGLISH, "pt": PORTUGUESE}
_ALTERNATIVES = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(r"@ (?=(\w))")


class UnknownName(ValueError):
    """A place, time, weather or language that the vocabulary does not have."""


def describe(
    place: str | None, time: str | None, weather: str | None, rng: np.random.Generator, language: str = "en"
) -> str:
    """A state of the world: 'a snowy meadow at dusk'. None leaves an attribute unsaid; one at least is given."""
    speaker = _Speaker.of(language, rng, place, time, weather)
    key = ("p" if place else "") + ("t" if time else "") + ("w" if weather else "")
    return speaker.sentence(speaker.book.states[key])


def change(time: str | None, weather: str | None, rng: np.random.Generator, language: str = "en") -> str:
    """A wish or an event that leads to this state: 'let it snow', 'night falls', 'the fog lifts'."""
    speaker = _Speaker.of(language, rng, None, time, weather)
    return speaker.sentence(speaker.book.changes[("t" if time else "") + ("w" if weather else "")])


@dataclass(frozen=True)
class _Speaker:
    """One sentence in the making: the labels, the phrase book and the random generator."""

    book: PhraseBook
    rng: np.random.Generator
    place: str
    time: str
    weather: str

    @staticmethod
    def of(
        language: str, rng: np.random.Generator, place: str | None, time: str | None, weather: str | None
    ) -> _Speaker:
        if language not in BOOKS:
            raise UnknownName(f"unknown language {language!r}; known: {', '.join(BOOKS)}")
        named = {"place": place, "time": time, "weather": weather}
        for kind, name in named.items():
            if name is not None and name not in vocabulary()[kind]:
                raise UnknownName(f"unknown {kind} {name!r}; known: {', '.join(vocabulary()[kind])}")
        if not any(named.values()):
            raise UnknownName("nothing to say: give at least one of place, time, weather")
        return _Speaker(BOOKS[language], rng, place or "", time or "", weather or "")

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self.rng.integers(len(options)))]

    def sentence(self, templates: Sequence[str]) -> str:
        text = self.expand(self.pick(templates))
        if self.book.articles:
            text = _ARTICLE.sub(lambda m: "an " if m[1].lower() in "aeiou" else "a ", text)
        text = re.sub(r"\s+", " ", text).strip()
        text = re.sub(r" ([,.!?])", r"\1", text)
        style = self.rng.random(2)
        if style[0] < 0.4:
            text = text[0].upper() + text[1:]
        return text + "." if style[1] < 0.25 and text[-1] not in ".!?" else text

    def expand(self, text: str) -> str:
        """Chooses among '[a|b]' and fills '{slot}' until only words are left."""
        while True:
            chosen = _ALTERNATIVES.sub(lambda m: self.pick(m[1].split("|")), text)
            if chosen == text:
                chosen = _SLOT.sub(lambda m: self.slot(m[1]), text)
            if chosen == text:
                return text
            text = chosen

    def slot(self, name: str) -> str:
        base, _, adjectives = name.partition("_")
        if base in ("np", "at", "word"):
            return self.noun_phrase(base, adjectives)
        if name.startswith("tw_"):
            special = self.book.both.get(f"{self.time} {self.weather} {name[3:]}", ())
            usual = self.book.both.get(name[3:], ())
            return self.pick([*special, *special, *usual])
        label = self.time if base == "t" else self.weather
        return self.pick((self.book.times if base == "t" else self.book.weathers)[label][adjectives])

    def noun_phrase(self, form: str, adjectives: str) -> str:
        """'a snowy meadow' (np), 'in a snowy meadow' (at) or 'snowy meadow' (word)."""
        noun: Noun = self.pick(self.book.places[self.place])
        text = f"{{{'_'.join((adjectives, 'adj'))}}} {noun.text}" if adjectives else noun.text
        definite = noun.definite_only or self.rng.random() < 0.25
        if form == "word":
            return text
        if form == "np":
            return f"{noun.articles[definite]} {text}"
        return f"{noun.prepositions[definite]} {text}"
