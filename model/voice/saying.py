"""A sentence said aloud as training says it: by a voice, in a manner and in an accent that are drawn.
Knows espeak-ng's voices of training; nothing of rooms, networks and what is meant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from model.voice.accents import accented
from model.voice.espeak import Espeak
from model.voice.spectra import RATE
from model.voice.utterances import ACCENTS, MOST_S, manner

ENGLISH, ACCENTED = 0.65, 0.75  # of the sentences; of the English ones, those in an accent of no country
NEXT_TO = "en-gb-x-gbcwmd"  # an English accent that neither the files of training nor any measuring hears
SHIFTS = (0.82, 1.2)  # of the whole spectrum


def language_of(rng: np.random.Generator) -> str:
    """In which language the next sentence is said."""
    return "en" if rng.uniform() < ENGLISH else "pt"


def said(
    espeak: Espeak, text: str, language: str, variants: list[str], rng: np.random.Generator
) -> NDArray[np.float32]:
    """The sentence [S] in [-1, 1] at 16 kHz, by one of the variants of a voice. Raises EspeakMissing."""
    accents = (*ACCENTS[language], NEXT_TO) if language == "en" else ACCENTS[language]
    how = manner(rng, str(rng.choice(accents)), variants)
    how = replace(how, shift=float(rng.uniform(*SHIFTS)))
    if language == "en" and rng.uniform() < ACCENTED:
        clauses = espeak.spelling(text, how.voice)
        text = f"[[{' _: '.join(accented(clause, rng) for clause in clauses)}]]"
    return espeak.say(text, how)[: int(MOST_S * RATE)]
