"""Decides whether a worker hangs: a world that was opened must give frames.
Pure: it reads the messages that pass, and the time is an argument."""

from __future__ import annotations

from engine.messages import Close, Failed, Incoming, Open, Outgoing, Refused, VideoPacket


class Watch:
    """Deadlines of the worlds of one worker, in seconds of any one clock."""

    def __init__(self, open_timeout_s: float, frame_timeout_s: float) -> None:
        self._open_timeout_s, self._frame_timeout_s = open_timeout_s, frame_timeout_s
        self._deadlines: dict[str, float] = {}

    def sent(self, message: Incoming, now: float) -> None:
        """A message went to the worker."""
        if isinstance(message, Open):
            self._deadlines[message.session] = now + self._open_timeout_s
        elif isinstance(message, Close):
            self._deadlines.pop(message.session, None)

    def received(self, message: Outgoing, now: float) -> None:
        """A message came from the worker."""
        if message.session not in self._deadlines:
            return
        if isinstance(message, VideoPacket):
            self._deadlines[message.session] = now + self._frame_timeout_s
        elif isinstance(message, Failed) or (isinstance(message, Refused) and message.kind == "Open"):
            del self._deadlines[message.session]

    def overdue(self, now: float) -> str | None:
        """Why the worker counts as hung, or None."""
        late = [session for session, deadline in self._deadlines.items() if deadline < now]
        return f"no frame of session {late[0]} in time" if late else None
