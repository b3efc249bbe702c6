"""One browser's connection to a session: its data channels, heartbeat, sound, and its end.
Knows its session by the few calls of `Seat`; never the worker."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from enum import Enum
from typing import Any, Protocol

import structlog
from aiortc import MediaStreamTrack, RTCDataChannel, RTCPeerConnection

from engine.messages import AUDIO_RATE
from server.channels import Controls, Junk, Ping, PromptUnfit, Say, event, fit_prompt, read_controls, read_event
from server.hub import Outlet
from server.media import EncodedTrack, VideoSender
from server.microphone import Microphone
from server.ratelimit import TokenBucket
from server.shares import Access, Role
from server.signalling import Offer, answer, new_connection

log = structlog.get_logger(__name__)

JUNK_ALLOWED, JUNK_WINDOW_S = 20, 10.0
CONTROLS_A_S, EVENTS_A_S = 250.0, 20.0
TEXTS_A_S, TEXTS_AT_ONCE = 1.0, 5.0
MAX_UNSENT_BYTES = 256 << 10
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

    def told(self, peer: Peer, text: str, ref: int) -> int:
        """A driver's prompt; its text_id. Raises PromptUnfit."""

    def heard(self, peer: Peer, pcm: bytes) -> None:
        """A driver's sound."""

    def want_keyframe(self) -> None:
        """The peer lost packets."""

    def lost(self, peer: Peer, fraction: float) -> None:
        """This part of what was sent to a driver did not arrive."""

    def estimated(self, peer: Peer, bits_per_second: int) -> None:
        """What a driver's browser believes that its line carries."""

    def joined(self, peer: Peer) -> None:
        """The peer's events channel is open."""

    def left(self, peer: Peer) -> None:
        """The peer is closed."""


class Peer:
    """One connection. `access` says what counts; times are of the monotonic clock."""

    def __init__(self, seat: Seat, device_id: str, access: Access, outlet: Outlet) -> None:
        self.id = secrets.token_hex(8)
        self.device_id, self.access, self.outlet = device_id, access, outlet
        self.state = PeerState.NEW
        self.born_at = self.heard_at = time.monotonic()
        self._seat = seat
        self._connection: RTCPeerConnection = new_connection()
        self._video: VideoSender | None = None
        self._events: RTCDataChannel | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._junk: deque[float] = deque()
        self._controls = TokenBucket(CONTROLS_A_S, CONTROLS_A_S)
        self._texts = TokenBucket(TEXTS_A_S, TEXTS_AT_ONCE)
        self._pings = TokenBucket(EVENTS_A_S, EVENTS_A_S)
        self._sound = TokenBucket(1.2 * SOUND_BYTES_A_S, 2.0 * SOUND_BYTES_A_S)
        self._connection.on("datachannel", self._on_channel)
        self._connection.on("track", self._on_track)
        self._connection.on("connectionstatechange", self._on_state)

    @property
    def drives(self) -> bool:
        """Whether its controls, text and sound count."""
        return self.access.role is Role.DRIVER

    async def answer(self, offer: Offer) -> str:
        """The SDP answer to the peer's offer. Raises OfferRefused; the peer is closed then."""
        track = EncodedTrack(self.outlet)
        try:
            answered = await answer(self._connection, offer, track, self, self.drives)
        except BaseException:
            await self.close()
            raise
        self._video = answered.video
        return answered.answer

    def send(self, message: str) -> None:
        """A message on the events channel, unless the channel is not open or far behind."""
        channel = self._events
        if channel is not None and channel.readyState == "open" and channel.bufferedAmount < MAX_UNSENT_BYTES:
            channel.send(message)

    def send_receipt(self, pts: int, **values: Any) -> None:
        """A receipt, with the frame's RTP timestamp as this peer sees it, once that is known."""
        rtp = self._video.rtp_timestamp(pts) if self._video else None
        self.send(event("receipt", pts=pts, **values) if rtp is None else event("receipt", pts=pts, rtp=rtp, **values))

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
        await self._connection.close()
        for task in self._tasks - {asyncio.current_task()}:
            task.cancel()
        log.info("peer closed", peer=self.id, reason=reason, skipped=self.outlet.skipped)

    def want_keyframe(self) -> None:
        self._seat.want_keyframe()

    def lost(self, fraction: float) -> None:
        if self.drives and self.state is PeerState.CONNECTED:
            self._seat.lost(self, fraction)

    def estimated(self, bits_per_second: int) -> None:
        if self.drives and self.state is PeerState.CONNECTED:
            self._seat.estimated(self, bits_per_second)

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_state(self) -> None:
        state = self._connection.connectionState
        if state == "connected" and self.state is PeerState.NEW:
            self.state = PeerState.CONNECTED
            self.heard_at = time.monotonic()
        elif state in ("failed", "closed") and self.state is not PeerState.CLOSED:
            self._spawn(self.close())

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and self.drives:
            self._spawn(Microphone(track, self._on_sound).run())

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if channel.label == "control":
            channel.on("message", self._on_control)
        elif channel.label == "events" and self._events is None:
            self._events = channel
            channel.on("message", self._on_event)
            self._seat.joined(self)
        else:
            channel.close()
            self._count_junk(f"expected the channels control and events, got {channel.label[:40]!r}")

    def _on_control(self, raw: str | bytes) -> None:
        self.heard_at = now = time.monotonic()
        if not self._controls.take(now):
            return
        try:
            controls = read_controls(raw)
        except Junk as junk:
            return self._count_junk(str(junk))
        if self.drives and self.state is not PeerState.CLOSED:
            self._seat.controlled(self, controls)

    def _on_event(self, raw: str | bytes) -> None:
        self.heard_at = now = time.monotonic()
        try:
            message = read_event(raw)
        except Junk as junk:
            return self._count_junk(str(junk))
        if isinstance(message, Ping):
            if self._pings.take(now):
                self.send(event("pong", t=message.t, server_ms=time.time() * 1000))
            return
        self._on_text(message, now)

    def _on_text(self, message: Say, now: float) -> None:
        try:
            if not self.drives:
                raise PromptUnfit("not-allowed", "Who watches cannot change the world.")
            if not self._texts.take(now):
                raise PromptUnfit("too-many-requests", "Too many texts; wait a moment.")
            text_id = self._seat.told(self, fit_prompt(message.text), message.ref)
        except PromptUnfit as unfit:
            return self.send(event("refused", reason=unfit.reason, ref=message.ref))
        self.send(event("text", ref=message.ref, text_id=text_id))

    def _on_sound(self, pcm: bytes) -> None:
        if self.state is not PeerState.CLOSED and self._sound.take(time.monotonic(), len(pcm)):
            self._seat.heard(self, pcm)

    def _count_junk(self, reason: str) -> None:
        now = time.monotonic()
        self._junk.append(now)
        while now - self._junk[0] > JUNK_WINDOW_S:
            self._junk.popleft()
        if len(self._junk) > JUNK_ALLOWED:
            self._spawn(self.close("too many messages that nobody can read"))
        else:
            self.send(event("refused", reason=reason))
