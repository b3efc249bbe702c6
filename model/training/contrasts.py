"""What comes and stays, against what ends: 'the bridge disappears in the fog' and 'the fog disappears', 'it won't stop
raining' and 'it stops raining', 'clouds but no rain'. Knows frames in both languages; nothing of features."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from model.conditioning.state import PLACES, TIMES, WEATHERS
from model.training.endings import CLEAR, HOURS, SKIES, filled, meaning
from model.training.sentences import Said

# fmt: off
STAYS = {  # what is named is there
    "en": ("only {0}", "nothing but {0}", "{0} everywhere", "{0} all around us", "more {0}", "{0} again", "{0} it is",
           "the {0} comes back", "here comes the {0}", "the {0} is back", "the {0} stays", "keep the {0}",
           "let there be {0}", "the {0} begins", "bring back the {0}", "don't let the {0} end", "here is the {0}",
           "may the {0} never stop", "the {0} won't stop", "the {0} goes on and on", "the {0} doesn't go away",
           "i can't get enough of the {0}", "i miss the {0}", "we have {0} now", "give us {0}", "the {0} sets in",
           "the {0} takes over", "the {0} arrives", "i want to walk in the {0}", "some {0} would be nice", "in the {0}",
           "how about {0}", "not without {0}", "let the {0} come", "surround me with {0}", "the {0} has won",
           "why is there no {0}? bring it", "the {0} isn't over yet", "lots of {0}", "the {0} and nothing else",
           "i could look at the {0} for hours", "there is only {0} above us", "{0} is what i want",
           "switch on the {0}"),
    "pt": ("só {0}", "apenas [0]", "nada senão [0]", "{0} por todo o lado", "[0] à nossa volta", "mais [0]",
           "[0] outra vez", "{0} volta", "aí vem {0}", "{0} está de volta", "{0} fica", "deixa ficar {0}",
           "que haja [0]", "começa {0}", "traz {0} de volta", "não deixes acabar {0}", "que {0} nunca pare",
           "{0} não para", "{0} continua sem parar", "{0} não se vai embora", "não me canso d{0}",
           "tenho saudades d{0}",
           "agora temos [0]", "dá-nos [0]", "{0} instala-se", "{0} toma conta de tudo", "{0} chega", "com {0}",
           "quero andar n{0}", "um pouco de [0] sabia bem", "que tal [0]", "não sem {0}", "que venha {0}", "muito [0]",
           "rodeia-me de [0]", "{0} venceu", "por que não há [0]? traz", "{0} ainda não acabou", "[0] e mais nada",
           "podia ficar horas a olhar para {0}", "por cima de nós só {0}", "{0} é o que eu quero", "liga {0}",
           "bota [0]", "me dá [0]", "cadê {0}? traz", "olha {0} chegando", "{0} tá aqui"),
}
SHOWS = {  # and so is the thing, with the place that it belongs to
    "en": ("the {1} under {0}", "the {1} in the {0}", "{0} over the {1}", "the {0} reaches the {1}", "{0} on the {1}",
           "the {0} comes to the {1}", "i look at the {1} in the {0}", "the {1}, and {0} above it"),
    "pt": ("{1} debaixo d{0}", "{1} n{0}", "[0] por cima d{1}", "{0} chega a {1}", "[0] sobre {1}", "{1} com [0]",
           "olho para {1} n{0}", "{1}, e [0] por cima"),
}
HIDES = {  # the thing is lost in what does not go away
    "en": ("the {1} disappears in the {0}", "the {0} swallows the {1}", "the {1} vanishes behind the {0}",
           "the {0} hides the {1}", "the {1} is gone in the {0}", "the {1} ends in {0}", "{0} covers the {1}",
           "you can't see the {1} for the {0}", "the {1} fades into the {0}", "the {0} takes the {1} away"),
    "pt": ("{1} desaparece n{0}", "{0} engole {1}", "{1} some-se n{0}", "{0} esconde {1}", "{1} acaba em [0]",
           "[0] a tapar {1}", "não se vê {1} com {0}", "{1} perde-se n{0}", "{0} leva {1}", "{1} sumiu n{0}"),
}
KEEPS = {  # the second is there and the first is not
    "en": ("{1} but no {0}", "{1} without {0}", "{1} and no {0}", "{1}; the {0} has gone", "just {1}, no {0}",
           "only {1}, not a trace of {0}", "the {0} ends and the {1} stays", "{1} where there was {0}",
           "no {0} any more, only {1}", "the {1} is back and the {0} is gone", "{1} after the {0}",
           "the {0} is over, here is the {1}", "no {0}, just {1}", "we had {0}, we want {1}",
           "the {0} lifts and there is {1}", "the {0} stops, {1} begins"),
    "pt": ("[1] mas sem {0}", "[1] sem [0]", "{1} e nada de [0]", "{1}; {0} foi-se", "só {1}, sem [0]",
           "só [1], nem sinal d{0}", "acaba {0} e fica {1}", "[1] onde havia [0]", "já não há [0], só [1]",
           "{1} voltou e {0} acabou", "[1] depois d{0}", "acabou {0}, aí vem {1}", "[0] não, só {1}",
           "tivemos [0], agora queremos [1]", "{0} levanta e há [1]", "{0} para, começa {1}", "{0} não, {1} sim"),
}
THINGS: dict[str, dict[str | None, tuple[str, ...]]] = {  # the Portuguese with their article
    "en": {None: ("bridge", "road", "church tower", "house", "wall", "street", "station", "path", "old gate", "world"),
           "coast": ("lighthouse", "pier", "harbour", "beach", "sea", "boat", "shore", "sailing boat",
                     "fishing village"),
           "mountains": ("summit", "ridge", "mountain", "peak", "glacier", "pass", "valley floor", "rock face"),
           "meadow": ("field", "pasture", "barn", "lawn", "grass", "orchard", "cornfield", "farm"),
           "desert": ("dunes", "caravan", "desert", "camel", "oasis", "cactus", "sahara", "sand dune")},
    "pt": {None: ("a ponte", "a estrada", "a torre da igreja", "a casa", "o muro", "a rua", "a estação", "o caminho"),
           "coast": ("o farol", "o pontão", "o porto", "a praia", "o mar", "o barco", "a costa", "o molhe", "a orla"),
           "mountains": ("o cume", "a crista", "a montanha", "o pico", "o glaciar", "a serra", "a escarpa", "a fraga"),
           "meadow": ("o campo", "o pasto", "o celeiro", "o relvado", "o prado", "o pomar", "a campina", "a lavoura"),
           "desert": ("a duna", "a caravana", "o deserto", "o camelo", "o oásis", "o cacto", "o saara",
                      "o dromedário")},
}
HIDING = ("fog", "snow", "rain")
# plain and as it goes on; in Portuguese also as it is, as it is wished, and as it goes on in Brazil
VERBS: dict[str, dict[str, tuple[tuple[str, ...], ...]]] = {
    "en": {"rain": (("rain", "raining"), ("pour", "pouring"), ("drizzle", "drizzling")),
           "snow": (("snow", "snowing"),)},
    "pt": {"rain": (("chover", "a chover", "chove", "chova", "chovendo"),
                    ("chuviscar", "a chuviscar", "chuvisca", "chuvisque", "chuviscando")),
           "snow": (("nevar", "a nevar", "neva", "neve", "nevando"),)},
}
GOES_ON = {
    "en": ("it won't stop {1}", "it never stops {1}", "don't stop {1}", "it keeps {1}", "it hasn't stopped {1}",
           "start {1}", "it starts {1} again", "it should {0}", "make it {0} hard", "it is {1} again", "let it {0}",
           "may it {0} for ever", "i wish it would {0}", "it begins to {0}", "why isn't it {1}? it should"),
    "pt": ("não para de {0}", "nunca mais para de {0}", "que não pare de {0}", "continua {1}", "começa a {0}",
           "está {1} outra vez", "volta a {0}", "quero que {3}", "faz {0}", "deixa {0}", "põe {1}", "{2} bastante",
           "que {3} muito", "{2} sem parar", "tá {4}", "segue {4}", "{2} que se farta", "bem podia {0}"),
}
IS_OVER = {
    "en": ("it stops {1}", "stop {1}", "it should stop {1}", "make it stop {1}", "it has stopped {1}", "no longer {1}",
           "it isn't {1} any more", "i don't want it to {0} any more", "it doesn't {0} any more", "enough {1}"),
    "pt": ("para de {0}", "que pare de {0}", "já não {2}", "deixou de {0}", "parou de {0}", "não quero que {3} mais",
           "faz parar de {0}", "chega de {0}", "não {2} mais", "já não está {1}", "parou de {0} faz tempo"),
}
TURNS = {
    "en": ("stop {1} and {2}", "it stops {1} and starts {3}", "it isn't {1} any more, it is {3}", "not {1} but {3}",
           "instead of {1} it should {2}", "let it {2} instead of {1}", "after all that {1} it may {2}"),
    "pt": ("para de {0} e começa a {5}", "já não {2}, agora {7}", "em vez de {0} que {8}",
           "deixa de {0} e põe-se a {5}",
           "não quero que {3}, quero que {8}", "depois de tanto {0} agora {7}", "parou de {0} e tá {9}"),
}
# fmt: on


def contrasts(language: str, rng: np.random.Generator) -> list[tuple[str, Said]]:
    """All of them, each with nouns drawn at random, and what they say."""
    return [*_of_nouns(language, rng), *_of_things(language, rng), *_of_verbs(language, rng)]


def _of_nouns(language: str, rng: np.random.Generator) -> list[tuple[str, Said]]:
    out = []
    skies, hours = SKIES[language], HOURS[language]
    for frame in STAYS[language]:
        out += [(filled(frame, (skies[name],), rng), meaning(weather=name)) for name in WEATHERS for _ in range(2)]
        out += [(filled(frame, (hours[name],), rng), meaning(time=name)) for name in TIMES]
    for frame in KEEPS[language]:
        for old, new in permutations(WEATHERS, 2):
            out.append((filled(frame, (skies[old], skies[new]), rng), meaning(weather=new)))
        for old, new in permutations(TIMES, 2):
            if rng.uniform() < 0.5:
                out.append((filled(frame, (hours[old], hours[new]), rng), meaning(time=new)))
    return out


def _of_things(language: str, rng: np.random.Generator) -> list[tuple[str, Said]]:
    out = []
    skies, hours, things = SKIES[language], HOURS[language], THINGS[language]
    for place in (None, *PLACES):
        for frame in SHOWS[language]:
            out += [(filled(frame, (skies[name], things[place]), rng), meaning(place, None, name)) for name in WEATHERS]
            out += [(filled(frame, (hours[name], things[place]), rng), meaning(place, name)) for name in TIMES]
        for frame in HIDES[language]:
            out += [(filled(frame, (skies[name], things[place]), rng), meaning(place, None, name)) for name in HIDING]
            out.append((filled(frame, (hours["night"], things[place]), rng), meaning(place, "night")))
    return out


def _of_verbs(language: str, rng: np.random.Generator) -> list[tuple[str, Said]]:
    out = []
    for weather, verbs in VERBS[language].items():
        other = "snow" if weather == "rain" else "rain"
        for frame in GOES_ON[language]:
            out.append((frame.format(*_one(verbs, rng)), meaning(weather=weather)))
        for frame in IS_OVER[language]:
            out.append((frame.format(*_one(verbs, rng)), meaning(weather=CLEAR)))
        for frame in TURNS[language]:
            both = (*_one(verbs, rng), *_one(VERBS[language][other], rng))
            out.append((frame.format(*both), meaning(weather=other)))
    return out


def _one(verbs: tuple[tuple[str, ...], ...], rng: np.random.Generator) -> tuple[str, ...]:
    return verbs[int(rng.integers(len(verbs)))]
