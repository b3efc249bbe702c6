"""Phoneme probabilities to words to show: the likeliest sequence of known words, by token passing.
Knows how words are pronounced; what they mean, and what a world obeys, is not decided here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WORD_COST = 2.0  # in nats, of every word: or short words fill every noise

Words = dict[str, list[int]]  # a word -> its phonemes, numbered from 1; 0 is the blank


@dataclass
class Lexicon:
    """All words of one language in one chain of states: blank, phoneme, blank, ... of each (CTC, Graves 2006)."""

    words: list[str]
    symbol: NDArray[np.int64]  # of each state
    first: NDArray[np.int64]  # the first state of each word, a blank
    last: NDArray[np.int64]  # its last state, a blank
    skips: NDArray[np.bool_]  # whether a state may be entered from two before

    @classmethod
    def of(cls, words: Words) -> Lexicon:
        """Raises ValueError where there is no word, or one without a sound."""
        if not words or not all(words.values()):
            raise ValueError("expected words that each have a phoneme at least")
        symbols: list[int] = []
        first, last = [], []
        for sounds in words.values():
            first.append(len(symbols))
            symbols += [0]
            for sound in sounds:
                symbols += [sound, 0]
            last.append(len(symbols) - 1)
        symbol = np.array(symbols)
        before = np.concatenate([[-1, -1], symbol[:-2]])
        return cls(list(words), symbol, np.array(first), np.array(last), (symbol > 0) & (symbol != before))

    def decode(self, sounds: NDArray[np.float32]) -> tuple[list[str], float]:
        """Log probabilities [T, 1 + phonemes] -> words, and the mean log probability of a step."""
        states = len(self.symbol)
        entering = np.full(states, False)
        entering[self.first] = entering[self.first + 1] = True
        score = np.full(states, -np.inf)
        score[self.first] = score[self.first + 1] = -WORD_COST
        score += sounds[0, self.symbol]
        begun = np.zeros(states, np.int64)
        ends: list[tuple[float, int, int]] = []
        for t in range(1, len(sounds)):
            score, begun = self._step(score, begun, t, ends)
            score += sounds[t, self.symbol]
        ends.append(self._ended(score, begun))
        return self._read(ends), float(ends[-1][0]) / len(sounds)

    def _step(
        self, score: NDArray[np.float64], begun: NDArray[np.int64], t: int, ends: list[tuple[float, int, int]]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """One step on: stay, go on, or begin another word where the best one ends."""
        best = self._ended(score, begun)
        ends.append(best)
        one, two = np.roll(score, 1), np.where(self.skips, np.roll(score, 2), -np.inf)
        one[self.first] = -np.inf
        two[self.first + 1] = -np.inf
        choices = np.stack([score, one, two])
        pick = choices.argmax(0)
        moved = choices[pick, np.arange(len(score))]
        since = np.stack([begun, np.roll(begun, 1), np.roll(begun, 2)])[pick, np.arange(len(score))]
        for start in (self.first, self.first + 1):
            better = best[0] - WORD_COST > moved[start]
            moved[start] = np.where(better, best[0] - WORD_COST, moved[start])
            since[start] = np.where(better, t, since[start])
        return moved, since

    def _ended(self, score: NDArray[np.float64], begun: NDArray[np.int64]) -> tuple[float, int, int]:
        """The best score of a word that may end now, which one it is, and when it began."""
        finals = np.maximum(score[self.last], score[self.last - 1])
        word = int(finals.argmax())
        state = self.last[word] if score[self.last[word]] >= score[self.last[word] - 1] else self.last[word] - 1
        return float(finals[word]), word, int(begun[state])

    def _read(self, ends: list[tuple[float, int, int]]) -> list[str]:
        """The words, from the last one back to the first."""
        said, t = [], len(ends) - 1
        while t >= 0:
            _, word, begun = ends[t]
            said.append(self.words[word])
            t = begun - 1
        return said[::-1]
