"""Who may do what in a session: one table.
Knows no connection and no request."""

from __future__ import annotations

from enum import Enum, StrEnum


class Role(StrEnum):
    """What a share link allows: a viewer watches, a suggester's texts are suggestions, a driver's hands count."""

    VIEWER = "viewer"
    SUGGESTER = "suggester"
    DRIVER = "driver"


RANK = {Role.VIEWER: 0, Role.SUGGESTER: 1, Role.DRIVER: 2}


class Action(Enum):
    """What somebody in a session may ask for."""

    WATCH = "watch"
    SUGGEST = "suggest"
    VOTE = "vote"
    STEER = "steer"
    PROMPT = "prompt"
    SPEAK = "speak"
    JUDGE = "accept or dismiss suggestions"
    SET_VOTING = "set the voting"
    PIN = "choose how the picture is drawn"
    HAND_OVER = "hand over the controls"
    SHARE = "share"
    SAVE = "save"
    END = "end"


_WATCHING = frozenset({Action.WATCH})
_SUGGESTING = _WATCHING | {Action.SUGGEST, Action.VOTE}
_DRIVING = _WATCHING | {Action.VOTE, Action.STEER, Action.PROMPT, Action.SPEAK, Action.JUDGE}
_OWNING = _WATCHING | {Action.SET_VOTING, Action.PIN, Action.HAND_OVER, Action.SHARE, Action.SAVE, Action.END}
ALLOWED = {Role.VIEWER: _WATCHING, Role.SUGGESTER: _SUGGESTING, Role.DRIVER: _DRIVING}


def may(role: Role, owner: bool, action: Action) -> bool:
    """Whether somebody of this role, who may have started the session, may do that. An owner who has handed the
    controls over is a viewer, and still the owner."""
    return action in ALLOWED[role] or (owner and action in _OWNING)
