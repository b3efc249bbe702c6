"""What the names of spoken sentences are learned from: sentences drawn anew, said in accents that are drawn too, and
heard by the frozen encoder. Knows its states, kept in files, a byte a number; nothing of who learns."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.voice.batches import Background, Surroundings, amid, collated
from model.voice.encoder import VoiceEncoder
from model.voice.saying import language_of, said
from model.voice.sentences import Labels, drawn, numbered
from model.voice.utterances import SPEECH, Speaker, kept_apart, plain

Wave = NDArray[np.float32]

A_FILE = 1000
HEARD = Surroundings(3.0, 35.0)
ROWS = 20  # that the encoder hears at once
FULL = 127.0  # a state of 1


@dataclass(frozen=True)
class Heard:
    """states int8 [all steps, H] and where each utterance's begin [N + 1], in order of length; said [N, 3], names as
    the text adapter numbers them."""

    states: Tensor
    begins: Tensor
    said: Tensor

    def take(self, which: Tensor) -> tuple[Tensor, Tensor]:
        """States [B, T, H], zeros behind each, and steps [B] of some utterances [B]."""
        first, steps = self.begins[which], self.begins[which + 1] - self.begins[which]
        place = torch.arange(int(steps.max()))
        mask = place < steps[:, None]
        at = (first[:, None] + place).where(mask, first[:, None])
        return self.states[at].float() * (mask[..., None] / FULL), steps


class Teacher:
    """Says and hears lessons; file `number` is a function of its number, the encoder and the backgrounds."""

    def __init__(self, encoder: VoiceEncoder, background: Background) -> None:
        self._encoder, self._background = encoder, background
        self._speaker = Speaker(unseen=False)
        self._apart = {plain(sentence.text) for sentence in kept_apart()}

    def lesson(self, rng: np.random.Generator) -> tuple[Wave, Labels]:
        """What a microphone hears [S], and the names that are said in it."""
        while True:
            language = language_of(rng)
            text, labels = drawn(rng, language)
            if plain(text) not in self._apart:
                return amid(self._say(text, language, rng), self._background, rng, HEARD), numbered(labels)

    def _say(self, text: str, language: str, rng: np.random.Generator) -> Wave:
        return said(self._speaker.espeak, text, language, self._speaker.variants, rng)

    def heard(self, folder: Path, number: int) -> Heard:
        """A file of the folder, written where it is not there."""
        path = folder / f"heard-{number:03d}.safetensors"
        if not path.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(f".{os.getpid()}.tmp")
            save_file(vars(self._hear(number)), temporary)
            temporary.rename(path)
        return Heard(**load_file(path))

    @torch.inference_mode()
    def _hear(self, number: int) -> Heard:
        rng = np.random.default_rng([number, 83])
        lessons = sorted((self.lesson(rng) for _ in range(A_FILE)), key=lambda lesson: len(lesson[0]))
        states: list[Tensor] = []
        for first in range(0, A_FILE, ROWS):
            batch = collated([(pcm, -1, SPEECH) for pcm, _ in lessons[first : first + ROWS]])
            heard = self._encoder(batch.pcm, batch.steps).states
            states += [row[:steps] for row, steps in zip(heard, batch.steps.tolist(), strict=True)]
        ends = torch.tensor([len(one) for one in states]).cumsum(0)
        begins = torch.cat([torch.zeros(1, dtype=ends.dtype), ends])
        bytes_of = (torch.cat(states) * FULL).round().to(torch.int8)
        return Heard(bytes_of, begins, torch.tensor([said for _, said in lessons]))
