"""Wishes that something end, or give way to something else: 'stop the rain', 'night instead of day'. Their meaning is
not in the words' sum. Knows a few nouns and frames in both languages; nothing of features."""

from __future__ import annotations

import re
from itertools import permutations

import numpy as np

from model.conditioning.state import PLACES, TIMES, WEATHERS
from model.training.sentences import Said

CLEAR = "clear"
Nouns = dict[str, tuple[str, ...]]
# fmt: off
SKIES: dict[str, Nouns] = {  # as they are called; the Portuguese with their article
    "en": {"clear": ("sun", "sunshine", "blue sky", "good weather", "clear sky", "cloudless sky", "fair weather",
                     "clear weather", "azure sky"),
           "overcast": ("clouds", "grey sky", "cloud cover", "overcast sky", "grey clouds", "cloudy sky", "leaden sky",
                        "grey weather", "dull sky", "layer of cloud", "gloomy clouds", "grey ceiling"),
           "fog": ("fog", "mist", "haze", "thick fog", "murk", "mists", "fog bank", "veil of mist"),
           "rain": ("rain", "drizzle", "downpour", "storm", "showers", "thunderstorm", "heavy rain", "wet weather",
                    "raindrops", "cloudburst", "pouring rain", "rainstorm", "tempest"),
           "snow": ("snow", "snowfall", "flakes", "blizzard", "snowflakes", "falling snow", "snowstorm", "flurries")},
    "pt": {"clear": ("o sol", "o céu azul", "o bom tempo", "o céu limpo", "o céu aberto", "o tempo limpo",
                     "a luz do sol", "o solzinho", "o tempo bom", "o céu sem nuvens"),
           "overcast": ("as nuvens", "o céu cinzento", "o céu nublado", "o céu encoberto", "a nebulosidade",
                        "o céu tapado", "o tempo nublado", "o céu de chumbo", "o tempo encoberto", "o céu fechado"),
           "fog": ("o nevoeiro", "a neblina", "a névoa", "a bruma", "a cerração", "o nevoeiro cerrado", "o fog"),
           "rain": ("a chuva", "o chuvisco", "o aguaceiro", "o temporal", "a trovoada", "a tempestade", "a garoa",
                    "o toró", "a chuvada", "a borrasca", "a chuvinha", "o pé d'água", "a tromba d'água", "a molha"),
           "snow": ("a neve", "a queda de neve", "o nevão", "a nevasca", "a neve a cair", "os flocos",
                    "os flocos de neve",
                    "a tempestade de neve", "a neve caindo")},
}
HOURS: dict[str, Nouns] = {
    "en": {"dawn": ("dawn", "sunrise", "early morning", "daybreak", "first light", "morning glow"),
           "day": ("day", "daylight", "noon", "midday", "daytime", "afternoon", "broad daylight"),
           "dusk": ("dusk", "sunset", "evening", "sundown", "twilight", "nightfall", "evening light"),
           "night": ("night", "darkness", "midnight", "deep night", "moonlight", "dead of night")},
    "pt": {"dawn": ("o amanhecer", "o nascer do sol", "a alvorada", "a aurora", "o raiar do dia", "o romper do dia"),
           "day": ("o dia", "a luz do dia", "o meio-dia", "o dia claro", "a plena luz do dia", "o pino do dia"),
           "dusk": ("o entardecer", "o pôr do sol", "o fim da tarde", "o anoitecer", "o crepúsculo", "o lusco-fusco",
                    "o cair da noite", "o ocaso", "a tardinha", "o pôr-do-sol"),
           "night": ("a noite", "a escuridão", "a meia-noite", "o luar", "a noite cerrada", "a noite escura")},
}
ENDS = {
    "en": ("stop the {0}", "end the {0}", "no more {0}", "enough {0}", "get rid of the {0}", "without the {0}",
           "no {0}", "make the {0} go away", "the {0} is over", "let the {0} end", "take away the {0}",
           "the {0} disappears", "the {0} leaves", "the {0} clears off", "i can't stand the {0}", "down with the {0}",
           "the {0} dies away", "blow the {0} away", "not another minute of {0}", "spare us the {0}", "undo the {0}",
           "i'm tired of the {0}", "i don't want any {0}", "the {0} should go", "remove the {0}", "could the {0} stop",
           "away with the {0}", "can you turn off the {0}", "i've had enough of the {0}", "may the {0} pass"),
    "pt": ("pára {0}", "acaba com {0}", "chega d{0}", "já basta d{0}", "tira {0}", "leva {0} embora", "sem {0}",
           "faz {0} parar", "{0} acabou", "que {0} acabe", "manda {0} embora", "estou farto d{0}", "não quero mais {0}",
           "{0} devia parar", "remove {0}", "podes acabar com {0}", "fora com {0}", "desliga {0}", "cansei d{0}",
           "{0} vai-se embora", "{0} desaparece", "não suporto {0}", "abaixo {0}", "nem mais um minuto d{0}",
           "livra-me d{0}", "desfaz {0}", "dissipa {0}", "que {0} se vá", "{0} foi embora", "sumiu {0}", "some com {0}",
           "que {0} passe", "{0} já passou", "dá pra tirar {0}", "para com {0}"),
}
YIELDS = {
    "en": ("{1} instead of {0}", "turn the {0} into {1}", "replace the {0} with {1}", "swap the {0} for {1}",
           "from {0} to {1}", "no {0}, {1}", "enough {0}, now {1}", "not {0} but {1}", "rather {1} than {0}",
           "stop the {0} and bring {1}", "i prefer {1} to {0}", "the {0} gives way to {1}", "the {0} becomes {1}",
           "{0} turns into {1}", "the {0} melts into {1}", "the {0} goes and the {1} comes", "exchange {0} for {1}",
           "make {1} out of the {0}", "there was {0}, now there is {1}", "after the {0} comes the {1}",
           "{0} off, {1} on",
           "the {0} tries but the {1} wins", "the {1} wins against the {0}", "the {0} loses to {1}", "{0}? no, {1}",
           "the {0} drowns in {1}", "the {1} hides the {0}", "tired of {0}, bring {1}", "why {0}? i want {1}",
           "yesterday {0}, now {1}", "it was {0} and now it is {1}", "neither this {0} nor anything like it, {1}",
           "too much {0}, too little {1}", "enough of this {0}, i want {1}", "let the {0} stop and the {1} start",
           "i don't want {0}, i want {1}", "{1} would be nicer than {0}", "the {0} becomes {1} in a minute",
           "could we have {1} rather than {0}", "{0} is boring, {1} please", "away with the {0}, in with the {1}",
           "where there is {0} i'd like {1}", "the {0} makes way for {1}", "change {0} to {1}", "drop the {0}, add {1}",
           "first there was {0}, now let there be {1}"),
    "pt": ("{1} em vez d{0}", "transforma {0} n{1}", "substitui {0} por {1}", "troca {0} por {1}", "muda d{0} para {1}",
           "nada d{0}, {1}", "chega d{0}, agora {1}", "não {0} mas {1}", "antes {1} do que {0}",
           "{0} tenta mas {1} ganha", "{1} ganha a {0}", "{0} perde contra {1}", "[0]? não, {1}", "{1} esconde {0}",
           "{0} afoga-se n{1}", "estou farto d{0}, traz {1}", "porquê [0]? quero [1]", "ontem [0], agora [1]",
           "era [0] e agora é [1]", "já não {0}, agora {1}", "cadê {1}? só tem [0] aqui, troca",
           "{0} transforma-se n{1}", "{0} desfaz-se em [1]", "vai-se {0} e vem {1}", "faz [1] d{0}", "[0] vira [1]",
           "havia [0], agora há [1]", "depois d{0} vem {1}", "demasiada [0], falta [1]", "tira {0} e põe {1}",
           "que acabe {0} e comece {1}", "não quero {0}, quero {1}", "[1] era melhor que [0]", "fora {0}, venha {1}",
           "onde há [0] quero [1]", "já enjoei d{0}, agora {1}", "passa d{0} para {1}", "saia {0}, entre {1}",
           "tira {0} e bota {1}", "cansei d{0}, quero {1}", "de [0] a [1]", "em lugar d{0} põe {1}",
           "larga {0}, dá-me {1}", "[0] aborrece, [1] por favor",
           "acaba com {0} e traz {1}", "prefiro {1} a {0}", "{0} dá lugar a {1}", "{0} vira {1}", "troca {0} pra {1}"),
}
ARTICLE = re.compile("^(o|a|os|as) ")
CONTRACTED = {" por o ": " pelo ", " por a ": " pela ", " a o ": " ao ", " a a ": " à "}
# fmt: on


def endings(language: str, rng: np.random.Generator) -> list[tuple[str, Said]]:
    """All of them, each with nouns drawn at random, and what they say: of a weather that ends, that it is clear."""
    out: list[tuple[str, Said]] = []
    skies, hours = SKIES[language], HOURS[language]
    for frame in YIELDS[language]:
        for old, new in permutations(WEATHERS, 2):
            out.append((filled(frame, (skies[old], skies[new]), rng), meaning(weather=new)))
        for old, new in permutations(TIMES, 2):
            out.append((filled(frame, (hours[old], hours[new]), rng), meaning(time=new)))
    for frame in ENDS[language]:
        for old in (name for name in WEATHERS if name != CLEAR):
            out += [(filled(frame, (skies[old],), rng), meaning(weather=CLEAR)) for _ in range(2)]
    return out


def meaning(place: str | None = None, time: str | None = None, weather: str | None = None) -> Said:
    """What is said where these are named."""
    return (
        PLACES.index(place) if place else len(PLACES),
        TIMES.index(time) if time else len(TIMES),
        WEATHERS.index(weather) if weather else len(WEATHERS),
    )


def filled(frame: str, of: tuple[tuple[str, ...], ...], rng: np.random.Generator) -> str:
    """The frame with a noun of each. Those with an article, the Portuguese ones, keep it or lose it, and always lose it
    where the frame has '[0]'; 'd' and 'n' before '{0}' are 'de' and 'em' with it."""
    for i, nouns in enumerate(of):
        noun = str(rng.choice(nouns))
        bare = ARTICLE.sub("", noun)
        if bare != noun and rng.uniform() < 0.4:
            noun = bare
            frame = frame.replace(f"d{{{i}}}", f"de {{{i}}}").replace(f"n{{{i}}}", f"em {{{i}}}")
        frame = frame.replace(f"[{i}]", bare).replace(f"{{{i}}}", noun)
    for apart, joint in CONTRACTED.items():
        frame = frame.replace(apart, joint)
    return frame
