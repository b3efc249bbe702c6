"""The figures of a voice encoder: does what was meant arrive, by synthetic voices and in sentences that it never heard?
Knows utterances and features. Figures for espeak-ng's voices; they say nothing of human ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model.voice import rooms
from model.voice.batches import Utterances, collated
from model.voice.encoder import OBEYED, VoiceEncoder
from model.voice.spectra import RATE
from model.voice.utterances import MUSIC, SILENCE, SPEECH, Speaker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.voice.sentences import Sentence

ROWS = 16


def nearest(meaning: Tensor, bank: Tensor) -> Tensor:
    """The index in a bank of features [N, 13, 384] that is nearest to each meaning [B, 13, 384], by cosine."""
    return (F.normalize(meaning.flatten(1), dim=-1) @ F.normalize(bank.float().flatten(1), dim=-1).T).argmax(-1)


@torch.inference_mode()
def attributes(
    encoder: VoiceEncoder, spoken: Utterances, bank: tuple[Sequence[Sentence], Tensor], snr_db: float
) -> dict[str, float]:
    """Of all sentences among the utterances, at this loudness over noise: the share whose nearest caption in the bank
    has all the right attributes (`attributes_right`), and of those with a confidence that is obeyed (`obeyed`: their
    share). The bank has every sentence's own meaning in it."""
    sentences, features = bank
    right, obeyed, both, count = 0, 0, 0, 0
    rows = [row for index in range(spoken.count) if (row := spoken.speech(index, snr_db))[2] == SPEECH]
    for first in range(0, len(rows), ROWS):
        batch = collated(rows[first : first + ROWS])
        heard = encoder(batch.pcm, batch.steps)
        sure = heard.kind.softmax(-1)[:, SPEECH] * heard.nearness.sigmoid() >= OBEYED
        for told, true, taken in zip(
            nearest(heard.meaning, features).tolist(), batch.sentence.tolist(), sure.tolist(), strict=True
        ):
            fits = sentences[told].labels == sentences[true].labels
            right, obeyed, both, count = right + fits, obeyed + taken, both + (fits and taken), count + 1
    return {
        "attributes_right": right / max(count, 1),
        "obeyed": obeyed / max(count, 1),
        "right_of_obeyed": both / max(obeyed, 1),
        "utterances": float(count),
    }


@torch.inference_mode()
def false_utterances(encoder: VoiceEncoder, minutes: float, seed: int) -> dict[str, int]:
    """How many pieces of music, of noise and of foreign talk, so many minutes each, would be obeyed."""
    speaker, rng = Speaker(unseen=True), np.random.default_rng(seed)
    makers = {
        "music": lambda: rooms.music(int(3 * RATE), rng),
        "noise": lambda: rooms.noise(int(3 * RATE), rng) * float(rng.uniform(0.01, 0.3)),
        "foreign": lambda: speaker.foreign(rng),
    }
    found = {}
    for name, make in makers.items():
        left_s, obeyed = 60 * minutes, 0
        while left_s > 0:
            pcm = rooms.microphone(np.asarray(make(), np.float32), rng)
            left_s -= max(len(pcm) / RATE, 0.1)
            batch = collated([(pcm, -1, SILENCE if name == "noise" else MUSIC)])
            heard = encoder(batch.pcm, batch.steps)
            obeyed += int(float(heard.kind.softmax(-1)[0, SPEECH] * heard.nearness[0].sigmoid()) >= OBEYED)
        found[f"false_{name}"] = obeyed
    return found
