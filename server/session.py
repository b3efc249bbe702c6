"""A session: a world that people are connected to, from its opening to its end, across the lives of workers.
Knows no HTTP and no disk; a worker is what its lease sends messages to. What is said, seen and saved has its own parts:
prompts, wheel, lines, sound, saving."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import structlog

from engine import messages
from server.audience import Audience, NotThere
from server.channels import (
    Accept,
    Asked,
    Controls,
    Dismiss,
    Film,
    HandOver,
    LateLook,
    Measured,
    Pin,
    PromptUnfit,
    TakeBack,
    Vote,
    Voting,
    event,
)
from server.hub import Hub, Packet
from server.lease import Lease
from server.lines import Lines
from server.metrics import Metrics
from server.peers import Peer
from server.phases import SessionState
from server.placement import Placement
from server.prompts import Prompts, Scrutiny
from server.roles import Action, Role
from server.rtc_peer import RtcPeer
from server.rung import Rung
from server.saves import About, Saved
from server.saving import Saving
from server.settings import LimitSettings
from server.shares import Access
from server.signalling import Offer
from server.socket_peer import SocketPeer
from server.sound import Sound
from server.standing import Standing
from server.suggestions import NotSuggested
from server.term import Term
from server.timeline import Timeline
from server.wheel import Wheel

log = structlog.get_logger(__name__)

REOPENING_WINDOW_S = 60.0


class SessionEnded(Exception):
    """Nobody can join any more."""


@dataclass(frozen=True)
class Wish:
    """What a world begins from when there is no save. `picture`: a PNG as messages.Open has it, or none."""

    seed: int
    prompt: str
    template: str
    picture: bytes = b""


@dataclass(frozen=True)
class Begin:
    """Whose session, in which world, and what that begins from."""

    id: str
    owner: str
    world_id: str
    wish: Wish


class Keeper(Protocol):
    """What a session tells who keeps it."""

    def wanted(self, session: Session) -> None:
        """Somebody is here, and the world is paused."""

    def opened(self, session: Session) -> None:
        """The world lives."""

    def not_opened(self, session: Session, reason: str) -> None:
        """The worker refused to open the world."""


@dataclass(frozen=True)
class Around:
    """What all sessions share."""

    placement: Placement
    limits: LimitSettings
    scrutiny: Scrutiny
    metrics: Metrics
    keeper: Keeper


class Session:
    """One world and its audience: what `Seat` says a peer may ask, and what `Sessions` needs."""

    def __init__(self, begin: Begin, around: Around, state: SessionState = SessionState.QUEUED) -> None:
        self.id, self.owner, self.world_id = begin.id, begin.owner, begin.world_id
        self._wish = begin.wish
        self.frame = -1
        self._around, limits = around, around.limits
        self._lease = Lease(around.placement, begin.id)
        self._lines = Lines(self._lease)
        self.hub = Hub(self._lines.want_keyframe)
        self.audience = Audience(limits)
        self.standing = Standing(begin.id, self.audience, state)
        self.saving = Saving(self._lease)
        self.prompts = Prompts(begin.wish.prompt, self._lease, self.audience, around.scrutiny, self._lives)
        self._timeline = Timeline()
        self._sound = Sound(self._lease, self.audience, self._timeline, around.scrutiny, limits.microphone_s_an_hour)
        self._wheel = Wheel(self._lease, limits.silence_release_s, around.metrics)
        self.rung = Rung(self._lease, self._lines, self.audience)
        self._term = Term(limits.session_max_s)
        self._reopened: deque[float] = deque()
        self._restored: Saved | None = None

    @property
    def peers(self) -> dict[str, Peer]:
        """Its connections by name."""
        return self.audience.peers

    @property
    def epoch(self) -> int:
        """The lease's: what carries another one is not about the world of now."""
        return self._lease.epoch

    @property
    def state(self) -> SessionState:
        """How it stands."""
        return self.standing.state

    def _lives(self) -> bool:
        return self.state is SessionState.LIVE

    # --- its world -----------------------------------------------------------------------------

    def open(self, saved: Saved | None) -> None:
        """Ask the worker for the world, under a new epoch: as it was saved, or from its beginning."""
        self._lease.renew()
        self.prompts.lose()
        self._lines.begin()
        self._restored, wish = saved, self._wish
        self._lease.send(
            messages.Open(
                seed=wish.seed,
                prompt=wish.prompt if saved else self.prompts.in_force,
                template=wish.template,
                picture=b"" if saved else wish.picture,
                saved=saved.data if saved else b"",
                speech_needs_leave=self._around.scrutiny.moderation.checks_texts,
            )
        )
        self._wheel.restart()

    def may_reopen(self) -> bool:
        """Count a loss of the world; False if that happened too often."""
        now = time.monotonic()
        self._reopened.append(now)
        while now - self._reopened[0] > REOPENING_WINDOW_S:
            self._reopened.popleft()
        return len(self._reopened) <= self._around.limits.reopenings

    def lose_world(self, reason: str) -> None:
        """The worker is gone, and what it was asked for."""
        self.saving.fail(reason)
        self._lease.renew()  # what still comes is not ours

    def pause(self) -> None:
        """Give the world's place back; it lies on disk."""
        self._lease.send(messages.Close())
        self._lease.renew()
        self.standing.pause()

    def close_world(self) -> None:
        """The world ends in the worker."""
        self._lease.send(messages.Close())
        self.saving.fail("the world has ended")

    def handle(self, message: messages.Outgoing) -> None:
        """A message of the worker about this session."""
        if message.epoch != self.epoch:
            return
        match message:
            case messages.Saved():
                return self.saving.answered(message, self._about(message))
            case messages.Refused() if message.kind == "Save":
                return self.saving.fail(message.reason)
        if self.state is SessionState.ENDED:
            return
        match message:
            case messages.VideoPacket():
                self._on_video(message)
            case messages.Receipt():
                self._on_receipt(message)
            case messages.State():
                frame = self._timeline.frame(message.frame)
                self.audience.broadcast_passing("state", frame=frame, values=message.values, audio=message.audio)
            case messages.AudioPacket():
                self._sound.play(message)
            case messages.Sounds():
                self._sound.caption(message)
            case messages.Heard():
                self._sound.understood(message)
            case messages.Spoke():
                self._sound.spoke(message)
            case messages.Stats():
                values = {f: getattr(message, f) for f in ("fps", "step_ms", "decode_ms", "encode_ms", "memory_mib")}
                self._around.metrics.step_ms.observe(message.step_ms)
                self.audience.broadcast_passing("stats", frame=self._timeline.frame(message.frame), **values)
            case messages.Opened():
                self._on_opened(message)
            case messages.OnRung():
                self.rung.shown(message)
            case messages.Refused() if message.kind == "Open":
                self._around.keeper.not_opened(self, message.reason)
            case messages.Refused():
                self.prompts.refused(message.text_id, message.reason)
            case _:
                log.warning("message not expected", kind=type(message).__name__, session=self.id)

    def _on_opened(self, message: messages.Opened) -> None:
        now = time.monotonic()
        self._timeline.restart(now, message.frame)
        self.standing.live()
        self.saving.at = now
        self._term.begin(now)
        self.rung.restart()
        if self._restored is not None:
            self.prompts.resume(self._restored.about.prompt)
        self._restored = None
        self._around.keeper.opened(self)

    def _about(self, message: messages.Saved) -> About:
        return About(
            name="",
            prompt=self.prompts.saved(message.text_id),
            template=self._wish.template,
            seed=self._wish.seed,
            created_at=0.0,
            saved_at=time.time(),
            frame=message.frame,
            still=message.still,
        )

    def _on_video(self, message: messages.VideoPacket) -> None:
        now = time.monotonic()
        self.frame, pts = self._timeline.place(message.frame, message.pts, now)
        self._sound.pictured(pts, now)
        self._lines.sent(len(message.data), now)
        self._around.metrics.came(len(message.data))
        self.hub.publish(Packet(self.frame, pts, message.keyframe, message.data))

    def _on_receipt(self, message: messages.Receipt) -> None:
        text_id = self.prompts.obeyed(message.text_id)
        self._wheel.obeyed(message.control_seq)
        frame, pts = self._timeline.frame(message.frame), self._timeline.pts(message.pts)
        for peer in self.peers.values():
            seqs = self._wheel.own_seqs(peer, message)
            peer.send_receipt(pts, frame=frame, text_id=text_id, **seqs)

    # --- its peers -----------------------------------------------------------------------------

    async def join(self, device_id: str, access: Access, offer: Offer) -> tuple[RtcPeer, str]:
        """A new peer and the answer to its offer. Raises SessionEnded, TooManyPeers and OfferRefused."""
        self._let_in(device_id)
        peer = RtcPeer(self, device_id, access, self.hub.join())
        self.audience.add(peer)
        return peer, await peer.answer(offer)

    def join_socket(self, device_id: str, access: Access) -> SocketPeer:
        """A new peer for a WebSocket. Raises SessionEnded and TooManyPeers."""
        self._let_in(device_id)
        peer = SocketPeer(self, device_id, access, self.hub.join())
        self.audience.add(peer)
        return peer

    def _let_in(self, device_id: str) -> None:
        if self.state is SessionState.ENDED:
            raise SessionEnded
        self.audience.check_room(device_id)
        if self.state is SessionState.PAUSED:
            self._around.keeper.wanted(self)

    def player(self, resource: str) -> RtcPeer | None:
        """The player that a WHEP resource names."""
        players = (peer for peer in self.peers.values() if isinstance(peer, RtcPeer) and peer.plays)
        return next((peer for peer in players if secrets.compare_digest(peer.resource, resource)), None)

    def role_of(self, device_id: str) -> Access | None:
        """The owner drives; anybody else needs a share link."""
        return Access(Role.DRIVER, owner=True) if device_id == self.owner else None

    def controlled(self, peer: Peer, controls: Controls) -> None:
        self._wheel.turn(peer, controls)

    async def said(self, peer: Peer, text: str, ref: int) -> str:
        return await self.prompts.said(peer, text, ref)

    def asked(self, peer: Peer, message: Asked) -> None:
        try:
            match message:
                case HandOver():
                    peer.must(Action.HAND_OVER)
                    self._let_go(self.audience.hand_over(message.to))
                case TakeBack():
                    if peer.device_id != self.audience.holder:
                        peer.must(Action.HAND_OVER)
                    self._let_go(self.audience.take_back())
                case Pin() | LateLook():
                    self.rung.want(peer, message)
                case Film() | Measured():
                    self._wheel.asked(peer, message)
                case Vote() | Accept() | Dismiss() | Voting():
                    self.prompts.asked(peer, message)
        except (NotSuggested, NotThere) as error:
            raise PromptUnfit("not-allowed", str(error)) from error

    def heard(self, peer: Peer, pcm: bytes) -> None:
        self._sound.speak(peer, pcm)

    def want_keyframe(self) -> None:
        self._lines.want_keyframe()

    def lost(self, peer: Peer, fraction: float) -> None:
        self._lines.lost(peer, fraction)

    def estimated(self, peer: Peer, bits_per_second: int) -> None:
        self._lines.estimated(peer, bits_per_second)

    def joined(self, peer: Peer) -> None:
        peer.send(event("session", **self.standing.told()))
        self.audience.joined(peer)
        self._sound.joined(peer, self.frame)
        self.rung.joined(peer)
        self.audience.remind(peer)

    def left(self, peer: Peer) -> None:
        self.hub.leave(peer.outlet)
        if self.audience.remove(peer):
            self._around.metrics.drops.inc(peer.outlet.skipped)
            self._let_go([peer])

    def _let_go(self, stopped: list[Peer]) -> None:
        for peer in stopped:
            self._wheel.forget(peer)
            self._lines.forget(peer)
            self._sound.forget(peer)

    # --- its time ------------------------------------------------------------------------------

    def tick(self, now: float) -> list[tuple[Peer, str]]:
        """Let go of silent drivers' buttons, count the votes; the peers that have to go, and why."""
        self._wheel.release_silent(now)
        self._let_go(self.audience.return_controls(now))
        self.prompts.count_votes(now)
        return self.audience.overdue(now)

    def over_time(self, now: float) -> bool:
        """Whether the operator's limit is reached; it is announced before."""
        if self.state is not SessionState.LIVE:
            return False
        left_s = self._term.left_s(now)
        if self._term.announces(now):
            whole_s = max(0, round(left_s))
            self.audience.notice("time", f"The world is paused in {whole_s} s.", left_s=whole_s)
        return left_s <= 0

    def touch(self) -> None:
        """Somebody asked for it."""
        self.audience.idle_since = time.monotonic()

    async def dismiss(self, reason: str) -> None:
        """Close every peer; whoever comes again is welcome."""
        await asyncio.gather(*(peer.close(reason) for peer in list(self.peers.values())))

    async def end(self, reason: str) -> None:
        """Over for everybody; the world itself is closed by who keeps it. Ending twice does nothing."""
        if self.state is SessionState.ENDED:
            return
        self.standing.end(reason)
        await self.dismiss(reason)
        self.hub.close()
