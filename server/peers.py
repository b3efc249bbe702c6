"""One browser's connection to a session: what it may say how often, its heartbeat, and its end.
Knows its session by the few calls of `Seat`; how it is connected is told by its kinds: RtcPeer and SocketPeer."""

from __future__ import annotations

import asyncio
import secrets
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Coroutine
from enum import Enum
from typing import Any, Protocol

import structlog

from engine.messages import AUDIO_RATE
from server.channels import (
    Asked,
    Controls,
    Junk,
    Ping,
    PromptUnfit,
    Say,
    event,
    fit_prompt,
    read_controls,
    read_event,
)
from server.hub import PictureOutlet
from server.ratelimit import TokenBucket
from server.roles import Action, Role, may
from server.shares import Access
from server.sound_out import SoundOutlet

log = structlog.get_logger(__name__)

JUNK_ALLOWED, JUNK_WINDOW_S = 20, 10.0
CONTROLS_A_S, EVENTS_A_S = 250.0, 20.0
TEXTS_A_S, TEXTS_AT_ONCE = 1.0, 5.0
SOUND_BYTES_A_S = 2 * AUDIO_RATE


class PeerState(Enum):
    """NEW: answered, not connected. CLOSED is the end; nothing leads out of it."""

    NEW = "new"
    CONNECTED = "connected"
    CLOSED = "closed"


class Seat(Protocol):
    """What a peer may ask of its session."""

    def controlled(self, peer: Peer, controls: Controls) -> None:
        """A driver's snapshot."""

    async def said(self, peer: Peer, text: str, ref: int) -> str:
        """A driver's prompt or a suggester's suggestion; the answer for the events channel. Raises PromptUnfit."""

    def asked(self, peer: Peer, message: Asked) -> None:
        """Anything else of the events channel. Raises PromptUnfit."""

    def heard(self, peer: Peer, pcm: bytes) -> None:
        """A driver's sound."""

    def want_keyframe(self) -> None:
        """The peer lost packets."""

    def lost(self, peer: Peer, fraction: float) -> None:
        """This part of what was sent to the peer did not arrive."""

    def estimated(self, peer: Peer, bits_per_second: int) -> None:
        """What the peer's browser believes that its line carries."""

    def joined(self, peer: Peer) -> None:
        """The peer can be told things."""

    def left(self, peer: Peer) -> None:
        """The peer is closed."""


class Peer(ABC):
    """One connection. `access` is what let it in, `role` what counts now; times are of the monotonic clock."""

    def __init__(self, seat: Seat, device_id: str, access: Access, outlet: PictureOutlet) -> None:
        self.id = secrets.token_hex(8)
        self.device_id, self.access, self.outlet = device_id, access, outlet
        self.sound = SoundOutlet()
        self.role = access.role
        self.state = PeerState.NEW
        self.born_at = self.heard_at = time.monotonic()
        self._seat = seat
        self._tasks: set[asyncio.Task[None]] = set()
        self._junk: deque[float] = deque()
        self._controls = TokenBucket(CONTROLS_A_S, CONTROLS_A_S)
        self._texts = TokenBucket(TEXTS_A_S, TEXTS_AT_ONCE)
        self._small = TokenBucket(EVENTS_A_S, EVENTS_A_S)
        self._sound = TokenBucket(1.2 * SOUND_BYTES_A_S, 2.0 * SOUND_BYTES_A_S)

    @property
    def drives(self) -> bool:
        """Whether its controls, text and sound count."""
        return self.role is Role.DRIVER

    def may(self, action: Action) -> bool:
        """Whether it may do that now."""
        return may(self.role, self.access.owner, action)

    def must(self, action: Action) -> None:
        """Raises PromptUnfit unless it may do that now."""
        if not self.may(action):
            raise PromptUnfit("not-allowed", f"This is not allowed to you: {action.value}.")

    # --- out -------------------------------------------------------------------------------------

    @abstractmethod
    def send(self, message: str) -> None:
        """A message of the events channel, unless it cannot be taken now."""

    @property
    @abstractmethod
    def behind(self) -> bool:
        """Whether much that was sent still waits to leave."""

    def send_passing(self, message: str) -> None:
        """A message that the next one makes needless: where much waits, it would come too late."""
        if not self.behind:
            self.send(message)

    @abstractmethod
    def send_receipt(self, pts: int, **values: Any) -> None:
        """What the frame of `pts` obeyed."""

    @abstractmethod
    async def hang_up(self) -> None:
        """End what connects us."""

    async def close(self, reason: str = "") -> None:
        """End the connection, telling the browser why if there is a reason. Closing twice does nothing."""
        if self.state is PeerState.CLOSED:
            return
        self.state = PeerState.CLOSED
        if reason:
            self.send(event("ended", reason=reason))
            await asyncio.sleep(0.05)  # the channel's data leaves in its own task
        self._seat.left(self)
        self.outlet.close()
        self.sound.close()
        await self.hang_up()
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()
        log.info("peer closed", peer=self.id, reason=reason, skipped=self.outlet.skipped)

    # --- in --------------------------------------------------------------------------------------

    def connected(self) -> None:
        """The connection stands."""
        if self.state is PeerState.NEW:
            self.state = PeerState.CONNECTED
            self.heard_at = time.monotonic()

    def on_control(self, raw: str | bytes) -> None:
        """A message of the control channel."""
        self.heard_at = now = time.monotonic()
        if not self._controls.take(now):
            return
        try:
            controls = read_controls(raw)
        except Junk as junk:
            return self.count_junk(str(junk))
        self._steer(controls)

    def _steer(self, controls: Controls) -> None:
        if self.drives and self.state is not PeerState.CLOSED:
            self._seat.controlled(self, controls)

    def on_event(self, raw: str | bytes) -> None:
        """A message of the events channel."""
        self.heard_at = time.monotonic()
        try:
            message = read_event(raw)
        except Junk as junk:
            return self.count_junk(str(junk))
        self._on_asked(message)

    def _on_asked(self, message: Asked) -> None:
        now = time.monotonic()
        if isinstance(message, Say):
            self.spawn(self._say(message, self._texts.take(now)))
        elif not self._small.take(now):
            return
        elif isinstance(message, Ping):
            self.send(event("pong", t=message.t, server_ms=time.time() * 1000))
        elif self.state is not PeerState.CLOSED:
            try:
                self._seat.asked(self, message)
            except PromptUnfit as unfit:
                self.send(event("refused", reason=unfit.reason, slug=unfit.slug))

    async def _say(self, message: Say, in_time: bool) -> None:
        try:
            if not in_time:
                raise PromptUnfit("too-many-requests", "Too many texts; wait a moment.")
            answer = await self._seat.said(self, fit_prompt(message.text), message.ref)
        except PromptUnfit as unfit:
            return self.send(event("refused", reason=unfit.reason, slug=unfit.slug, ref=message.ref))
        self.send(answer)

    def on_sound(self, pcm: bytes) -> None:
        """Microphone sound, s16le mono at AUDIO_RATE."""
        drives = self.drives and self.state is not PeerState.CLOSED
        if drives and self._sound.take(time.monotonic(), len(pcm)):
            self._seat.heard(self, pcm)

    def want_keyframe(self) -> None:
        self._seat.want_keyframe()

    def lost(self, fraction: float) -> None:
        if self.state is PeerState.CONNECTED:
            self._seat.lost(self, fraction)

    def estimated(self, bits_per_second: int) -> None:
        if self.state is PeerState.CONNECTED:
            self._seat.estimated(self, bits_per_second)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run it as long as the peer lives."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def count_junk(self, reason: str) -> None:
        """Something that nobody can read came; too much of it ends the connection."""
        now = time.monotonic()
        self._junk.append(now)
        while now - self._junk[0] > JUNK_WINDOW_S:
            self._junk.popleft()
        if len(self._junk) > JUNK_ALLOWED:
            self.spawn(self.close("too many messages that nobody can read"))
        else:
            self.send(event("refused", reason=reason))
