"""The texts that viewers suggest, and who voted for which.
Pure: people are names, the time is an argument; what becomes of a suggestion is the driver's or the voters' choice."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST = 50
MOST_A_PERSON = 3
VOTING_S = (5.0, 300.0)


class NotSuggested(Exception):
    """The suggestion, vote or choice does not count; the text says why."""


@dataclass
class Suggestion:
    """One text, and the people for it; who suggested it is one of them."""

    id: int
    text: str
    author: str
    voters: set[str] = field(default_factory=set)


class Suggestions:
    """The open suggestions of one session, oldest first."""

    def __init__(self) -> None:
        self._open: dict[int, Suggestion] = {}
        self._last_id = 0
        self.voting_s = 0.0
        self._decide_at = 0.0

    def add(self, author: str, text: str) -> Suggestion:
        """A new suggestion. Raises NotSuggested when there are too many."""
        if len(self._open) >= MOST:
            raise NotSuggested(f"There are {MOST} suggestions already; wait until some are taken.")
        if sum(open_one.author == author for open_one in self._open.values()) >= MOST_A_PERSON:
            raise NotSuggested(f"You have {MOST_A_PERSON} suggestions open already.")
        self._last_id += 1
        made = self._open[self._last_id] = Suggestion(self._last_id, text, author, {author})
        return made

    def vote(self, voter: str, suggestion_id: int) -> None:
        """Once a person and suggestion. Raises NotSuggested."""
        self._get(suggestion_id).voters.add(voter)

    def take(self, suggestion_id: int) -> Suggestion:
        """Remove a suggestion, to be obeyed or dismissed. Raises NotSuggested."""
        found = self._get(suggestion_id)
        del self._open[suggestion_id]
        return found

    def vote_every(self, seconds: float, now: float) -> None:
        """From now on take the most voted one every so many seconds; 0 stops that. Raises NotSuggested."""
        if seconds and not VOTING_S[0] <= seconds <= VOTING_S[1]:
            raise NotSuggested(f"Voting takes 0 or {VOTING_S[0]:g}..{VOTING_S[1]:g} s, not {seconds:g}.")
        self.voting_s, self._decide_at = seconds, now + seconds

    def decided(self, now: float) -> Suggestion | None:
        """The most voted one when its time has come, the oldest of equals; it is taken."""
        if not self.voting_s or now < self._decide_at:
            return None
        self._decide_at = now + self.voting_s
        best = max(self._open.values(), key=lambda one: (len(one.voters), -one.id), default=None)
        return self.take(best.id) if best else None

    def listed(self) -> list[dict[str, int | str]]:
        """As the events channel tells them."""
        return [{"id": one.id, "text": one.text, "votes": len(one.voters)} for one in self._open.values()]

    def _get(self, suggestion_id: int) -> Suggestion:
        try:
            return self._open[suggestion_id]
        except KeyError:
            raise NotSuggested("That suggestion is not open any more.") from None
