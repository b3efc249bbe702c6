"""Wishes that something end, or give way to something else: 'stop the rain', 'night instead of day'. Their meaning is
not in the words' sum. Knows a few nouns and frames in both languages; nothing of features."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from model.conditioning.state import PLACES, TIMES, WEATHERS
from model.training.sentences import Said

CLEAR = "clear"
Nouns = dict[str, tuple[str, ...]]
# fmt: off
SKIES: dict[str, Nouns] = {  # as they are called; the Portuguese with their article
    "en": {"clear": ("sun", "sunshine", "blue sky", "good weather"),
           "overcast": ("clouds", "grey sky", "cloud cover", "overcast sky"),
           "fog": ("fog", "mist", "haze"),
           "rain": ("rain", "drizzle", "downpour", "storm", "showers", "thunderstorm"),
           "snow": ("snow", "snowfall", "flakes", "blizzard")},
    "pt": {"clear": ("o sol", "o céu azul", "o bom tempo", "o céu limpo"),
           "overcast": ("as nuvens", "o céu cinzento", "o céu nublado", "o céu encoberto"),
           "fog": ("o nevoeiro", "a neblina", "a névoa", "a bruma", "a cerração"),
           "rain": ("a chuva", "o chuvisco", "o aguaceiro", "o temporal", "a trovoada", "a tempestade", "a garoa"),
           "snow": ("a neve", "a queda de neve", "o nevão", "a nevasca")},
}
HOURS: dict[str, Nouns] = {
    "en": {"dawn": ("dawn", "sunrise", "early morning"), "day": ("day", "daylight", "noon"),
           "dusk": ("dusk", "sunset", "evening"), "night": ("night", "darkness", "midnight")},
    "pt": {"dawn": ("o amanhecer", "o nascer do sol", "a alvorada"), "day": ("o dia", "a luz do dia", "o meio-dia"),
           "dusk": ("o entardecer", "o pôr do sol", "o fim da tarde"), "night": ("a noite", "a escuridão")},
}
ENDS = {
    "en": ("stop the {0}", "end the {0}", "no more {0}", "enough {0}", "get rid of the {0}", "without the {0}",
           "no {0}", "make the {0} go away", "the {0} is over", "let the {0} end", "take away the {0}",
           "i'm tired of the {0}", "i don't want any {0}", "the {0} should go", "remove the {0}", "could the {0} stop",
           "away with the {0}", "can you turn off the {0}", "i've had enough of the {0}", "may the {0} pass"),
    "pt": ("pára {0}", "acaba com {0}", "chega d{0}", "já basta d{0}", "tira {0}", "leva {0} embora", "sem {0}",
           "faz {0} parar", "{0} acabou", "que {0} acabe", "manda {0} embora", "estou farto d{0}", "não quero mais {0}",
           "{0} devia parar", "remove {0}", "podes acabar com {0}", "fora com {0}", "desliga {0}", "cansei d{0}",
           "que {0} passe", "{0} já passou", "dá pra tirar {0}", "para com {0}"),
}
YIELDS = {
    "en": ("{1} instead of {0}", "turn the {0} into {1}", "replace the {0} with {1}", "swap the {0} for {1}",
           "from {0} to {1}", "no {0}, {1}", "enough {0}, now {1}", "not {0} but {1}", "rather {1} than {0}",
           "stop the {0} and bring {1}", "i prefer {1} to {0}", "the {0} gives way to {1}", "the {0} becomes {1}",
           "first there was {0}, now let there be {1}"),
    "pt": ("{1} em vez d{0}", "transforma {0} n{1}", "substitui {0} por {1}", "troca {0} por {1}", "muda d{0} para {1}",
           "nada d{0}, {1}", "chega d{0}, agora {1}", "não {0} mas {1}", "antes {1} do que {0}",
           "acaba com {0} e traz {1}", "prefiro {1} a {0}", "{0} dá lugar a {1}", "{0} vira {1}", "troca {0} pra {1}"),
}
CONTRACTED = {" por o ": " pelo ", " por a ": " pela ", " a o ": " ao ", " a a ": " à "}
# fmt: on


def endings(language: str, rng: np.random.Generator) -> list[tuple[str, Said]]:
    """All of them, each with nouns drawn at random, and what they say: of a weather that ends, that it is clear."""
    out: list[tuple[str, Said]] = []
    skies, hours = SKIES[language], HOURS[language]
    for frame in YIELDS[language]:
        for old, new in permutations(WEATHERS, 2):
            out.append((_filled(frame, (skies[old], skies[new]), language, rng), _said(weather=new)))
        for old, new in permutations(TIMES, 2):
            out.append((_filled(frame, (hours[old], hours[new]), language, rng), _said(time=new)))
    for frame in ENDS[language]:
        for old in (name for name in WEATHERS if name != CLEAR):
            out += [(_filled(frame, (skies[old],), language, rng), _said(weather=CLEAR)) for _ in range(2)]
    return out


def _said(time: str | None = None, weather: str | None = None) -> Said:
    return (
        len(PLACES),
        TIMES.index(time) if time else len(TIMES),
        WEATHERS.index(weather) if weather else len(WEATHERS),
    )


def _filled(frame: str, of: tuple[tuple[str, ...], ...], language: str, rng: np.random.Generator) -> str:
    """The frame with a noun of each. Portuguese ones keep their article or lose it: 'd' and 'n' before it are 'de' and
    'em' with it."""
    for i, nouns in enumerate(of):
        noun = str(rng.choice(nouns))
        if language == "pt" and rng.uniform() < 0.4:
            noun = noun.split(" ", 1)[1]
            frame = frame.replace(f"d{{{i}}}", f"de {{{i}}}").replace(f"n{{{i}}}", f"em {{{i}}}")
        frame = frame.replace(f"{{{i}}}", noun)
    for apart, joint in CONTRACTED.items():
        frame = frame.replace(apart, joint)
    return frame
