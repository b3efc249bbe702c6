"""Better words for what was said, where faster-whisper and a model of it are installed: to show and to check, never to
steer by. Knows utterances and one library's interface; the model is loaded when somebody first speaks."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACKAGE = "faster_whisper"


class TranscriberMissing(ValueError):
    """The configured model, or the package that reads it, is not there; says which."""


class Transcriber:
    """One model for all worlds of a worker; who comes while it is at work waits."""

    def __init__(self, model: Path) -> None:
        """`model`: the folder of a model that was converted for faster-whisper. Raises TranscriberMissing."""
        if find_spec(PACKAGE) is None:
            raise TranscriberMissing("worker.asr needs the package faster-whisper: pip install 'mundo[asr]'")
        if not (model / "model.bin").is_file():
            raise TranscriberMissing(f"worker.asr: expected a folder with the model.bin of faster-whisper, got {model}")
        self._path = model
        self._model: Any = None
        self._lock = Lock()

    def words(self, utterance: NDArray[np.float32]) -> str:
        """What is said in an utterance [S] at 16 kHz."""
        with self._lock:
            if self._model is None:
                self._model = self._load()
            segments, _ = self._model.transcribe(
                utterance, beam_size=1, condition_on_previous_text=False, without_timestamps=True
            )
            return " ".join(segment.text.strip() for segment in segments).strip()

    def _load(self) -> Any:
        from faster_whisper import WhisperModel

        return WhisperModel(str(self._path), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)
