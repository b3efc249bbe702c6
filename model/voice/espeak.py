"""espeak-ng's library as a voice to train on: text to sound, and to phonemes.
Knows its C interface (speak_lib.h); the running engine never imports it."""

from __future__ import annotations

import ctypes
import ctypes.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.voice.spectra import RATE

SYNCHRONOUS, UTF8, IPA, SPELT = 2, 1, 2, 0x100
SPEED, PITCH, RANGE = 1, 3, 4
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class EspeakMissing(RuntimeError):
    """The library, or a voice of it, is not installed."""


@dataclass(frozen=True)
class Manner:
    """How a sentence is said: a voice's name as espeak-ng takes it ('pt-br+f3'), words a minute, pitch and its range
    from 0 to 100, and by how much the whole spectrum is shifted (formants and pitch)."""

    voice: str
    speed: int = 165
    pitch: int = 50
    range: int = 50
    shift: float = 1.0


class Espeak:
    """The library has global state: for one thread at a time, however many there are of these."""

    def __init__(self) -> None:
        name = ctypes.util.find_library("espeak-ng")
        if name is None:
            raise EspeakMissing("expected the library of espeak-ng, found none: install the package espeak-ng")
        self._library = ctypes.CDLL(name)
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._rate = int(self._library.espeak_Initialize(SYNCHRONOUS, 0, None, 0))
        if self._rate <= 0:
            raise EspeakMissing("espeak-ng does not begin: its data is not where it looks for it")
        self._library.espeak_Info.restype = ctypes.c_char_p
        folder = ctypes.c_char_p()
        self._library.espeak_Info(ctypes.byref(folder))
        self._data = Path((folder.value or b"").decode())
        self._heard: list[NDArray[np.int16]] = []
        self._callback = _Callback(self._hear)

    def _hear(self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: int | None) -> int:
        if samples and count > 0:
            self._heard.append(np.ctypeslib.as_array(samples, (count,)).astype(np.int16))
        return 0

    def variants(self) -> list[str]:
        """The names of all variants that a voice can be given ('f3')."""
        return sorted(path.name for path in (self._data / "voices" / "!v").iterdir())

    def say(self, text: str, manner: Manner) -> NDArray[np.float32]:
        """The sentence [S] in [-1, 1] at 16 kHz, without the pauses around it; what is in double square brackets is
        spelt by sounds. Raises EspeakMissing."""
        self._use(manner.voice)
        for parameter, value in ((SPEED, manner.speed), (PITCH, manner.pitch), (RANGE, manner.range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._heard = []
        self._library.espeak_SetSynthCallback(self._callback)  # another may have spoken since
        raw = text.encode()
        self._library.espeak_Synth(raw, len(raw) + 1, 0, 0, 0, UTF8 | SPELT, None, None)
        pcm = np.concatenate([*self._heard, np.zeros(1, np.int16)]).astype(np.float32) / 32768
        count = max(int(len(pcm) * RATE / self._rate / manner.shift), 1)
        at = np.linspace(0, len(pcm) - 1, count)
        return _trimmed(np.interp(at, np.arange(len(pcm)), pcm).astype(np.float32))

    def phonemes(self, text: str, voice: str) -> list[list[str]]:
        """International phonetic symbols of each word, without stress. Raises EspeakMissing."""
        words = " ".join(self._phonemes(text, voice, IPA | ord("_") << 8)).split()
        return [[sound for one in word.split("_") if (sound := one.strip("ˈˌ-‍"))] for word in words]

    def spelling(self, text: str, voice: str) -> list[str]:
        """Each clause in the library's own letters for sounds (Kirshenbaum's), stress marks among them, which `say`
        takes in double square brackets. Raises EspeakMissing."""
        return self._phonemes(text, voice, 0)

    def _phonemes(self, text: str, voice: str, mode: int) -> list[str]:
        self._use(voice)
        pointer = ctypes.c_char_p(text.encode())
        said = []
        while pointer:
            part = self._library.espeak_TextToPhonemes(ctypes.byref(pointer), UTF8, mode)
            said.append(part.decode() if part else "")
        return said

    def _use(self, voice: str) -> None:
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise EspeakMissing(f"espeak-ng has no voice {voice!r}")


def _trimmed(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    loud = np.nonzero(np.abs(pcm) > 0.01 * max(float(np.abs(pcm).max()), 1e-6))[0]
    return pcm[loud[0] : loud[-1] + 1] if len(loud) else pcm[:1]
