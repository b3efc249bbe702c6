"""The voice encoder with its lexicons: utterances -> what was meant, the words to show, and how sure that is.
Knows networks and words; refuses to know rooms and microphones."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from model import checkpoint
from model.voice.encoder import CLASSES, KIND, OBEYED, Heard, VoiceEncoder
from model.voice.lexicon import Lexicon

Lexicons = dict[str, dict[str, list[int]]]


class Evidence(NamedTuple):
    """What speaks for an utterance: how likely it is speech to the world, and its meaning right, as log odds; the mean
    log probability of a step of the likeliest known words; and how far that is below the likeliest sounds."""

    kind: float
    nearness: float
    words: float
    gap: float


class Confidence(NamedTuple):
    """A logistic regression from evidence to 0..1. Foreign talk has phonemes, but they make no words that are known."""

    weights: tuple[float, float, float, float]
    bias: float

    def of(self, evidence: Evidence) -> float:
        """How sure it is that this was said to the world and is understood."""
        odds = self.bias + sum(weight * part for weight, part in zip(self.weights, evidence, strict=True))
        return 1 / (1 + math.exp(-max(min(odds, 50.0), -50.0)))

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


class Reading(NamedTuple):
    """`meaning` [13, 384]; `kind`: an index of CLASSES."""

    meaning: Tensor
    kind: int
    evidence: Evidence
    confidence: float
    words: list[str]

    @property
    def obeyed(self) -> bool:
        """Whether a world shall act on it."""
        return self.kind == 0 and self.confidence >= OBEYED


class Reader:
    """For one thread at a time."""

    def __init__(self, encoder: VoiceEncoder, lexicons: Lexicons, confidence: Confidence) -> None:
        self._encoder, self._confidence = encoder, confidence
        self._lexicons = [Lexicon.of(words) for words in lexicons.values()]

    @classmethod
    def load(cls, path: Path) -> Reader:
        """Raises CheckpointError."""
        facts = checkpoint.load_extra(path, KIND)
        return cls(VoiceEncoder.load(path), facts["lexicons"], Confidence.read(facts, path))

    @torch.inference_mode()
    def read(self, pcm: Tensor, steps: Tensor) -> list[Reading]:
        """Utterances [B, S] at 16 kHz, of which so many steps [B] count."""
        heard = self._encoder(pcm, steps)
        return [self._row(heard, row, max(int(count), 1)) for row, count in enumerate(steps)]

    def _row(self, heard: Heard, row: int, steps: int) -> Reading:
        sounds = heard.sounds[row, :steps].numpy()
        words, mean = max((lexicon.decode(sounds) for lexicon in self._lexicons), key=lambda said: said[1])
        chances = heard.kind[row].softmax(-1)
        odds = float(chances[0].clamp(1e-6, 1 - 1e-6).logit())
        evidence = Evidence(odds, float(heard.nearness[row]), mean, mean - float(sounds.max(1).mean()))
        return Reading(heard.meaning[row], int(chances.argmax()), evidence, self._confidence.of(evidence), words)


assert CLASSES[0] == "speech"
