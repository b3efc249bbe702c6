"""Portuguese words for places, times and weathers, and the sentences they stand in.
Knows what each label may be called; never adds what a label does not say."""

from __future__ import annotations

from model.worlds.phrases import Noun, PhraseBook

_ARTICLES = {"m": ("um", "o"), "f": ("uma", "a"), "mp": ("", "os"), "fp": ("", "as")}
_IN = {"m": ("num", "no"), "f": ("numa", "na"), "mp": ("em", "nos"), "fp": ("em", "nas")}


def _nouns(*specs: str) -> tuple[Noun, ...]:
    """'m prado', 'fp montanhas'; a '!' marks a noun with the definite article only ('f !lua')."""
    nouns = []
    for spec in specs:
        gender, name = spec.split(" ", 1)
        nouns.append(Noun(name.lstrip("!"), _ARTICLES[gender], _IN[gender], name.startswith("!")))
    return tuple(nouns)


PLACES = {
    "meadow": _nouns("m prado", "m campo de erva", "m campo relvado", "f pradaria", "mp prados"),
    "forest": _nouns("f floresta", "m bosque", "f mata"),
    "desert": _nouns("m deserto", "fp dunas", "m deserto de areia", "fp dunas de areia"),
    "mountains": _nouns("fp montanhas", "f serra", "f cordilheira", "f paisagem de montanha"),
    "coast": _nouns("f costa", "f praia", "m litoral", "f beira-mar", "f costa do mar"),
    "canyon": _nouns("m desfiladeiro", "f garganta rochosa", "m canhão rochoso"),
    "town": _nouns("f vila", "f aldeia", "f pequena cidade", "fp ruas de uma vila"),
    "moon": _nouns("f !lua", "f !superfície da lua", "f paisagem lunar"),
}

TIMES: dict[str, dict[str, tuple[str, ...]]] = {
    "dawn": {
        "noun": ("amanhecer", "nascer do sol", "alvorada", "madrugada"),
        "at": ("ao amanhecer", "ao nascer do sol", "de manhã cedo", "na alvorada", "quando o sol nasce"),
        "is": ("amanhece", "o sol está a nascer", "o dia começa", "é de manhã cedo", "o sol nasce"),
        "do": ("que o sol nasça", "faz nascer o sol", "que amanheça", "o sol nasce", "começa o dia", "a noite acaba"),
    },
    "day": {
        "noun": ("dia", "meio-dia", "pleno dia", "luz do dia"),
        "at": ("de dia", "ao meio-dia", "durante o dia", "em pleno dia", "à luz do dia"),
        "is": ("é de dia", "é meio-dia", "o sol está alto", "é pleno dia"),
        "do": ("que se faça dia", "faz com que seja dia", "traz a luz do dia", "põe o sol no alto", "que haja luz"),
    },
    "dusk": {
        "noun": ("crepúsculo", "pôr do sol", "entardecer", "anoitecer"),
        "at": ("ao entardecer", "ao pôr do sol", "ao crepúsculo", "ao fim do dia", "quando o sol se põe"),
        "is": ("o sol está a pôr-se", "entardece", "o dia acaba", "a luz desvanece-se", "o sol põe-se"),
        "do": ("que o sol se ponha", "faz pôr o sol", "o sol põe-se", "está a escurecer", "que o dia acabe"),
    },
    "night": {
        "noun": ("noite", "meia-noite", "noite escura", "noite"),
        "at": ("à noite", "de noite", "à meia-noite", "durante a noite", "a meio da noite"),
        "is": ("é de noite", "a noite caiu", "está escuro", "é meia-noite"),
        "do": ("que caia a noite", "a noite cai", "faz cair a noite", "que se faça noite", "traz a noite", "anoitece"),
    },
}

WEATHERS: dict[str, dict[str, tuple[str, ...]]] = {
    "clear": {
        "noun": ("céu limpo", "céu sem nuvens", "bom tempo", "tempo limpo"),
        "in": ("com céu limpo", "sob um céu limpo", "sem nuvens", "com bom tempo"),
        "is": ("o céu está limpo", "não há nuvens", "está bom tempo", "o tempo está limpo"),
        "do": ("o nevoeiro levanta", "traz o sol de volta", "que o céu limpe", "para a chuva", "que pare de chover",
               "que pare de nevar", "limpa o céu", "afasta as nuvens", "a tempestade passa", "que o sol volte"),
    },
    "overcast": {
        "noun": ("céu nublado", "nuvens", "céu encoberto", "tempo nublado", "céu cinzento"),
        "in": ("com céu nublado", "sob as nuvens", "sob um céu cinzento", "com o céu encoberto"),
        "is": ("o céu está nublado", "está encoberto", "as nuvens cobrem o céu", "o céu está cinzento"),
        "do": ("que o céu se cubra de nuvens", "tapa o sol com nuvens", "as nuvens chegam", "cobre o céu de nuvens"),
    },
    "fog": {
        "noun": ("nevoeiro", "neblina", "névoa", "bruma"),
        "in": ("no nevoeiro", "com nevoeiro", "sob a neblina", "no meio da névoa", "com neblina"),
        "is": ("há nevoeiro", "o nevoeiro cobre tudo", "está nevoeiro", "a neblina paira no ar"),
        "do": ("que venha o nevoeiro", "traz o nevoeiro", "o nevoeiro chega", "cobre tudo de nevoeiro"),
    },
    "rain": {
        "noun": ("chuva", "chuva a cair", "tempo chuvoso", "aguaceiro"),
        "in": ("à chuva", "com chuva", "sob a chuva", "enquanto chove", "com a chuva a cair"),
        "is": ("chove", "está a chover", "cai chuva", "a chuva cai"),
        "do": ("faz chover", "que chova", "começa a chover", "deixa chover", "traz a chuva", "a chuva começa a cair"),
    },
    "snow": {
        "noun": ("neve", "neve a cair", "tempo de neve", "flocos de neve"),
        "in": ("na neve", "com neve", "sob a neve", "enquanto neva", "com neve a cair"),
        "is": ("neva", "está a nevar", "cai neve", "a neve cai"),
        "do": ("faz nevar", "que neve", "começa a nevar", "deixa nevar", "traz a neve", "a neve começa a cair"),
    },
    "storm": {
        "noun": ("tempestade", "trovoada", "temporal", "tempo de tempestade"),
        "in": ("na tempestade", "com trovoada", "sob um temporal", "no meio da tempestade"),
        "is": ("há uma tempestade", "está trovoada", "a tempestade ruge", "há um temporal"),
        "do": ("que venha a tempestade", "traz uma tempestade", "começa uma trovoada", "a tempestade chega"),
    },
}  # fmt: skip

BOTH = {
    "in": ("{w_in} {t_at}", "{t_at} {w_in}", "{t_at}, {w_in}"),
    "is": ("{t_is} e {w_is}", "{w_is} {t_at}", "{t_at} {w_is}"),
    "day clear in": ("ao sol", "sob um céu azul", "num dia de sol"),
    "day clear is": ("faz sol", "o sol brilha", "o céu está azul"),
    "night clear in": ("sob as estrelas", "numa noite estrelada", "sob um céu estrelado"),
    "night clear is": ("a noite está estrelada", "as estrelas enchem o céu"),
}

_SEE = "[|mostra-me|imagina|quero ver|vejo|vemos]"
_BE = "[estás|estou|estamos|caminhas|caminho|passeamos|um passeio|leva-me a passear|quero estar]"
_GIVE = "[quero|dá-me|traz|agora|que haja|mostra-me|muda para|e se houvesse]"
_END = "[|||agora|por favor|, por favor|!]"

STATES = {
    "p": (f"{_SEE} {{np}}", f"{_BE} {{at}}", "{word}"),
    "t": ("{t_is}", "{t_noun}", "[um passeio|um lugar|o mundo|uma paisagem] {t_at}"),
    "w": ("{w_is}", "{w_noun}", "[um passeio|um lugar|o mundo|uma paisagem] {w_in}"),
    "pt": (f"{_SEE} {{np}} {{t_at}}", f"{_BE} {{at}} {{t_at}}", "{word}, {t_noun}", "{t_is} {at}", "{t_noun} {at}"),
    "pw": (f"{_SEE} {{np}} {{w_in}}", f"{_BE} {{at}} {{w_in}}", "{word}, {w_noun}", "{w_is} {at}", "{w_noun} {at}"),
    "tw": ("{tw_is}", "{t_noun}, {w_noun}", "{w_noun} {t_at}", "{t_noun} com {w_noun}", "[um passeio|o mundo] {tw_in}"),
    "ptw": (f"{_SEE} {{np}} {{tw_in}}", f"{_BE} {{at}} {{tw_in}}", "{word}, {t_noun}, {w_noun}", "{tw_is} {at}",
            "{w_noun} {at} {t_at}", "{w_is} {at} {t_at}", "{t_noun} {at} {w_in}", "{np}. {tw_is}"),
}  # fmt: skip

CHANGES = {
    "t": (f"{{t_do}} {_END}", "{t_do}", f"{_GIVE} {{t_noun}} {_END}", "[agora|imagina que] {t_is}"),
    "w": (f"{{w_do}} {_END}", "{w_do}", f"{_GIVE} {{w_noun}} {_END}", "[agora|imagina que] {w_is}"),
    "tw": ("{t_do} e {w_do}", "{w_do} e {t_do}", "{w_do} {t_at}", f"{_GIVE} {{w_noun}} {{t_at}} {_END}",
           "[agora|imagina que] {tw_is}"),
}  # fmt: skip

PORTUGUESE = PhraseBook(places=PLACES, times=TIMES, weathers=WEATHERS, both=BOTH, states=STATES, changes=CHANGES)
