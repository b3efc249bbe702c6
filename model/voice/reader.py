"""The voice encoder with its lexicons and names: utterances -> what was meant, said again plainly, the words to show,
and how sure that is. Knows networks and words; refuses to know rooms and microphones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from model import checkpoint
from model.conditioning import meaning as text
from model.conditioning.meaning import NAMES, TextAdapter
from model.voice import naming
from model.voice.encoder import CLASSES, KIND, OBEYED, Heard, VoiceEncoder
from model.voice.lexicon import Lexicon
from model.voice.naming import SpokenNames
from model.voice.spectra import at_speed

Lexicons = dict[str, dict[str, list[int]]]
SPEEDS = (0.88, 0.94, 1.06, 1.12)  # at which an utterance is heard again: by lower and by higher voices


UNSAID = tuple(count - 1 for count in NAMES)


class Evidence(NamedTuple):
    """What speaks for an utterance: how likely it is speech to the world, and its meaning right, as log odds, medians
    over the speeds; the mean log probability of a step of the likeliest known words; and how far that is below the
    likeliest sounds."""

    kind: float
    nearness: float
    words: float
    gap: float


class Confidence(NamedTuple):
    """A logistic regression from evidence to 0..1. Foreign talk has phonemes, but they make no words that are known."""

    weights: tuple[float, float, float, float]
    bias: float

    def odds(self, evidence: Evidence) -> float:
        """As log odds."""
        return self.bias + sum(weight * part for weight, part in zip(self.weights, evidence, strict=True))

    def of(self, evidence: Evidence) -> float:
        """How sure it is that this was said to the world and is understood."""
        return 1 / (1 + math.exp(-max(min(self.odds(evidence), 50.0), -50.0)))

    @classmethod
    def read(cls, values: dict[str, Any], path: Path) -> Confidence:
        """Out of a checkpoint's facts. Raises CheckpointError."""
        try:
            first, second, third, fourth = map(float, values["confidence"]["weights"])
            return cls((first, second, third, fourth), float(values["confidence"]["bias"]))
        except (KeyError, TypeError, ValueError) as error:
            raise checkpoint.CheckpointError(
                f"expected a voice encoder whose confidence was calibrated at {path}, found none: "
                "run python -m model.voice.calibrating"
            ) from error


class Naming(NamedTuple):
    """What names an utterance by the encoder's states, and what says names [B] again, as the features [B, 13, 384] of a
    plain sentence that the networks know."""

    names: SpokenNames
    plainly: Callable[[Sequence[Tensor]], Tensor]

    @classmethod
    def load(cls, encoder: Path) -> Naming | None:
        """Out of the folder of an encoder's file; None where it has no names, or nothing that says them again. Raises
        CheckpointError."""
        names, adapter = encoder.parent / naming.FILE, encoder.parent / text.FILE
        if not names.is_file() or not adapter.is_file():
            return None
        return cls(SpokenNames.load(names, encoder), TextAdapter.load(adapter).plainly)


class Reading(NamedTuple):
    """`heard` [13, 384]: what was meant as the encoder made it, which lies between sentences where it is unsure;
    `named`: indices of place, time and weather, the number of names where not said, None where nothing names;
    `meaning` [13, 384]: what a world shall hear, those names said plainly; `kind`: an index of CLASSES."""

    heard: Tensor
    named: tuple[int, ...] | None
    meaning: Tensor
    kind: int
    evidence: Evidence
    confidence: float
    words: list[str]

    @property
    def obeyed(self) -> bool:
        """Whether a world shall act on it."""
        return self.kind == 0 and self.confidence >= OBEYED

    def _named(self, said: tuple[int, ...], plainly: Tensor) -> Reading:
        """The same with names. A sentence that names nothing asks a world for nothing: it is no wish, for sure."""
        confidence = 0.0 if said == UNSAID else self.confidence
        return self._replace(named=said, meaning=plainly, confidence=confidence)


class Reader:
    """For one thread at a time."""

    def __init__(
        self, encoder: VoiceEncoder, lexicons: Lexicons, confidence: Confidence, naming: Naming | None = None
    ) -> None:
        self._encoder, self._confidence, self._naming = encoder, confidence, naming
        self._lexicons = [Lexicon.of(words) for words in lexicons.values()]

    @classmethod
    def load(cls, path: Path) -> Reader:
        """The encoder of a file, with the names of its folder, if there are any. Raises CheckpointError."""
        facts = checkpoint.load_extra(path, KIND)
        return cls(VoiceEncoder.load(path), facts["lexicons"], Confidence.read(facts, path), Naming.load(path))

    @torch.inference_mode()
    def read(self, pcm: Tensor, steps: Tensor) -> list[Reading]:
        """Utterances [B, S] at 16 kHz, of which so many steps [B] count. What a voice that training never heard hides
        at one speed it tells at another."""
        told = [self._hear(pcm, steps), *(self._hear(at_speed(pcm, speed), steps / speed) for speed in SPEEDS)]
        heard, steps = told[0]
        named, plainly = None, heard.meaning
        if self._naming is not None:
            names = _summed([self._naming.names(other.states, count) for other, count in told])
            named, plainly = torch.stack([part.argmax(-1) for part in names], -1), self._naming.plainly(names)
        odds = torch.stack([_odds(other.kind) for other, _ in told]).median(0).values
        nearness = torch.stack([other.nearness for other, _ in told]).median(0).values
        rows = [
            self._row(heard, row, int(count), (float(odds[row]), float(nearness[row])))
            for row, count in enumerate(steps)
        ]
        if named is None:
            return rows
        return [row._named(tuple(said), plain) for row, said, plain in zip(rows, named.tolist(), plainly, strict=True)]

    def _hear(self, pcm: Tensor, steps: Tensor) -> tuple[Heard, Tensor]:
        """What the encoder makes of utterances, and how many of its states count."""
        heard = self._encoder(pcm, steps.long().clamp_min(1))
        return heard, steps.long().clamp(1, heard.states.shape[1])

    def _row(self, heard: Heard, row: int, steps: int, sure: tuple[float, float]) -> Reading:
        """As the encoder alone has it. `sure`: that it is speech, and of its meaning, at most speeds."""
        sounds = heard.sounds[row, :steps].numpy()
        words, mean = max((lexicon.decode(sounds) for lexicon in self._lexicons), key=lambda said: said[1])
        evidence = Evidence(*sure, mean, mean - float(sounds.max(1).mean()))
        meaning, kind = heard.meaning[row], int(heard.kind[row].argmax())
        return Reading(meaning, None, meaning, kind, evidence, self._confidence.of(evidence), words)


def _summed(told: Sequence[tuple[Tensor, ...]]) -> list[Tensor]:
    """Log probabilities of names [B, names] each, summed over how often they were told."""
    return [torch.stack([part.log_softmax(-1) for part in parts]).sum(0) for parts in zip(*told, strict=True)]


def _odds(kind: Tensor) -> Tensor:
    """How likely each row [B, 4] is speech to the world, as log odds."""
    return kind.softmax(-1)[:, 0].clamp(1e-6, 1 - 1e-6).logit()


assert CLASSES[0] == "speech"
