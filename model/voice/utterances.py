"""Spoken sentences to train on, said by espeak-ng from a seed and kept as files of 250.
Knows voices and manners; nothing of networks. The running engine never imports it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.voice.espeak import Espeak, Manner
from model.voice.sentences import COUNTED_IN, FOREIGN, HELD_OUT_TALK, Sentence, foreign, sentences

BATCH = 250
SENTENCES = 1500  # a language, to train on
HELD_OUT_SENTENCES = 150
SPEECH, SILENCE, MUSIC, TALK = range(4)
ACCENTS = {"en": ("en-us", "en", "en-gb-x-rp", "en-029", "en-us-nyc"), "pt": ("pt-br", "pt")}
UNSEEN_ACCENTS = {"en": ("en-gb-scotland", "en-gb-x-gbclan", "en-us"), "pt": ("pt-br", "pt")}
UNSEEN_EVERY = 6  # of the variants, never heard in training
MOST_S = 6.0


@dataclass(frozen=True)
class Spoken:
    """`sentence`: an index into the sentences of both languages, English first; -1 for foreign talk."""

    pcm: NDArray[np.float32]
    sentence: int


def variants(espeak: Espeak, unseen: bool) -> list[str]:
    """The variants to train on, or those that are kept for measuring; whispers and effects of the throat among them."""
    return [name for number, name in enumerate(espeak.variants()) if (number % UNSEEN_EVERY == 2) == unseen]


def manner(rng: np.random.Generator, accent: str, names: list[str]) -> Manner:
    """A way to speak."""
    return Manner(
        f"{accent}+{rng.choice(names)}",
        speed=int(rng.integers(120, 230)),
        pitch=int(rng.integers(15, 90)),
        range=int(rng.integers(15, 90)),
        shift=float(rng.uniform(0.88, 1.14)),
    )


class Speaker:
    """Says sentences and foreign talk. `unseen`: by the voices, and of the sentences, that are kept for measuring."""

    def __init__(self, unseen: bool) -> None:
        self.espeak, self._unseen = Espeak(), unseen
        self.variants = variants(self.espeak, unseen)
        self.sentences = kept_apart() if unseen else to_learn()

    def speak(self, seed: int) -> Spoken:
        """An utterance of a seed: a sentence, one time in six foreign talk."""
        rng = np.random.default_rng([seed, 5 + self._unseen])
        accents = UNSEEN_ACCENTS if self._unseen else ACCENTS
        if rng.uniform() < 1 / 6:
            return Spoken(self.foreign(rng), -1)
        index = int(rng.integers(len(self.sentences)))
        sentence = self.sentences[index]
        how = manner(rng, str(rng.choice(accents[sentence.language])), self.variants)
        return Spoken(self.espeak.say(sentence.text, how)[: int(MOST_S * 16_000)], index)

    def foreign(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Talk that is not for a world, in a language that it does not know."""
        learned = [*(name for name in FOREIGN if name not in HELD_OUT_TALK), *COUNTED_IN]
        languages = HELD_OUT_TALK if self._unseen else learned
        language, text = foreign(rng, languages)
        return self.espeak.say(text, manner(rng, language, self.variants))[: int(MOST_S * 16_000)]


@cache
def to_learn() -> tuple[Sentence, ...]:
    """The sentences of training, English first."""
    return tuple(sentence for language in ("en", "pt") for sentence in sentences(SENTENCES, 11, language))


@cache
def kept_apart() -> tuple[Sentence, ...]:
    """Sentences that no training hears, English first."""
    known = {plain(sentence.text) for sentence in to_learn()}
    made = []
    for language in ("en", "pt"):
        fresh = [s for s in sentences(4 * HELD_OUT_SENTENCES, 12, language) if plain(s.text) not in known]
        made += fresh[:HELD_OUT_SENTENCES]
    return tuple(made)


def plain(text: str) -> str:
    """What two sentences that are said alike have in common."""
    return text.lower().rstrip(".")


def batch(folder: Path, number: int, unseen: bool = False) -> tuple[Tensor, Tensor, Tensor]:
    """Batch `number` of utterances: samples int16 of all, their lengths [250], their sentences [250]."""
    path = folder / f"{'unseen' if unseen else 'learned'}-{number:04d}.safetensors"
    if not path.is_file():
        speaker = Speaker(unseen)
        spoken = [speaker.speak(number * BATCH + i) for i in range(BATCH)]
        pcm = np.concatenate([np.round(one.pcm * 32767).astype(np.int16) for one in spoken])
        made = {
            "pcm": torch.from_numpy(pcm),
            "lengths": torch.tensor([len(one.pcm) for one in spoken]),
            "sentences": torch.tensor([one.sentence for one in spoken]),
        }
        folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        save_file(made, temporary)
        temporary.rename(path)
    read = load_file(path)
    return read["pcm"], read["lengths"], read["sentences"]
