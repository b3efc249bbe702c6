"""The life of a session as a state machine: what may follow what.
Knows no worker and no person."""

from __future__ import annotations

from enum import Enum


class SessionState(Enum):
    """QUEUED waits for a place, STARTING for its first frame. PAUSED lies on disk, RESUMING comes from there or from a
    lost worker. ENDED is for ever; its world may be kept."""

    QUEUED = "queued"
    STARTING = "starting"
    LIVE = "live"
    PAUSED = "paused"
    RESUMING = "resuming"
    ENDED = "ended"


S = SessionState
MAY_FOLLOW: dict[SessionState, frozenset[SessionState]] = {
    S.QUEUED: frozenset({S.STARTING, S.RESUMING, S.PAUSED, S.ENDED}),
    S.STARTING: frozenset({S.LIVE, S.QUEUED, S.RESUMING, S.ENDED}),
    S.LIVE: frozenset({S.PAUSED, S.RESUMING, S.ENDED}),
    S.PAUSED: frozenset({S.QUEUED, S.RESUMING, S.ENDED}),
    S.RESUMING: frozenset({S.LIVE, S.QUEUED, S.PAUSED, S.ENDED}),
    S.ENDED: frozenset(),
}


class NotAllowed(Exception):
    """That state cannot follow this one."""


def follow(before: SessionState, after: SessionState) -> SessionState:
    """The next state, checked. Raises NotAllowed naming what was expected and what came."""
    if after not in MAY_FOLLOW[before]:
        expected = " or ".join(sorted(state.value for state in MAY_FOLLOW[before])) or "nothing"
        raise NotAllowed(f"after {before.value} comes {expected}, not {after.value}")
    return after
