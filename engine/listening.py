"""What somebody says to a world: voice activity, the utterance it finds, and what the voice encoder makes of it.
Knows samples and networks; nothing of sessions. Sound is forgotten as soon as it has been understood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.paths import WEIGHTS
from engine.messages import AUDIO_SAMPLES
from engine.transcribing import Transcriber
from model.voice.encoder import CLASSES, FILE, OBEYED
from model.voice.reader import Reader
from model.voice.spectra import RATE, STEP
from model.voice.vad import CHUNK, VoiceActivity

BEGINS, ENDS = 0.6, 0.35  # how likely speech must be, to begin and to go on
LEAD_CHUNKS = 8  # before the voice, 256 ms: soft beginnings belong to it
PAUSE_CHUNKS = 12  # of silence that end an utterance, 384 ms
LEAST_CHUNKS = 8  # of speech; what is shorter is a cough
MOST_CHUNKS = 250  # 8 s: what is longer is cut
LOUD = 0.5  # the peak that soft voices are brought to for the detector, which misses whispers,
MOST_GAIN = 8.0  # and by how much at most
FORGETS = 0.5 ** (CHUNK / RATE / 3.0)  # the loudest peak is half forgotten after 3 s
TAIL_CHUNKS = 8  # of the pause that stay with the utterance

Pcm = NDArray[np.float32]


@dataclass(frozen=True)
class Understood:
    """`meaning` [13, 384]: features of the text encoder; `kind`: one of CLASSES; `confidence` 0..1 that this was said
    to the world and that the meaning is right; `words`: as it sounded, for people."""

    meaning: Tensor
    kind: str
    confidence: float
    words: str

    @property
    def obeyed(self) -> bool:
        """Whether the world shall act on it."""
        return self.kind == CLASSES[0] and self.confidence >= OBEYED


class Ear:
    """Frames of microphone sound to utterances. One stream; one caller at a time."""

    def __init__(self, activity: VoiceActivity) -> None:
        self._activity = activity
        self._left: Pcm = np.zeros(0, np.float32)  # samples that fill no chunk yet
        self._chunks: list[Pcm] = []
        self._spoken = self._pause = 0
        self._peak = 0.0
        self.speaking = False
        self.likely = 0.0  # that somebody speaks

    @property
    def idle(self) -> bool:
        """Whether silence changes nothing."""
        return not self.speaking and not self._chunks

    def hear(self, pcm: Pcm | None) -> Pcm | None:
        """A frame [1000] at 24 kHz, or None for silence -> an utterance [S] at 16 kHz that has just ended, or None.
        What is not finite counts as silence; what clips is cut to [-1, 1]."""
        frame = np.zeros(AUDIO_SAMPLES, np.float32) if pcm is None else np.nan_to_num(pcm, nan=0.0, posinf=0, neginf=0)
        if pcm is None and self.idle:
            self.likely = 0.0
            return None  # nobody has a microphone open: nothing to look at
        self._left = np.concatenate([self._left, at_16k(np.clip(frame, -1, 1))])
        ended = None
        while self._left.size >= CHUNK:
            ended = self._chunk(self._left[:CHUNK]) if ended is None else ended
            self._left = self._left[CHUNK:]
        return ended

    def _chunk(self, chunk: Pcm) -> Pcm | None:
        likely = self._activity.likely(torch.from_numpy(chunk * self._gain(chunk)))
        self._chunks.append(chunk)
        self.likely = likely
        if not self.speaking:
            self.speaking = likely > BEGINS
            self._spoken, self._pause = int(self.speaking), 0
            self._chunks = self._chunks[-LEAD_CHUNKS - 1 :] if np.abs(chunk).max() > 0 or self.speaking else []
            return None
        self._spoken += likely > ENDS
        self._pause = 0 if likely > ENDS else self._pause + 1
        if self._pause < PAUSE_CHUNKS and len(self._chunks) < MOST_CHUNKS:
            return None
        return self._end()

    def _gain(self, chunk: Pcm) -> np.float32:
        """How much louder the detector shall hear a chunk; nothing clips by it."""
        self._peak = max(self._peak * FORGETS, float(np.abs(chunk).max()))
        return np.float32(np.clip(LOUD / max(self._peak, LOUD / MOST_GAIN), 1.0, MOST_GAIN))

    def _end(self) -> Pcm | None:
        too_short = self._spoken < LEAST_CHUNKS
        kept = self._chunks[: len(self._chunks) - max(self._pause - TAIL_CHUNKS, 0)]
        self._chunks, self._spoken, self._pause, self.speaking = [], 0, 0, False
        return None if too_short else np.concatenate(kept)


def at_16k(frame: Pcm) -> Pcm:
    """A frame of 24 kHz at two thirds of the rate, past a short low-pass; [n] -> [2 n / 3] samples, rounded."""
    smooth = np.convolve(np.pad(frame, 1, mode="edge"), np.full(3, 1 / 3), "valid")
    count = round(len(frame) * 2 / 3)
    at = (np.arange(count) + 0.5) * len(frame) / count - 0.5
    return np.interp(at, np.arange(len(frame)), smooth).astype(np.float32)


class Interpreter:
    """Who understands, shared by all worlds of a worker. For one thread at a time."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def understand(self, utterance: Pcm) -> Understood:
        """An utterance [S] at 16 kHz. Raises ValueError on one of less than a step."""
        steps = len(utterance) // STEP
        if steps < 1:
            raise ValueError(f"an utterance has {STEP} samples at least, this one has {len(utterance)}")
        pcm = torch.from_numpy(np.ascontiguousarray(utterance[: steps * STEP]))[None]
        [told] = self._reader.read(pcm, torch.tensor([steps]))
        return Understood(told.meaning, CLASSES[told.kind], told.confidence, " ".join(told.words))


@dataclass(frozen=True)
class Listening:
    """What a session needs to hear: an ear of its own, who understands, and who has better words, if anybody."""

    ear: Callable[[], Ear]
    interpreter: Interpreter
    transcriber: Transcriber | None = None


def load_listening(weights: Path = WEIGHTS, asr: Path | None = None) -> Listening | None:
    """From the bundled voice encoder; None where there is none: then nothing that is said is understood. `asr`: the
    folder of a transcriber's model. Raises CheckpointError on an encoder that does not fit, and TranscriberMissing."""
    transcriber = Transcriber(asr) if asr else None
    path = weights / FILE
    if not path.exists():
        return None
    activity = VoiceActivity.load()
    return Listening(lambda: Ear(activity.fresh()), Interpreter(Reader.load(path)), transcriber)
