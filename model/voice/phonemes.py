"""How the grammar's words are pronounced, by one accent a language: targets of the phoneme head, and its lexicons.
Knows espeak-ng; the running engine reads what is kept of it in the checkpoint."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from model.voice.espeak import Espeak
from model.voice.sentences import Sentence

ACCENTS = {"en": "en-us", "pt": "pt-br"}
RAREST = 3  # a symbol that is rarer is left out
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True)
class Pronunciations:
    """`symbols`: the phonemes of both languages; `lexicons`: of each language, words as numbers of symbols from 1."""

    symbols: tuple[str, ...]
    lexicons: dict[str, dict[str, list[int]]]

    @classmethod
    def of(cls, sentences: Sequence[Sentence]) -> Pronunciations:
        """Of all words of the sentences."""
        espeak = Espeak()
        spoken: dict[str, dict[str, list[str]]] = {language: {} for language in ACCENTS}
        counts: Counter[str] = Counter()
        for sentence in sentences:
            known = spoken[sentence.language]
            for word in words(sentence.text):
                if word not in known:
                    said = espeak.phonemes(word, ACCENTS[sentence.language])
                    known[word] = [sound for part in said for sound in part]
                counts.update(known[word])
        symbols = tuple(sorted(symbol for symbol, count in counts.items() if count >= RAREST))
        number = {symbol: index + 1 for index, symbol in enumerate(symbols)}
        lexicons = {
            language: {word: told for word, said in known.items() if (told := [number[s] for s in said if s in number])}
            for language, known in spoken.items()
        }
        return cls(symbols, lexicons)

    def sounds(self, sentence: Sentence) -> list[int]:
        """The phonemes of a sentence as numbers, word after word."""
        lexicon = self.lexicons[sentence.language]
        return [sound for word in words(sentence.text) for sound in lexicon.get(word, [])]


def words(text: str) -> list[str]:
    """The words of a text in small letters."""
    return _WORD.findall(text.lower())
