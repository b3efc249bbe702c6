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
from model.voice.reader import Reader
from model.voice.sentences import numbered
from model.voice.spectra import RATE
from model.voice.utterances import SILENCE, SPEECH, Speaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from model.voice.sentences import Sentence

ROWS = 16
KINDS = ("music", "noise", "foreign")


def nearest(meaning: Tensor, bank: Tensor) -> Tensor:
    """The index in a bank of features [N, 13, 384] that is nearest to each meaning [B, 13, 384], by cosine."""
    return (F.normalize(meaning.flatten(1), dim=-1) @ F.normalize(bank.float().flatten(1), dim=-1).T).argmax(-1)


def attributes(
    reader: Reader, spoken: Utterances, bank: tuple[Sequence[Sentence], Tensor], snr_db: float
) -> Iterator[tuple[int, dict[str, float]]]:
    """Of each sentence among the utterances, by its number, at this loudness over noise: whether the nearest caption in
    the bank has all the right attributes (`attributes_right`), whether just those are named that are said
    (`named_right`: what a world hears), and whether its confidence is high enough (`obeyed`); where it is,
    `right_of_obeyed`. The bank has every sentence's own meaning in it. `.floor`: what another's gets."""
    sentences, features = bank
    rows = [(index, row) for index in range(spoken.count) if (row := spoken.speech(index, snr_db))[2] == SPEECH]
    labels = [sentences[sentence].labels for _, (_, sentence, _) in rows]
    for first in range(0, len(rows), ROWS):
        batch = collated([row for _, row in rows[first : first + ROWS]])
        read = reader.read(batch.pcm, batch.steps)
        told = nearest(torch.stack([one.heard for one in read]), features).tolist()
        for at, (one, caption) in enumerate(zip(read, told, strict=True), start=first):
            values = {"obeyed": float(one.obeyed)}
            for suffix, of in (("", labels[at]), (".floor", labels[at - 1])):
                values[f"attributes_right{suffix}"] = float(sentences[caption].labels == of)
                if one.named is not None:
                    values[f"named_right{suffix}"] = float(one.named == numbered(of))
            if one.obeyed:
                values["right_of_obeyed"] = values.get("named_right", values["attributes_right"])
            yield rows[at][0], values


def false_utterances(reader: Reader, what: str, minutes: int, seed: int) -> Iterator[tuple[int, int]]:
    """In each of so many minutes of music, noise or foreign talk: pieces that would be obeyed, and pieces."""
    speaker, rng = Speaker(unseen=True), np.random.default_rng([seed, KINDS.index(what)])
    makers: dict[str, Callable[[], NDArray[np.float32]]] = {
        "music": lambda: rooms.music(int(3 * RATE), rng),
        "noise": lambda: rooms.noise(int(3 * RATE), rng) * float(rng.uniform(0.01, 0.3)),
        "foreign": lambda: speaker.foreign(rng),
    }
    for _ in range(minutes):
        left_s, obeyed, pieces = 60.0, 0, 0
        while left_s > 0:
            pcm = rooms.microphone(np.asarray(makers[what](), np.float32), rng)
            left_s -= max(len(pcm) / RATE, 0.1)
            batch = collated([(pcm, -1, SILENCE)])
            obeyed, pieces = obeyed + reader.read(batch.pcm, batch.steps)[0].obeyed, pieces + 1
        yield obeyed, pieces
