"""What one world hears said, on its way from the ear to the frame that obeys it: understood beside the sampling, held
back until the gateway gives leave where it asked for that, and told. Knows messages; nothing of worlds and frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace

from engine.inputs import Pcm
from engine.listening import Listening, Understood
from engine.messages import Audio, Heard, Leave, Message, Open, Refused, Spoke
from model.voice.encoder import CLASSES

Uttered = tuple[Understood, Pcm]


class Hearing:
    """One session's. `encoding`: the thread that understands; `send`: for messages that nobody needs to get any more
    when the world has ended."""

    def __init__(
        self, opened: Open, listening: Listening | None, encoding: Executor, send: Callable[[Message], None]
    ) -> None:
        self._name, self._epoch, self._asks = opened.session, opened.epoch, opened.speech_needs_leave
        self._listening, self._thread, self._send = listening, encoding, send
        self._ear = listening.ear() if listening else None
        self._due: Understood | None = None
        self._asked: tuple[int, Understood | None] = (0, None)
        self._following: set[asyncio.Task[None]] = set()
        self._frame = 0

    @property
    def speaking(self) -> float:
        """How likely somebody speaks, as of the last frame that was listened to."""
        return self._ear.likely if self._ear else 0.0

    def listen(self, pcm: Pcm | None) -> None:
        """Look at the microphone's frame (None: silence), beside the sampling."""
        if self._ear is None or (pcm is None and self._ear.idle):
            return
        heard = asyncio.get_running_loop().run_in_executor(self._thread, self._hear, pcm)
        task = asyncio.create_task(self._follow(heard))
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    def take(self, frame: int) -> Understood | None:
        """What `frame`, the next one, shall obey; None for nothing new."""
        self._frame = frame
        due, self._due = self._due, None
        return due

    def leave(self, message: Leave) -> None:
        """What was held back may be obeyed, or is forgotten. An older utterance than the last one is forgotten too."""
        said_id, said = self._asked
        if message.said_id == said_id:
            self._due = said if message.given and said is not None else self._due
            self._asked = (said_id, None)

    def tell(self, said: Understood) -> None:
        """How it was understood; `obeyed` from the frame that was taken last."""
        self._send(
            Heard(
                session=self._name,
                epoch=self._epoch,
                frame=self._frame,
                words=said.words,
                kind=said.kind,
                confidence=round(said.confidence, 3),
                obeyed=said.obeyed,
            )
        )

    def _hear(self, pcm: Pcm | None) -> Uttered | None:
        assert self._ear is not None and self._listening is not None
        utterance = self._ear.hear(pcm)
        return None if utterance is None else (self._listening.interpreter.understand(utterance), utterance)

    async def _follow(self, heard: asyncio.Future[Uttered | None]) -> None:
        try:
            uttered = await heard
            if uttered is not None:
                await self._understood(*uttered)
        except Exception as error:  # the world itself goes on
            reason = f"what was said cannot be understood: {error}"
            self._send(Refused(session=self._name, epoch=self._epoch, kind=Audio.__name__, reason=reason))

    async def _understood(self, said: Understood, utterance: Pcm) -> None:
        if said.obeyed and not self._asks:
            self._due = said  # and told by the frame that obeys it
        better = await self._in_better_words(said, utterance)
        if said.obeyed and self._asks:
            self._ask(better)
        elif self._due is said:  # not taken yet
            self._due = better
        elif not said.obeyed or better is not said:
            self.tell(better)

    async def _in_better_words(self, said: Understood, utterance: Pcm) -> Understood:
        """The same in the transcriber's words, where there is one, in a thread of its own: it takes its time."""
        assert self._listening is not None
        transcriber = self._listening.transcriber
        if transcriber is None or said.kind != CLASSES[0]:
            return said
        return replace(said, words=await asyncio.to_thread(transcriber.words, utterance))

    def _ask(self, said: Understood) -> None:
        self._asked = (self._asked[0] + 1, said)
        self._send(
            Spoke(
                session=self._name,
                epoch=self._epoch,
                frame=self._frame,
                said_id=self._asked[0],
                words=said.words,
                confidence=round(said.confidence, 3),
            )
        )
