"""Knows whose worlds a worker has, and decides whether it hangs: a world that was opened must give frames.
Pure: it reads the messages that pass, and the time is an argument."""

from __future__ import annotations

from engine.messages import Close, Failed, Incoming, Open, Outgoing, Refused, VideoPacket


class Watch:
    """Deadlines of the worlds of one worker, in seconds of any one clock."""

    def __init__(self, open_timeout_s: float, frame_timeout_s: float) -> None:
        self._open_timeout_s, self._frame_timeout_s = open_timeout_s, frame_timeout_s
        self._deadlines: dict[str, float] = {}
        self._epochs: dict[str, int] = {}  # of the same sessions

    def __contains__(self, session: str) -> bool:
        """Whether the worker has the session's world, or was asked for it."""
        return session in self._deadlines

    def __len__(self) -> int:
        """Of how many sessions."""
        return len(self._deadlines)

    def sent(self, message: Incoming, now: float) -> None:
        """A message went to the worker."""
        if isinstance(message, Open):
            self._deadlines[message.session] = now + self._open_timeout_s
            self._epochs[message.session] = message.epoch
        elif isinstance(message, Close):
            self._forget(message.session)

    def received(self, message: Outgoing, now: float) -> None:
        """A message came from the worker; about a world that a session had before, it changes nothing."""
        if self._epochs.get(message.session) != message.epoch:
            return
        if isinstance(message, VideoPacket):
            self._deadlines[message.session] = now + self._frame_timeout_s
        elif isinstance(message, Failed) or (isinstance(message, Refused) and message.kind == "Open"):
            self._forget(message.session)

    def excuse(self, seconds: float) -> None:
        """We ourselves stood still for so long: what came meanwhile is not read yet."""
        self._deadlines = {session: deadline + seconds for session, deadline in self._deadlines.items()}

    def overdue(self, now: float) -> str | None:
        """Why the worker counts as hung, or None."""
        late = [session for session, deadline in self._deadlines.items() if deadline < now]
        return f"no frame of session {late[0]} in time" if late else None

    def _forget(self, session: str) -> None:
        self._deadlines.pop(session, None)
        self._epochs.pop(session, None)
