"""From an utterance to the frame that obeys it: held back until leave is given, told, and in better words where a
transcriber has them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import create_autospec

import faster_whisper
import numpy as np
import pytest
import torch

from engine.hearing import Hearing
from engine.listening import Listening, Understood
from engine.messages import Heard, Leave, Message, Open, Refused, Spoke
from engine.transcribing import Transcriber, TranscriberMissing

SAID = Understood(torch.full((13, 384), 0.5), "speech", 0.9, "snow")
UTTERANCE = np.zeros(16_000, np.float32)


class EveryFrame:
    """An ear to which each frame is an utterance."""

    idle = False

    def hear(self, pcm: np.ndarray) -> np.ndarray:
        return pcm


class Says:
    """Understands what it is told to."""

    def __init__(self, said: Understood) -> None:
        self.said = said

    def understand(self, utterance: np.ndarray) -> Understood:
        if not utterance.size:
            raise ValueError("nothing was said")
        return self.said


class Room:
    """A hearing, and what it sends."""

    def __init__(
        self, thread: ThreadPoolExecutor, said: Understood = SAID, asks: bool = False, better: str = ""
    ) -> None:
        self.sent: list[Message] = []
        transcriber = SimpleNamespace(words=lambda utterance: better) if better else None
        listening = Listening(EveryFrame, Says(said), transcriber)  # type: ignore[arg-type]
        opened = Open(session="a", seed=1, speech_needs_leave=asks)
        self.hearing = Hearing(opened, listening, thread, self.sent.append)

    async def hear(self, utterance: np.ndarray = UTTERANCE) -> Message:
        """The next message after an utterance."""
        before = len(self.sent)
        self.hearing.listen(utterance)
        return await self.next(before)

    async def next(self, before: int) -> Message:
        async with asyncio.timeout(10):
            while len(self.sent) == before:
                await asyncio.sleep(0.005)
        return self.sent[before]


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


async def test_what_needs_leave_reaches_no_frame_before_it_is_given(thread: ThreadPoolExecutor) -> None:
    room = Room(thread, asks=True)
    spoke = await room.hear()
    assert isinstance(spoke, Spoke) and (spoke.words, spoke.confidence) == ("snow", 0.9)
    assert room.hearing.take(5) is None
    room.hearing.leave(Leave(said_id=spoke.said_id, given=True))
    assert room.hearing.take(6) is SAID and room.hearing.take(7) is None


async def test_what_gets_no_leave_or_is_an_older_utterance_is_forgotten(thread: ThreadPoolExecutor) -> None:
    room = Room(thread, asks=True)
    first, second = await room.hear(), await room.hear()
    assert isinstance(first, Spoke) and isinstance(second, Spoke)
    for said_id, given in ((first.said_id, True), (second.said_id, False), (second.said_id, True)):
        room.hearing.leave(Leave(said_id=said_id, given=given))
        assert room.hearing.take(5) is None


async def test_a_transcribers_words_are_told_and_asked_about_but_nothing_waits_for_them(
    thread: ThreadPoolExecutor,
) -> None:
    room = Room(thread, asks=True, better="Let it snow.")
    spoke = await room.hear()
    assert isinstance(spoke, Spoke) and spoke.words == "Let it snow."
    room = Room(thread, replace(SAID, confidence=0.1), better="Let it go.")
    heard = await room.hear()
    assert isinstance(heard, Heard) and (heard.words, heard.obeyed) == ("Let it go.", False)


async def test_what_is_obeyed_before_its_better_words_are_there_is_told_twice(thread: ThreadPoolExecutor) -> None:
    room, written = Room(thread, better="Let it snow."), asyncio.Event()
    loop = asyncio.get_running_loop()

    def words(utterance: np.ndarray) -> str:
        asyncio.run_coroutine_threadsafe(written.wait(), loop).result(10)
        return "Let it snow."

    room.hearing._listening = Listening(EveryFrame, Says(SAID), SimpleNamespace(words=words))  # type: ignore[arg-type]
    room.hearing.listen(UTTERANCE)
    async with asyncio.timeout(10):
        while (due := room.hearing.take(8)) is None:
            await asyncio.sleep(0.005)
    room.hearing.tell(due)
    written.set()
    await room.next(1)
    assert [(one.words, one.frame) for one in room.sent if isinstance(one, Heard)] == [("snow", 8), ("Let it snow.", 8)]


async def test_what_cannot_be_understood_is_said(thread: ThreadPoolExecutor) -> None:
    refused = await Room(thread).hear(np.zeros(0, np.float32))
    assert isinstance(refused, Refused) and "nothing was said" in refused.reason


def test_a_transcribers_model_is_loaded_at_the_first_utterance_by_the_librarys_own_interface(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = create_autospec(faster_whisper.WhisperModel)  # refuses arguments that the library does not know
    parts = [SimpleNamespace(text=" Let it"), SimpleNamespace(text=" snow. ")]
    library.return_value.transcribe.return_value = (iter(parts), None)
    monkeypatch.setattr(faster_whisper, "WhisperModel", library)
    (tmp_path / "model.bin").touch()
    transcriber = Transcriber(tmp_path)
    assert not library.called
    assert transcriber.words(UTTERANCE) == "Let it snow."
    assert library.call_args.args == (str(tmp_path),) and library.call_args.kwargs["local_files_only"]
    assert library.return_value.transcribe.call_args.args[0] is UTTERANCE


def test_a_transcribers_model_that_is_not_there_or_not_readable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TranscriberMissing, match=r"folder with the model.bin of faster-whisper, got .*nothing"):
        Transcriber(tmp_path / "nothing")
    monkeypatch.setattr("engine.transcribing.PACKAGE", "no_such_package")
    with pytest.raises(TranscriberMissing, match="pip install"):
        Transcriber(tmp_path)
