"""Batches of utterances as a microphone gives them, with what was meant by each.
Knows files of clean speech, rooms and backgrounds; a batch is a function of its seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.sound.recordings import Recording
from model.voice import rooms, utterances
from model.voice.spectra import RATE, STEP

LEAD_S, TAIL_S = (0.05, 0.35), (0.15, 0.45)  # what voice activity detection leaves around an utterance
QUICK = 1600
SPREAD = 16  # a batch is drawn from so many times its rows that are of neighbouring lengths
OTHER = 0.14  # of the rows of a batch is silence, and as many are music


class Batch(NamedTuple):
    """pcm [B, S], steps [B], sentence [B] (-1: none), kind [B]."""

    pcm: Tensor
    steps: Tensor
    sentence: Tensor
    kind: Tensor


@dataclass(frozen=True)
class Surroundings:
    """How loud a voice is over what is behind it, from one to the other, and how many voices are in a room."""

    low_db: float
    high_db: float
    rooms: float = 0.6


@dataclass(frozen=True)
class Background:
    """Sounds of the synthetic worlds, some of them at 16 kHz [S] each."""

    worlds: list[NDArray[np.float32]]

    @classmethod
    def of(cls, recordings: list[Recording]) -> Background:
        return cls([rooms.at_16k(one.pcm.float() / 32767).numpy() for one in recordings])

    def some(self, samples: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Noise, music, or a piece of a world's sound."""
        kind = rng.uniform()
        if kind < 0.5 or not self.worlds:
            return rooms.noise(samples, rng)
        if kind < 0.7:
            return rooms.music(samples, rng)
        world = self.worlds[int(rng.integers(len(self.worlds)))]
        first = int(rng.integers(max(len(world) - samples, 1)))
        return np.resize(world[first : first + samples], samples)


class Utterances:
    """Clean speech in memory, a file more every few steps, and what it is mixed with."""

    def __init__(self, folder: Path, background: Background, unseen: bool = False) -> None:
        self._folder, self._background, self._unseen = folder, background, unseen
        self._clean: list[tuple[NDArray[np.float32], int]] = []
        self._by_length: list[int] = []
        self._files = 0

    def grow(self, files: int) -> None:
        """At least so many files of 250 utterances."""
        while self._files < files:
            pcm, lengths, sentences = utterances.batch(self._folder, self._files, self._unseen)
            for one, sentence in zip(pcm.split(lengths.tolist()), sentences.tolist(), strict=True):
                self._clean.append((one.numpy().astype(np.float32) / 32768, sentence))
            self._files += 1
        if len(self._by_length) < len(self._clean):
            self._by_length = sorted(range(len(self._clean)), key=lambda index: len(self._clean[index][0]))

    @property
    def count(self) -> int:
        return len(self._clean)

    def batch(self, rows: int, seed: list[int], where: Surroundings) -> Batch:
        """Rows by chance of about the same length: most of them speech."""
        rng = np.random.default_rng(seed)
        alike = SPREAD * rows
        first = int(rng.integers(max(len(self._by_length) - alike, 1)))
        near = self._by_length[first : first + alike]
        return collated([self._row(near, rng, where) for _ in range(rows)])

    def speech(self, index: int, snr_db: float) -> tuple[NDArray[np.float32], int, int]:
        """The clean utterance of an index in a room, at exactly this loudness over noise."""
        return self._speech(index, np.random.default_rng([index, 77]), Surroundings(snr_db, snr_db))

    def _row(
        self, near: list[int], rng: np.random.Generator, where: Surroundings
    ) -> tuple[NDArray[np.float32], int, int]:
        kind, index = rng.uniform(), near[int(rng.integers(len(near)))]
        if kind > 2 * OTHER:
            return self._speech(index, rng, where)
        samples = whole(len(self._clean[index][0]) + int(rng.uniform(0.3, 0.6) * RATE))
        if kind < OTHER:
            return rooms.microphone(rooms.music(samples, rng), rng), -1, utterances.MUSIC
        quiet = rooms.microphone(self._background.some(samples, rng), rng) * float(rng.uniform(0.0, 0.6))
        return quiet.astype(np.float32), -1, utterances.SILENCE

    def _speech(
        self, index: int, rng: np.random.Generator, where: Surroundings
    ) -> tuple[NDArray[np.float32], int, int]:
        pcm, sentence = self._clean[index]
        heard = amid(pcm, self._background, rng, where)
        return heard, sentence, utterances.SPEECH if sentence >= 0 else utterances.TALK


def amid(
    pcm: NDArray[np.float32], background: Background, rng: np.random.Generator, where: Surroundings
) -> NDArray[np.float32]:
    """A clean utterance as a microphone hears it, with some silence around it, in a room now and then, over a
    background."""
    lead, tail = (np.zeros(int(rng.uniform(*bounds) * RATE), np.float32) for bounds in (LEAD_S, TAIL_S))
    voice = np.concatenate([lead, pcm, tail])
    voice = np.pad(voice, (0, whole(len(voice)) - len(voice)))
    if rng.uniform() < where.rooms:
        voice = rooms.room(voice, rng)
    heard = rooms.mixed(voice, background.some(len(voice), rng), float(rng.uniform(where.low_db, where.high_db)))
    return rooms.microphone(heard, rng)


def whole(samples: int) -> int:
    """So many samples or a few more, for which a Fourier transform is quick."""
    return -(-samples // QUICK) * QUICK


def collated(rows: list[tuple[NDArray[np.float32], int, int]]) -> Batch:
    """Rows of different lengths as one batch, with zeros behind them."""
    longest = max(len(pcm) for pcm, _, _ in rows)
    pcm = torch.zeros(len(rows), -(-longest // STEP) * STEP)
    for row, (one, _, _) in zip(pcm, rows, strict=True):
        row[: len(one)] = torch.from_numpy(one)
    return Batch(
        pcm,
        torch.tensor([len(one) // STEP for one, _, _ in rows]),
        torch.tensor([sentence for _, sentence, _ in rows]),
        torch.tensor([kind for _, _, kind in rows]),
    )
