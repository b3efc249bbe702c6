"""What people ask a world for, in their own words: sentences written by hand, with what they mean, and the many ways in
which they may be typed. Knows texts and names; nothing of features."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.conditioning.state import PLACES, TIMES, WEATHERS
from model.training.sentences import Said

FILE = Path(__file__).with_suffix(".jsonl")
LANGUAGES = ("en", "pt")
KINDS = {"place": PLACES, "time": TIMES, "weather": WEATHERS}
HELD_OUT = 10  # every so manieth idea is kept for measuring
BEFORE = {
    "en": ("please ", "i want ", "now ", "ok, ", "hey, ", "show me ", "can we have ", "and then ", "let's have "),
    "pt": ("por favor, ", "quero ", "agora ", "ok, ", "olha, ", "mostra-me ", "me mostra ", "e depois ", "queria "),
}
AFTER = {
    "en": (" please", " now", "!", "...", ".", "?", " thanks", " here", ", please", " ok?"),
    "pt": (" por favor", " agora", "!", "...", ".", "?", " obrigado", " aqui", ", por favor", " pf", " tá?"),
}
BETWEEN = {"en": (", ", ". ", " and ", " with ", "; ", " "), "pt": (", ", ". ", " e ", " com ", "; ", " ")}
KEYS = "qwertyuiopasdfghjklzxcvbnm"


class WishesError(Exception):
    """The file is no list of wishes; says where, what was expected and what came."""


@dataclass(frozen=True)
class Wish:
    """`idea`: the number of what its writer had in mind; other sentences of the same idea mean the same."""

    text: str
    language: str
    said: Said
    idea: int


def read(path: Path = FILE) -> list[Wish]:
    """The wishes of JSON lines {"place"?, "time"?, "weather"?, "en"?: [text], "pt"?: [text]}, an idea each. Raises
    WishesError."""
    out = []
    for idea, line in enumerate(path.read_text("utf-8").splitlines()):
        entry = json.loads(line)
        if unknown := sorted(set(entry) - {*KINDS, *LANGUAGES}):
            raise WishesError(
                f"{path}, line {idea + 1}: expected {', '.join((*KINDS, *LANGUAGES))}; got {unknown[0]!r}"
            )
        said = []
        for kind, names in KINDS.items():
            if (name := entry.get(kind)) not in (None, *names):
                raise WishesError(f"{path}, line {idea + 1}: expected a {kind} of {', '.join(names)}; got {name!r}")
            said.append(names.index(name) if name else len(names))
        out += [
            Wish(text, language, (said[0], said[1], said[2]), idea)
            for language in LANGUAGES
            for text in entry.get(language, [])
        ]
    return out


def held_out(wish: Wish) -> bool:
    """Whether a wish is kept for measuring: with all others of its idea."""
    return wish.idea % HELD_OUT == HELD_OUT // 2


def joined(first: Wish, second: Wish, rng: np.random.Generator) -> Wish | None:
    """Both in one sentence; None where they do not go together."""
    said = []
    for names, a, b in zip(KINDS.values(), first.said, second.said, strict=True):
        if a < len(names) and b < len(names):
            return None
        said.append(min(a, b))
    if first.language != second.language:
        return None
    between = str(rng.choice(BETWEEN[first.language]))
    text = first.text.rstrip(".?!") + between + second.text
    return Wish(text, first.language, (said[0], said[1], said[2]), -1)


def mistyped(text: str, rng: np.random.Generator) -> str:
    """One letter left out, doubled, exchanged with the next, or replaced by another."""
    at = int(rng.integers(len(text)))
    if not text[at].isalpha():
        return text
    letters = list(text)
    way = int(rng.integers(4))
    if way == 0 and len(text) > 4:
        del letters[at]
    elif way == 1:
        letters.insert(at, letters[at])
    elif way == 2 and at + 1 < len(letters):
        letters[at : at + 2] = letters[at + 1], letters[at]
    else:
        letters[at] = KEYS[int(rng.integers(len(KEYS)))]
    return "".join(letters)


def typed(text: str, language: str, rng: np.random.Generator) -> str:
    """A text as somebody else would have typed it: something before or after it, a word less, no punctuation, slips of
    the finger. Not without accents or capitals: the sentence encoder sees neither."""
    chance = rng.uniform(size=5)
    if chance[0] < 0.2:
        text = str(rng.choice(BEFORE[language])) + text
    if chance[1] < 0.25:
        text = text + str(rng.choice(AFTER[language]))
    words = text.split()
    if chance[2] < 0.1 and len(words) >= 6:
        del words[int(rng.integers(len(words)))]
        text = " ".join(words)
    if chance[3] < 0.2:
        text = text.translate(str.maketrans("", "", ",.?!")).strip() or text
    for _ in range(int(chance[4] < 0.25) + int(chance[4] < 0.08)):
        text = mistyped(text, rng) if len(text) > 3 else text
    return text
