"""What is said to a world in training: sentences of the grammar with their labels, and talk that is not for a world.
Knows the grammar and the text encoder; nothing of sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from model.conditioning.state import PLACES, TIMES, WEATHERS
from model.worlds.captions import change, describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.conditioning.text import TextEncoder

PARTS = 12  # of a sentence, each the mean of its share of the word pieces
Labels = tuple[int, int, int]  # place, time, weather; -1 where not said
FOREIGN = {  # a few everyday sentences a language; those of HELD_OUT are never trained on
    "de": ("Ich komme morgen etwas später nach Hause", "Haben Sie noch einen Tisch für zwei Personen"),
    "fr": ("Je voudrais une baguette et deux croissants", "Le train part à huit heures et demie"),
    "es": ("Mañana tengo que ir al dentista", "La comida está lista en la cocina"),
    "pl": ("Jutro idziemy razem do kina", "Proszę bilet do centrum miasta"),
    "ru": ("Завтра мы поедем на дачу", "Сколько стоит этот билет"),
    "sv": ("Kan du hjälpa mig med den här väskan", "Vi ses på torget klockan fem"),
    "tr": ("Yarın sabah erken kalkmam gerekiyor", "Bu otobüs havaalanına gider mi"),
    "cs": ("Dám si jednu kávu s mlékem", "Kde je tady nejbližší zastávka"),
    "hu": ("Holnap reggel találkozunk az állomáson", "Kérek szépen egy pohár vizet"),
    "id": ("Saya mau pergi ke pasar besok pagi", "Berapa harga buku yang ini"),
    "it": ("Domani mattina devo andare in banca", "Il caffè costa un euro e venti"),
    "nl": ("Morgen gaan we met de fiets naar school", "Mag ik de rekening alstublieft"),
    "fi": ("Huomenna menemme yhdessä kauppaan", "Missä on lähin rautatieasema"),
    "ro": ("Mâine plecăm la munte cu mașina", "Unde este cea mai apropiată farmacie"),
}
# fmt: off
COUNTED_IN = (  # languages in which training hears numbers only; espeak-ng 1.51 crashes in Vietnamese and Cantonese
    "af", "am", "ar", "az", "be", "bg", "bn", "bs", "ca", "cmn", "cy", "da", "el", "eo", "et", "eu", "fa", "ga",
    "gu", "he", "hi", "hr", "hy", "is", "ja", "ka", "kk", "kn", "ko", "ku", "lt", "lv", "mk", "ml", "mr", "ms",
    "mt", "nb", "ne", "pa", "sk", "sl", "sq", "sr", "sw", "ta", "te", "th", "tt", "uk", "ur", "uz"
)
# fmt: on
HELD_OUT_TALK = ("it", "nl", "fi", "ro")
CALIBRATING = {  # in languages of which training hears numbers only, so that talk in them is as new as any
    "ca": ("Demà al matí vull anar a la botiga amb els nens", "Necessito comprar pa i llet abans de sopar"),
    "da": ("I morgen skal jeg til tandlæge klokken ni", "Kan du række mig avisen fra bordet"),
    "nb": ("Toget til byen går om et kvarter", "Har du sett nøklene mine et sted"),
    "af": ("Ek gaan môre winkel toe om brood te koop", "Waar is die naaste bushalte"),
    "eo": ("Morgaŭ mi vizitos mian fratinon en la urbo", "Ĉu vi havas liberan tablon"),
    "sk": ("Zajtra ideme spolu do divadla", "Kde je prosím najbližšia lekáreň"),
    "sl": ("Jutri grem na obisk k babici", "Koliko stane ta knjiga"),
    "hr": ("Sutra idem kod zubara u grad", "Gdje je ovdje najbliža pošta"),
    "ms": ("Saya hendak membeli sayur di kedai esok", "Pukul berapa bas ini bertolak"),
    "el": ("Αύριο το πρωί πηγαίνω στη δουλειά με το λεωφορείο", "Πόσο κάνει αυτό το βιβλίο"),
    "bg": ("Утре ще ходим на пазар в града", "Колко струва един билет"),
    "uk": ("Завтра я піду до лікаря", "Де тут найближча аптека"),
    "sw": ("Kesho nitakwenda sokoni kununua mboga", "Basi hili linakwenda wapi"),
    "lt": ("Rytoj važiuosime pas močiutę", "Kiek kainuoja šis bilietas"),
    "cy": ("Rydw i'n mynd i'r siop yfory", "Ble mae'r orsaf agosaf"),
    "eu": ("Bihar goizean lanera joango naiz", "Non dago geltokia"),
}


IN_ORDER = 0.7  # of the talk to calibrate by


@dataclass(frozen=True)
class Sentence:
    """`meaning`: the English sentence whose features are what is meant."""

    text: str
    language: str
    labels: Labels
    meaning: str


def sentences(count: int, seed: int, language: str) -> list[Sentence]:
    """Different sentences of the grammar. The Portuguese mean an English one of the same labels: what the text
    encoder makes of Portuguese is not of much use."""
    rng = np.random.default_rng([seed, ("en", "pt").index(language)])
    made: dict[str, Sentence] = {}
    while len(made) < count:
        text, labels, changes = _one(rng, language)
        meaning = (
            text if language == "en" else _say(labels, changes, np.random.default_rng([9, *np.add(labels, 1)]), "en")
        )
        made.setdefault(text.lower().rstrip("."), Sentence(text, language, labels, meaning))
    return list(made.values())


def numbered(labels: Labels) -> Labels:
    """The same with the number of all names where nothing is said, as the text adapter's heads have it."""
    place, time, weather = (
        one if one >= 0 else len(names) for one, names in zip(labels, (PLACES, TIMES, WEATHERS), strict=True)
    )
    return place, time, weather


def drawn(rng: np.random.Generator, language: str) -> tuple[str, Labels]:
    """A sentence of the grammar, and what it says."""
    text, labels, _ = _one(rng, language)
    return text, labels


def _one(rng: np.random.Generator, language: str) -> tuple[str, Labels, bool]:
    changes = bool(rng.uniform() < 0.3)
    while True:
        place, time, weather = (
            int(rng.integers(len(names))) if rng.uniform() < 0.65 else -1 for names in (PLACES, TIMES, WEATHERS)
        )
        labels: Labels = (-1 if changes else place, time, weather)
        if any(part >= 0 for part in labels):
            return _say(labels, changes, rng, language), labels, changes


def _say(labels: tuple[int, ...], changes: bool, rng: np.random.Generator, language: str) -> str:
    place, time, weather = (
        names[i] if i >= 0 else None for names, i in zip((PLACES, TIMES, WEATHERS), labels, strict=True)
    )
    if changes and (time or weather):
        return change(time, weather, rng, language)
    return describe(place, time, weather, rng, language)


def parts(features: Tensor, mask: Tensor) -> Tensor:
    """A sentence's features [32, 384] with their mask -> [13, 384]: the sentence embedding, and the means of PARTS
    equal shares of its word pieces."""
    count = int(mask.sum()) - 1
    edges = torch.linspace(0, count, PARTS + 1)
    pieces = torch.arange(count)
    share = (torch.minimum(pieces + 1.0, edges[1:, None]) - torch.maximum(pieces + 0.0, edges[:-1, None])).clamp_min(0)
    return torch.cat([features[:1], (share / share.sum(1, keepdim=True)) @ features[1 : 1 + count]])


def meanings(of: Sequence[Sentence], encoder: TextEncoder) -> Tensor:
    """The features [N, 13, 384] of what is meant, in half precision."""
    texts = sorted({sentence.meaning for sentence in of})
    known: dict[str, Tensor] = {}
    for first in range(0, len(texts), 32):
        some = texts[first : first + 32]
        features, mask = encoder.features(some)
        known |= {text: parts(f, m).half() for text, f, m in zip(some, features, mask, strict=True)}
    return torch.stack([known[sentence.meaning] for sentence in of])


def foreign(rng: np.random.Generator, languages: Sequence[str]) -> tuple[str, str]:
    """A language, and something said in it: an everyday sentence, its words in some order, or numbers."""
    language = str(rng.choice(list(languages)))
    if language in COUNTED_IN:
        return language, ", ".join(str(int(10 ** rng.uniform(0, 6))) for _ in range(int(rng.integers(1, 4))))
    sentence = str(rng.choice(list(FOREIGN[language])))
    kind = rng.uniform()
    if kind < 0.45:
        return language, str(int(rng.integers(100, 10_000_000)))
    if kind < 0.75:
        words = sentence.split()
        return language, " ".join(str(word) for word in rng.permutation(words))
    return language, sentence


def new_talk(rng: np.random.Generator) -> tuple[str, str]:
    """A language of CALIBRATING, and something said in it, its words in some order now and then."""
    language = str(rng.choice(list(CALIBRATING)))
    sentence = str(rng.choice(list(CALIBRATING[language])))
    if rng.uniform() < IN_ORDER:
        return language, sentence
    return language, " ".join(str(word) for word in rng.permutation(sentence.split()))
