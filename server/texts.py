"""The texts of one session: which are on their way to the world, and which one it obeys.
Knows who asked; neither the worker nor what a text means."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from server.peers import Peer

MOST_UNANSWERED = 64  # at most; what nobody answers for so long is forgotten


@dataclass(frozen=True)
class Unanswered:
    """A text sent to the worker; `peer` and `ref` are who asked, and how it will know the answer."""

    text_id: int
    text: str
    peer: Peer | None
    ref: int


class Texts:
    """Texts are numbered from 1 and obeyed in order; the world may skip one for the next, or refuse it."""

    def __init__(self, opening: str = "") -> None:
        self._asked: deque[Unanswered] = deque(maxlen=MOST_UNANSWERED)
        self._recent: dict[int, str] = {}
        self.asked_id = 0  # the newest
        self.obeyed_id = 0  # of all the worlds that this session has had
        self.in_force = opening  # what the last frame obeyed
        self.began_with = opening  # the world of now, before it obeyed anything

    def ask(self, text: str, peer: Peer | None, ref: int) -> int:
        """Take a new text; its text_id."""
        self.asked_id += 1
        self._asked.append(Unanswered(self.asked_id, text, peer, ref))
        self._recent[self.asked_id] = text
        self._recent.pop(self.asked_id - MOST_UNANSWERED, None)
        return self.asked_id

    def obey(self, text_id: int) -> str | None:
        """A frame obeys this text; it, if that is news."""
        news = None
        while self._asked and self._asked[0].text_id <= text_id:
            asked = self._asked.popleft()
            self.obeyed_id, news = asked.text_id, asked.text
            self.in_force = asked.text
        return news

    def text_of(self, text_id: int) -> str:
        """The text that the world of now names; what it began with for 0."""
        return self._recent.get(text_id, self.in_force) if text_id else self.began_with

    def refuse(self, text_id: int) -> Unanswered | None:
        """The world refused this text; None if it is not on its way."""
        asked = next((asked for asked in self._asked if asked.text_id == text_id), None)
        if asked is not None:
            self._asked.remove(asked)
        return asked

    def lose(self) -> list[Unanswered]:
        """The world is gone, and with it the texts that it had not obeyed; the next begins with the one in force."""
        self.began_with = self.in_force
        lost = list(self._asked)
        self._asked.clear()
        return lost
