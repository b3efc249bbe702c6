"""What people ask a world for, in their own words: sentences written by hand, with what they mean, and the many ways in
which they may be typed. Knows texts and names; nothing of features."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.conditioning.state import PLACES, TIMES, WEATHERS
from model.training.sentences import Said

FILE = Path(__file__).with_suffix(".jsonl")
UNSEEN = FILE.with_name("unseen.jsonl")  # ideas that were written for measuring alone
LANGUAGES = ("en", "pt")
KINDS = {"place": PLACES, "time": TIMES, "weather": WEATHERS}
HELD_OUT = 10  # every so manieth idea is kept for measuring
# fmt: off
BEFORE = {
    "en": ("please ", "i want ", "now ", "ok, ", "hey, ", "show me ", "can we have ", "and then ", "let's have "),
    "pt": ("por favor, ", "quero ", "agora ", "ok, ", "olha, ", "mostra-me ", "me mostra ", "e depois ", "queria "),
}
AFTER = {
    "en": (" please", " now", "!", "...", ".", "?", " thanks", " here", ", please", " ok?"),
    "pt": (" por favor", " agora", "!", "...", ".", "?", " obrigado", " aqui", ", por favor", " pf", " tá?"),
}
LEADING = {  # what says nothing of a world, as people begin
    "en": ("i was wondering, ", "if you don't mind, ", "let's try something: ", "for a change, ", "how about this: ",
           "my friend would like ", "honestly, i'd rather have ", "imagine ", "picture this: ", "it feels like ",
           "all of a sudden ", "little by little ", "after a while ", "a scene of ", "a world with ",
           "we are walking, ", "a photograph of ", "a painting of ", "take me somewhere: ", "i have always dreamt of ",
           "what if: ", "could you do this: ", "the next thing i want to see is ", "would you mind: ", "well, ",
           "i remember it like this: ", "for my daughter: ", "as a surprise, ", "hmm, maybe ", "my next wish: ",
           "while i keep walking, ", "before we go any further, ", "just for me, ", "in this place: ", "listen, "),
    "pt": ("estava a pensar, ", "se não te importas, ", "vamos experimentar: ", "para variar, ", "que tal isto: ",
           "a minha amiga queria ", "sinceramente, preferia ", "imagina ", "imagine ", "parece que ", "de repente ",
           "pouco a pouco ", "passado um bocado ", "uma cena com ", "um mundo com ", "vamos a andar, ", "bom, ",
           "uma fotografia de ", "um quadro com ", "leva-me a um lugar: ", "sempre sonhei com ", "e se: ", "então, ",
           "achas que podias fazer isto: ", "a seguir quero ver ", "importas-te: ", "lembro-me disto assim: ",
           "para a minha filha: ", "como surpresa, ", "hmm, talvez ", "o meu próximo desejo: ", "enquanto eu ando, ",
           "antes de continuarmos, ", "só para mim, ", "neste sítio: ", "ouve, ", "pô, ", "cara, ", "ô meu, ",
           "você pode fazer assim: ", "tipo assim, ", "eu tava pensando, ", "queria muito ver ", "gostava de ver "),
}
TRAILING = {  # the same, as they end
    "en": (" so that i can take a photo", " while i walk", " as far as the eye can see", " all around us",
           " for the rest of the walk", " for a while", " and i keep walking", " and my dog is beside me",
           " and there is nobody around", " and everything is quiet", " slowly", " all at once", " from now on",
           " until i say stop", " and let's stay here", " for a few minutes", ", just as i remember it",
           ", as in my childhood", ", that would make me happy", ", what do you think", ", if that is possible",
           ", like in a film", ", and somewhere a bird sings", ", and a small path leads on", ", and a wooden fence",
           ", and a bench to sit on", ", and an old house", ", a bit at a time", " as soon as you can",
           ", because i like it", " and nothing else", ", and somebody waves", ", it would be so beautiful"),
    "pt": (" para eu tirar uma fotografia", " enquanto ando", " a perder de vista", " à nossa volta",
           " para o resto do passeio", " por um bocado", " e eu continuo a andar", " e o meu cão vai comigo",
           " e não há ninguém por perto", " e está tudo calado", " devagar", " de uma vez", " a partir de agora",
           " até eu dizer para parar", " e vamos ficar aqui", " por uns minutos", ", tal como me lembro",
           ", como na minha infância", ", isso fazia-me feliz", ", o que achas", ", se for possível",
           ", como num filme", ", e algures canta um pássaro", ", e um caminho segue adiante", ", e uma cerca velha",
           ", e um banco para me sentar", ", e uma casa antiga", ", um bocadinho de cada vez", " assim que puderes",
           ", porque eu gosto", " e mais nada", ", e alguém acena", ", ia ser tão bonito", ", que nem em filme",
           " pra eu tirar uma foto", " do meu lado", ", se der", ", beleza?", ", né"),
}
# fmt: on
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


def together(wishes: Sequence[Wish], rng: np.random.Generator) -> Wish | None:
    """All in one sentence; None where two of them do not go together."""
    first, *others = wishes
    for other in others:
        both = joined(first, other, rng)
        if both is None:
            return None
        first = both
    return first


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
    if chance[0] < 0.4:
        text = str(rng.choice((LEADING if chance[0] < 0.25 else BEFORE)[language])) + text
    if chance[1] < 0.5:
        text = text + str(rng.choice((TRAILING if chance[1] < 0.3 else AFTER)[language]))
    words = text.split()
    if chance[2] < 0.1 and len(words) >= 6:
        del words[int(rng.integers(len(words)))]
        text = " ".join(words)
    if chance[3] < 0.2:
        text = text.translate(str.maketrans("", "", ",.?!")).strip() or text
    for _ in range(int(chance[4] < 0.25) + int(chance[4] < 0.08)):
        text = mistyped(text, rng) if len(text) > 3 else text
    return text
