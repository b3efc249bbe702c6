"""How sure a voice encoder may be: python -m model.voice.calibrating [--weights DIR]. Fits the confidence on voices and
languages of the training and writes it into the checkpoint. Knows evidence; says nothing of human voices."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from configs.paths import WEIGHTS, cache_dir
from model import checkpoint
from model.voice import rooms
from model.voice.batches import Background, Utterances, collated
from model.voice.encoder import FILE, KIND, VoiceConfig, VoiceEncoder
from model.voice.reader import Confidence, Evidence, Lexicons, Reader
from model.voice.utterances import SPEECH, TALK, Speaker

NOT_YET = Confidence((0.0, 0.0, 0.0, 0.0), 0.0)
QUIETEST_DB, CLEAREST_DB = 3.0, 35.0
RIDGE, STEPS = 1e-3, 100


def fitted(speech: Sequence[Evidence], foreign: Sequence[Evidence]) -> Confidence:
    """The regression that tells one from the other, by Newton's method, with a small ridge over standard deviations."""
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


def calibrated(encoder: VoiceEncoder, lexicons: Lexicons, count: int) -> Confidence:
    """On so many utterances of each kind, in rooms and noise, as training hears them."""
    reader, rng = Reader(encoder, lexicons, NOT_YET), np.random.default_rng(41)
    spoken, speaker = Utterances(cache_dir() / "utterances", Background([])), Speaker(unseen=False)
    spoken.grow(1 + count // 200)
    said: list[Evidence] = []
    for index in range(spoken.count):
        row = spoken.speech(index, float(rng.uniform(QUIETEST_DB, CLEAREST_DB)))
        if row[2] == SPEECH and len(said) < count:
            batch = collated([row])
            said.append(reader.read(batch.pcm, batch.steps)[0].evidence)
    other = []
    for _ in range(count):
        batch = collated([(rooms.microphone(speaker.foreign(rng), rng), -1, TALK)])
        other.append(reader.read(batch.pcm, batch.steps)[0].evidence)
    return fitted(said, other)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m model.voice.calibrating", description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help=f"the folder of {FILE}")
    parser.add_argument("--utterances", type=int, default=400, help="of speech, and as many of foreign talk")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    path: Path = options.weights / FILE
    facts = checkpoint.load_extra(path, KIND)
    confidence = calibrated(VoiceEncoder.load(path), facts["lexicons"], options.utterances)
    values, tensors = checkpoint.load(path, KIND)
    config = checkpoint.as_config(VoiceConfig, values)
    print(confidence, checkpoint.save(path, tensors, config, KIND, facts | {"confidence": confidence._asdict()}))


if __name__ == "__main__":
    main()
