"""How sure a voice encoder may be: python -m model.voice.calibrating [--weights DIR]. Fits the confidence on voices and
languages that measuring has not, and writes it into the checkpoint. Knows evidence; says nothing of human voices."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from configs.paths import WEIGHTS
from model import checkpoint
from model.voice import naming, rooms
from model.voice.batches import Background, Surroundings, amid, collated
from model.voice.encoder import FILE, KIND, OBEYED, VoiceConfig, VoiceEncoder
from model.voice.naming import NamingConfig
from model.voice.reader import Confidence, Evidence, Lexicons, Reader
from model.voice.saying import language_of, said
from model.voice.sentences import drawn, new_talk
from model.voice.utterances import SPEECH, TALK, Speaker, manner

NOT_YET = Confidence((0.0, 0.0, 0.0, 0.0), 0.0)
HEARD = Surroundings(3.0, 35.0)
RIDGE, STEPS = 0.03, 100  # with a smaller one the two figures of words change places from sample to sample
FOREIGN, ONE_IN = 6, 600  # foreign talk for each sentence; of that talk one in so many may be obeyed


def fitted(speech: Sequence[Evidence], foreign: Sequence[Evidence]) -> Confidence:
    """The regression that tells one from the other, by Newton's method, with a ridge over standard deviations."""
    known = np.array([*speech, *foreign])
    mean, spread = known.mean(0), known.std(0) + 1e-9
    rows = np.c_[(known - mean) / spread, np.ones(len(known))]
    true = np.r_[np.ones(len(speech)), np.zeros(len(foreign))]
    ridge = RIDGE * len(known) * np.array([*np.ones(known.shape[1]), 0.0])
    weights: NDArray[np.float64] = np.zeros(rows.shape[1])
    for _ in range(STEPS):
        said = 1 / (1 + np.exp(-rows @ weights))
        slope = rows.T @ (said - true) + ridge * weights
        bend = (rows.T * (said * (1 - said))) @ rows + np.diag(ridge) + 1e-9 * np.eye(len(weights))
        weights = weights - np.linalg.solve(bend, slope)
    first, second, third, fourth = (weights[:-1] / spread).tolist()
    return Confidence((first, second, third, fourth), float(weights[-1] - (weights[:-1] * mean / spread).sum()))


def strict(confidence: Confidence, foreign: Sequence[Evidence], most: int) -> Confidence:
    """The same, as sure as it may be: so many of these are obeyed, and no more."""
    odds = sorted((confidence.odds(one) for one in foreign), reverse=True)
    if len(odds) <= most:
        return confidence
    needed = math.log(OBEYED / (1 - OBEYED))
    return confidence._replace(bias=confidence.bias + needed - odds[most] - 1e-3)


@torch.inference_mode()
def calibrated(encoder: VoiceEncoder, lexicons: Lexicons, count: int) -> Confidence:
    """On so many sentences in accents of no country, in rooms and noise, as training hears them, and FOREIGN times as
    much talk in languages whose sentences it never heard, of which only what sounds like speech to a world is asked
    how sure it is."""
    reader, speaker, rng = Reader(encoder, lexicons, NOT_YET), Speaker(unseen=False), np.random.default_rng(41)

    def read(pcm: NDArray[np.float32]) -> list[Evidence]:
        batch = collated([(pcm, -1, TALK)])
        if encoder(batch.pcm, batch.steps).kind.argmax() != SPEECH:
            return []  # and nobody reads words in it
        return [told.evidence for told in reader.read(batch.pcm, batch.steps)]

    spoken: list[Evidence] = []
    for _ in range(count):
        language = language_of(rng)
        text, _ = drawn(rng, language)
        spoken += read(amid(said(speaker.espeak, text, language, speaker.variants, rng), Background([]), rng, HEARD))
    other: list[Evidence] = []
    for _ in range(FOREIGN * count):
        language, text = new_talk(rng)
        pcm = speaker.espeak.say(text, manner(rng, language, speaker.variants))
        other += read(rooms.microphone(pcm, rng))
    return strict(fitted(spoken, other), other, FOREIGN * count // ONE_IN)


def follow(encoder: Path, before: str) -> None:
    """The names beside an encoder's file stay its names where they were those of the same weights under the sha256
    `before`."""
    path = encoder.parent / naming.FILE
    if not path.is_file():
        return
    facts = checkpoint.load_extra(path, naming.KIND)
    if facts.get("encoder") == before:
        values, tensors = checkpoint.load(path, naming.KIND)
        config = checkpoint.as_config(NamingConfig, values)
        checkpoint.save(path, tensors, config, naming.KIND, facts | {"encoder": checkpoint.sha256(encoder)})


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model.voice.calibrating", description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help=f"the folder of {FILE}")
    parser.add_argument(
        "--utterances", type=int, default=400, help=f"of speech, and {FOREIGN} times as many of foreign talk"
    )
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    path: Path = options.weights / FILE
    facts, before = checkpoint.load_extra(path, KIND), checkpoint.sha256(path)
    confidence = calibrated(VoiceEncoder.load(path), facts["lexicons"], options.utterances)
    values, tensors = checkpoint.load(path, KIND)
    config = checkpoint.as_config(VoiceConfig, values)
    print(confidence, checkpoint.save(path, tensors, config, KIND, facts | {"confidence": confidence._asdict()}))
    follow(path, before)


if __name__ == "__main__":
    main()
