"""What people want of one session's world: texts that it is asked to obey, and suggestions that may become such texts.
Knows who asked and who may; neither what a text means nor how it was typed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from engine import messages
from server.audience import Audience
from server.channels import Accept, Dismiss, PromptUnfit, Vote, Voting, event
from server.lease import Lease
from server.metrics import Metrics
from server.moderation import Moderation
from server.peers import Peer
from server.roles import Action
from server.suggestions import NotSuggested, Suggestion
from server.texts import Texts, Unanswered

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Scrutiny:
    """What all that people bring to worlds goes through."""

    moderation: Moderation
    metrics: Metrics
    log_prompts: bool

    async def check(self, text: str) -> None:
        """Let the text pass, or raise PromptUnfit."""
        with self._counted():
            await self.moderation.check(text)

    async def check_picture(self, png: bytes) -> None:
        """Let the picture pass, or raise PromptUnfit."""
        with self._counted():
            await self.moderation.check_picture(png)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except PromptUnfit:
            self.metrics.refused.inc()
            raise


class Prompts:
    """The texts and suggestions of one session. `live` tells whether its world is there to be asked."""

    def __init__(
        self, opening: str, lease: Lease, audience: Audience, scrutiny: Scrutiny, live: Callable[[], bool]
    ) -> None:
        self._lease, self._audience, self._scrutiny, self._live = lease, audience, scrutiny, live
        self._texts = Texts(opening)
        self._telling = asyncio.Lock()

    @property
    def in_force(self) -> str:
        """What the last frame obeyed."""
        return self._texts.in_force

    @property
    def asked_id(self) -> int:
        """The newest text that a world of this session was asked to obey; 0 before the first."""
        return self._texts.asked_id

    # --- asked by people -----------------------------------------------------------------------

    async def said(self, peer: Peer, text: str, ref: int) -> str:
        """A prompt or a suggestion, by who says it; the answer for the events channel. Raises PromptUnfit."""
        if peer.may(Action.SUGGEST):
            return event("suggested", ref=ref, suggestion=await self.suggest(peer.device_id, text))
        if not peer.may(Action.PROMPT):
            raise PromptUnfit("not-allowed", "Who watches cannot change the world.")
        return event("text", ref=ref, text_id=await self.tell(peer, text, ref))

    async def tell(self, peer: Peer | None, text: str, ref: int) -> int:
        """Ask the world to obey a text; its text_id. Raises PromptUnfit."""
        async with self._telling:  # who came first is obeyed first, however long the hook thinks
            self._must_live()
            await self._scrutiny.check(text)
            return self._ask_world(text, peer, ref)

    async def suggest(self, author: str, text: str) -> int:
        """Put a text before the drivers and voters; its number. Raises PromptUnfit."""
        await self._scrutiny.check(text)
        try:
            made = self._audience.suggestions.add(author, text)
        except NotSuggested as error:
            raise PromptUnfit("too-many-requests", str(error)) from error
        self._audience.tell_suggestions()
        return made.id

    def asked(self, peer: Peer, message: Vote | Accept | Dismiss | Voting) -> None:
        """What becomes of suggestions. Raises PromptUnfit and NotSuggested."""
        suggestions = self._audience.suggestions
        match message:
            case Vote():
                peer.must(Action.VOTE)
                suggestions.vote(peer.device_id, message.suggestion)
            case Accept():
                peer.must(Action.JUDGE)
                self._must_live()
                return self._accept(suggestions.take(message.suggestion))
            case Dismiss():
                peer.must(Action.JUDGE)
                suggestions.take(message.suggestion)
                self._audience.broadcast("dismissed", suggestion=message.suggestion)
            case Voting():
                peer.must(Action.SET_VOTING)
                suggestions.vote_every(message.every_s, time.monotonic())
        self._audience.tell_suggestions()

    def count_votes(self, now: float) -> None:
        """Obey the voters when their time has come."""
        if self._live() and (chosen := self._audience.suggestions.decided(now)):
            self._accept(chosen)

    def _accept(self, suggestion: Suggestion) -> None:
        text_id = self._ask_world(suggestion.text, None, 0)
        self._audience.broadcast("accepted", suggestion=suggestion.id, text_id=text_id)
        self._audience.tell_suggestions()

    def _ask_world(self, text: str, peer: Peer | None, ref: int) -> int:
        self._must_live()
        text_id = self._texts.ask(text, peer, ref)
        logged = {"text": text} if self._scrutiny.log_prompts else {}
        log.info("text", session=self._lease.session_id, text_id=text_id, **logged)
        self._lease.send(messages.Text(text_id=text_id, text=text))
        return text_id

    def _must_live(self) -> None:
        if not self._live():
            raise PromptUnfit("not-ready", "The world is not there yet.")

    # --- answered by worlds --------------------------------------------------------------------

    def obeyed(self, text_id: int) -> int:
        """A frame obeys this text; the newest that was ever obeyed."""
        self._texts.obey(text_id)
        return self._texts.obeyed_id

    def saved(self, text_id: int) -> str:
        """The world says itself, and names this text; its words. No frame that obeys it may follow."""
        self._texts.obey(text_id)
        return self._texts.text_of(text_id)

    def refused(self, text_id: int, reason: str) -> None:
        """The world refused this text."""
        self._tell_refused(self._texts.refuse(text_id), reason)

    def lose(self) -> None:
        """The world is gone, and with it the texts that it had not obeyed."""
        for lost in self._texts.lose():
            self._tell_refused(lost, "The world had to begin again before it obeyed this.")

    def resume(self, saved: str) -> None:
        """A world lives that was saved when it obeyed this."""
        self._texts.began_with = saved
        if self._texts.obeyed_id and self._texts.in_force != saved:
            # the save is older than the newest text: it is said again
            self._lease.send(messages.Text(text_id=self._texts.obeyed_id, text=self._texts.in_force))
        elif not self._texts.obeyed_id:
            self._texts.in_force = saved

    def _tell_refused(self, asked: Unanswered | None, reason: str) -> None:
        """Tell who asked, or all drivers where that is nobody on a channel."""
        if asked is not None and asked.peer is not None:
            return asked.peer.send(event("refused", reason=reason, ref=asked.ref))
        self._audience.tell_drivers("refused", reason=reason)
