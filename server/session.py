"""A session: a world that people are connected to, from its opening to its end, across the lives of workers.
Knows no HTTP; a worker is what a placement sends messages to."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from enum import Enum
from typing import Any

import msgspec
import structlog

from engine import messages
from server.bitrate import Bitrate
from server.channels import Controls, PromptUnfit, event
from server.hub import Hub, Packet
from server.peers import Peer, PeerState
from server.placement import Placement, WorkerGone
from server.settings import LimitSettings
from server.shares import Access, Role
from server.signalling import Offer
from server.steering import Merged, Steering
from server.texts import Asked, Texts
from server.timeline import Timeline

log = structlog.get_logger(__name__)

KEYFRAME_EVERY_S = 0.5
MICROPHONE_HELD_S = 1.0
REOPENING_WINDOW_S = 60.0


class SessionState(Enum):
    """STARTING until the first world lives, RESUMING while another takes its place, ENDED for ever."""

    STARTING = "starting"
    LIVE = "live"
    RESUMING = "resuming"
    ENDED = "ended"


class TooManyPeers(Exception):
    """The session, or one device in it, has as many connections as it may."""


class SessionEnded(Exception):
    """Nobody can join any more."""


class Session:
    """One world and its peers: what `Seat` says a peer may ask, and what `Sessions` needs."""

    def __init__(self, owner: str, world: messages.Open, placement: Placement, limits: LimitSettings) -> None:
        self.id = world.session
        self.owner = owner
        self.state = SessionState.STARTING
        self.opening: asyncio.Future[str] = asyncio.get_running_loop().create_future()  # "" or why it was refused
        self.peers: dict[str, Peer] = {}
        self.frame = -1
        self.idle_since = time.monotonic()
        self.hub = Hub(self.want_keyframe)
        self._world = world
        self._placement, self._limits = placement, limits
        self._steering = Steering(limits.silence_release_s)
        self._timeline = Timeline()
        self._texts = Texts()
        assert placement.ready is not None  # it has just been asked for its capacity
        self._bitrate = Bitrate(placement.ready.bits_per_second)
        self._keyframe_at = -KEYFRAME_EVERY_S
        self._microphone: tuple[Peer, float] | None = None
        self._reopened: deque[float] = deque()

    @property
    def epoch(self) -> int:
        """The lease's: what carries another one is not about the world of now."""
        return self._world.epoch

    # --- its world -----------------------------------------------------------------------------

    def open(self) -> None:
        """Ask the worker for the world, under a new epoch."""
        self._world = msgspec.structs.replace(self._world, epoch=self._world.epoch + 1)
        for lost in self._texts.lose():
            self._tell_refused(lost, "The world had to begin again before it obeyed this.")
        self._timeline.restart(time.monotonic())
        self._send(self._world)
        self._steer(self._steering.restart())

    def reopen(self) -> bool:
        """Begin the world again where a worker was lost; False if that happened too often."""
        now = time.monotonic()
        self._reopened.append(now)
        while now - self._reopened[0] > REOPENING_WINDOW_S:
            self._reopened.popleft()
        if len(self._reopened) > self._limits.reopenings:
            return False
        self._become(SessionState.RESUMING)
        return True

    def handle(self, message: messages.Outgoing) -> None:
        """A message of the worker about this session."""
        if message.epoch != self._world.epoch or self.state is SessionState.ENDED:
            return
        match message:
            case messages.VideoPacket():
                self._on_video(message)
            case messages.Receipt():
                self._on_receipt(message)
            case messages.State():
                frame = self._timeline.frame(message.frame)
                self.broadcast("state", frame=frame, values=message.values, audio=message.audio)
            case messages.Stats():
                values = {f: getattr(message, f) for f in ("fps", "step_ms", "decode_ms", "encode_ms", "memory_mib")}
                self.broadcast("stats", frame=self._timeline.frame(message.frame), **values)
            case messages.Opened():
                self._settle("")
                self._become(SessionState.LIVE)
                self._spend(self._bitrate.restart())
            case messages.Refused():
                self._on_refused(message)
            case _:
                log.warning("message not expected", kind=type(message).__name__, session=self.id)

    def _on_video(self, message: messages.VideoPacket) -> None:
        now = time.monotonic()
        frame, pts = self._timeline.place(message.frame, message.pts, now)
        self._bitrate.sent(len(message.data), now)
        self.frame = frame
        self.hub.publish(Packet(frame, pts, message.keyframe, message.data))

    def _on_receipt(self, message: messages.Receipt) -> None:
        text = self._texts.obey(message.text_id)
        if text is not None:
            self._world = msgspec.structs.replace(self._world, prompt=text)  # should it have to begin again
        frame, pts = self._timeline.frame(message.frame), self._timeline.pts(message.pts)
        for peer in self.peers.values():
            seq = self._steering.obeyed(peer.id, message.control_seq)
            peer.send_receipt(pts, frame=frame, control_seq=seq, text_id=self._texts.obeyed_id)

    def _on_refused(self, message: messages.Refused) -> None:
        if message.kind == "Open":
            self._settle(message.reason)
        else:
            self._tell_refused(self._texts.refuse(message.text_id), message.reason)

    def _tell_refused(self, asked: Asked | None, reason: str) -> None:
        """Tell who asked, or all drivers where that is nobody on a channel."""
        if asked is not None and asked.peer is not None:
            return asked.peer.send(event("refused", reason=reason, ref=asked.ref))
        for peer in self.peers.values():
            if peer.drives:
                peer.send(event("refused", reason=reason))

    def _settle(self, refusal: str) -> None:
        if not self.opening.done():
            self.opening.set_result(refusal)

    def _become(self, state: SessionState) -> None:
        if state is not self.state:
            log.info("session", session=self.id, state=state.value, before=self.state.value)
            self.state = state
            self.broadcast("session", state=state.value)

    def _send(self, message: messages.Incoming) -> None:
        try:
            self._placement.send(msgspec.structs.replace(message, session=self.id, epoch=self._world.epoch))
        except WorkerGone as gone:
            log.debug("message not sent", kind=type(message).__name__, reason=str(gone))

    def _steer(self, merged: Merged | None) -> None:
        if merged is not None:
            self._send(
                messages.Control(seq=merged.seq, buttons=merged.buttons, look_x=merged.look_x, look_y=merged.look_y)
            )

    def _spend(self, bits_per_second: int | None) -> None:
        if bits_per_second is not None:
            log.info("bitrate", session=self.id, bits_per_second=bits_per_second)
            self._send(messages.Bitrate(bits_per_second=bits_per_second))

    # --- its peers -----------------------------------------------------------------------------

    async def join(self, device_id: str, access: Access, offer: Offer) -> tuple[Peer, str]:
        """A new peer and the answer to its offer. Raises SessionEnded, TooManyPeers and OfferRefused."""
        if self.state is SessionState.ENDED:
            raise SessionEnded
        same = sum(peer.device_id == device_id for peer in self.peers.values())
        if len(self.peers) >= self._limits.peers_a_session or same >= self._limits.peers_a_device:
            raise TooManyPeers(f"{len(self.peers)} connections, {same} of them from here")
        peer = Peer(self, device_id, access, self.hub.join())
        self.peers[peer.id] = peer
        return peer, await peer.answer(offer)

    def role_of(self, device_id: str) -> Access | None:
        """The owner drives; anybody else needs a share link."""
        return Access(Role.DRIVER) if device_id == self.owner else None

    @property
    def viewers(self) -> int:
        """Connected peers that do not drive."""
        return sum(not peer.drives for peer in self.peers.values() if peer.state is PeerState.CONNECTED)

    @property
    def driven(self) -> bool:
        """Whether somebody who may drive is connected."""
        return any(peer.drives for peer in self.peers.values() if peer.state is PeerState.CONNECTED)

    def broadcast(self, kind: str, **values: Any) -> None:
        """An event to everybody."""
        message = event(kind, **values)
        for peer in self.peers.values():
            peer.send(message)

    def controlled(self, peer: Peer, controls: Controls) -> None:
        self._steer(self._steering.update(peer.id, controls, time.monotonic()))

    def told(self, peer: Peer | None, text: str, ref: int) -> int:
        if self.state is not SessionState.LIVE:
            raise PromptUnfit("not-ready", "The world is not there yet.")
        text_id = self._texts.ask(text, peer, ref)
        self._send(messages.Text(text_id=text_id, text=text))
        return text_id

    def heard(self, peer: Peer, pcm: bytes) -> None:
        now = time.monotonic()
        if self._microphone is not None:
            holder, at = self._microphone
            if holder is not peer and now - at < MICROPHONE_HELD_S:
                return  # one microphone at a time, or the world would hear two seconds in one
        self._microphone = (peer, now)
        self._send(messages.Audio(pcm=pcm))

    def want_keyframe(self) -> None:
        now = time.monotonic()
        if now - self._keyframe_at >= KEYFRAME_EVERY_S:
            self._keyframe_at = now
            self._send(messages.KeyframeWanted())

    def lost(self, peer: Peer, fraction: float) -> None:
        self._spend(self._bitrate.lost(peer.id, fraction, time.monotonic()))

    def estimated(self, peer: Peer, bits_per_second: int) -> None:
        self._spend(self._bitrate.estimated(peer.id, bits_per_second, time.monotonic()))

    def joined(self, peer: Peer) -> None:
        peer.send(event("role", role=peer.access.role.value))
        peer.send(event("session", state=self.state.value))
        self.broadcast("viewers", count=self.viewers)

    def left(self, peer: Peer) -> None:
        self.hub.leave(peer.outlet)
        if self.peers.pop(peer.id, None) is None:
            return
        self._steer(self._steering.forget(peer.id))
        self._spend(self._bitrate.forget(peer.id))
        if self._microphone is not None and self._microphone[0] is peer:
            self._microphone = None
        if not self.peers:
            self.idle_since = time.monotonic()
        self.broadcast("viewers", count=self.viewers)

    # --- its time ------------------------------------------------------------------------------

    def tick(self, now: float) -> list[tuple[Peer, str]]:
        """Let go of silent drivers' buttons; the peers that have to go, and why."""
        self._steer(self._steering.release_silent(now))
        going = []
        for peer in self.peers.values():
            if peer.access.expires_at < time.time():
                going.append((peer, "the share link has expired"))
            elif peer.state is PeerState.NEW and now - peer.born_at > self._limits.connect_timeout_s:
                going.append((peer, "no connection"))
            elif peer.state is PeerState.CONNECTED and now - peer.heard_at > self._limits.heartbeat_s:
                going.append((peer, "no heartbeat"))
        return going

    def idle_s(self, now: float) -> float:
        """For how long nobody has been connected."""
        return 0.0 if self.peers else now - self.idle_since

    async def end(self, reason: str) -> None:
        """Close the world and every peer. Ending twice does nothing."""
        if self.state is SessionState.ENDED:
            return
        self._send(messages.Close())
        self._become(SessionState.ENDED)
        self._settle(reason)
        await asyncio.gather(*(peer.close(reason) for peer in list(self.peers.values())))
        self.hub.close()


def new_world(seed: int, prompt: str, template: str) -> messages.Open:
    """An Open under a fresh session name; its epoch begins when it is sent."""
    return messages.Open(session=secrets.token_urlsafe(12), epoch=0, seed=seed, prompt=prompt, template=template)
