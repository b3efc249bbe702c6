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
from model.conditioning.meaning import TextAdapter
from model.voice import naming
from model.voice.encoder import CLASSES, KIND, OBEYED, Heard, VoiceEncoder
from model.voice.lexicon import Lexicon
from model.voice.naming import SpokenNames
from model.voice.spectra import at_speed

Lexicons = dict[str, dict[str, list[int]]]
SPEEDS = (0.88, 0.94, 1.06, 1.12)  # at which an utterance is heard again for its names: lower and higher voices


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
        """Utterances [B, S] at 16 kHz, of which so many steps [B] count."""
        heard = self._encoder(pcm, steps)
        steps = steps.clamp(1, heard.states.shape[1])
        named, plainly = None, heard.meaning
        if self._naming is not None:
            names = self._names(self._naming.names, pcm, steps, heard)
            named, plainly = torch.stack([part.argmax(-1) for part in names], -1), self._naming.plainly(names)
        return [
            self._row(heard, row, int(count))._replace(
                meaning=plainly[row], named=None if named is None else tuple(named[row].tolist())
            )
            for row, count in enumerate(steps)
        ]

    def _names(self, names: SpokenNames, pcm: Tensor, steps: Tensor, heard: Heard) -> list[Tensor]:
        """Log probabilities, summed over the utterances as they are and at other speeds: what a voice that training
        never heard hides at one speed it tells at another."""
        told = [names(heard.states, steps)]
        for speed in SPEEDS:
            again = at_speed(pcm, speed)
            fewer = (steps / speed).long().clamp_min(1)
            told.append(names(self._encoder(again, fewer).states, fewer))
        return [torch.stack([part.log_softmax(-1) for part in parts]).sum(0) for parts in zip(*told, strict=True)]

    def _row(self, heard: Heard, row: int, steps: int) -> Reading:
        """As the encoder alone has it."""
        sounds = heard.sounds[row, :steps].numpy()
        words, mean = max((lexicon.decode(sounds) for lexicon in self._lexicons), key=lambda said: said[1])
        chances = heard.kind[row].softmax(-1)
        odds = float(chances[0].clamp(1e-6, 1 - 1e-6).logit())
        evidence = Evidence(odds, float(heard.nearness[row]), mean, mean - float(sounds.max(1).mean()))
        meaning, kind = heard.meaning[row], int(chances.argmax())
        return Reading(meaning, None, meaning, kind, evidence, self._confidence.of(evidence), words)


assert CLASSES[0] == "speech"
