"""A session: a world that people are connected to, from its opening to its end, across the lives of workers.
Knows no HTTP and no disk; a worker is what a placement sends messages to."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import structlog

from engine import messages
from server.audience import Audience, NotThere
from server.bitrate import Bitrate
from server.channels import Accept, Asked, Controls, Dismiss, HandOver, PromptUnfit, TakeBack, Vote, Voting, event
from server.hub import Hub, Packet
from server.metrics import Metrics
from server.moderation import Moderation
from server.peers import Peer, PeerState
from server.phases import SessionState, follow
from server.placement import Placement, WorkerGone
from server.ratelimit import TokenBucket
from server.roles import Action, Role, may
from server.rtc_peer import RtcPeer
from server.saves import About, NotSaved, Saved
from server.settings import LimitSettings
from server.shares import Access
from server.signalling import Offer
from server.socket_peer import SocketPeer
from server.sound_out import PACKET_TICKS, SoundPacket
from server.steering import Merged, Steering
from server.suggestions import NotSuggested
from server.texts import Texts, Unanswered
from server.timeline import Timeline

log = structlog.get_logger(__name__)

KEYFRAME_EVERY_S = 0.5
MICROPHONE_HELD_S = 1.0
MICROPHONE_BYTES_A_S = 2 * messages.AUDIO_RATE
REOPENING_WINDOW_S = 60.0
ANNOUNCED_LEFT_S = (300, 60, 10)
NOTICE_HOLDS_S = 60.0


class SessionEnded(Exception):
    """Nobody can join any more."""


@dataclass(frozen=True)
class Begin:
    """Whose session, and what its world begins from when there is no save."""

    id: str
    owner: str
    world_id: str
    seed: int
    prompt: str
    template: str


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
    moderation: Moderation
    metrics: Metrics
    keeper: Keeper
    log_prompts: bool


class Session:
    """One world and its audience: what `Seat` says a peer may ask, and what `Sessions` needs."""

    def __init__(self, begin: Begin, around: Around, state: SessionState = SessionState.QUEUED) -> None:
        self.id, self.owner, self.world_id = begin.id, begin.owner, begin.world_id
        self.begin = begin
        self.state = state
        self.opening: asyncio.Future[str] = asyncio.get_running_loop().create_future()  # "" or why it was refused
        self.queue_position: int | None = None
        self.wait_s: float | None = None
        self.frame = -1
        self.saved_at = -1.0  # monotonic; of the newest save that was asked for
        self.save_lock = asyncio.Lock()
        self.restored_from: int | None = None  # number of the save that the world came from
        self.refused_save = 2**63  # this save and newer ones were refused by a worker
        self.hub = Hub(self.want_keyframe)
        self.audience = Audience(around.limits)
        self._around, self._limits, self._metrics = around, around.limits, around.metrics
        self._epoch = 0
        self._steering = Steering(self._limits.silence_release_s)
        self._timeline = Timeline()
        self._texts = Texts(begin.prompt)
        self._telling = asyncio.Lock()
        ready = around.placement.ready
        self._bitrate = Bitrate(ready.bits_per_second) if ready else None
        self._keyframe_at = -KEYFRAME_EVERY_S
        self._microphone: tuple[Peer, float] | None = None
        rate = MICROPHONE_BYTES_A_S * self._limits.microphone_s_an_hour / 3600
        self._hearing = TokenBucket(rate, 3600 * rate) if rate else None
        self._reopened: deque[float] = deque()
        self._save_id = 0
        self._saving: asyncio.Future[Saved | NotSaved] | None = None
        self._restored: Saved | None = None
        self._controls_at: deque[tuple[int, float]] = deque(maxlen=64)
        self._live_since = 0.0
        self._announced: set[int] = set()
        self._sounds: list[str] = []
        self._last_notice = ("", -NOTICE_HOLDS_S)

    @property
    def peers(self) -> dict[str, Peer]:
        """Its connections by name."""
        return self.audience.peers

    @property
    def epoch(self) -> int:
        """The lease's: what carries another one is not about the world of now."""
        return self._epoch

    # --- its world -----------------------------------------------------------------------------

    def queue(self, place: int, wait_s: float | None) -> None:
        """It waits in this place; everybody is told when that changes."""
        changed = place != self.queue_position or self.state is not SessionState.QUEUED
        self.queue_position, self.wait_s = place, wait_s
        self._become(SessionState.QUEUED, tell=False)
        if changed:
            self.audience.broadcast("session", **self._standing())

    def await_world(self) -> None:
        """A place is there, or was lost: the world is on its way."""
        self.queue_position = self.wait_s = None
        fresh = self.state in (SessionState.QUEUED, SessionState.STARTING) and not self.opening.done()
        self._become(SessionState.STARTING if fresh else SessionState.RESUMING)

    def open(self, saved: Saved | None) -> None:
        """Ask the worker for the world, under a new epoch: as it was saved, or from its beginning."""
        self._epoch += 1
        for lost in self._texts.lose():
            self._tell_refused(lost, "The world had to begin again before it obeyed this.")
        if self._bitrate is None:
            assert self._around.placement.ready is not None  # it has just given the place
            self._bitrate = Bitrate(self._around.placement.ready.bits_per_second)
        self._restored = saved
        begin = self.begin
        self._send(
            messages.Open(
                seed=begin.seed,
                prompt=begin.prompt if saved else self._texts.in_force,
                template=begin.template,
                saved=saved.data if saved else b"",
            )
        )
        self._steer(self._steering.restart())

    def may_reopen(self) -> bool:
        """Count a loss of the world; False if that happened too often."""
        now = time.monotonic()
        self._reopened.append(now)
        while now - self._reopened[0] > REOPENING_WINDOW_S:
            self._reopened.popleft()
        return len(self._reopened) <= self._limits.reopenings

    def lose_world(self, reason: str) -> None:
        """The worker is gone, and what it was asked for."""
        self._settle_save(NotSaved(reason))
        self._epoch += 1  # what still comes is not ours

    def pause(self) -> None:
        """Give the world's place back; it lies on disk."""
        self._send(messages.Close())
        self._epoch += 1
        self.queue_position = self.wait_s = None
        self._become(SessionState.PAUSED)

    def close_world(self) -> None:
        """The world ends in the worker."""
        self._send(messages.Close())
        self._settle_save(NotSaved("the world has ended"))

    async def save(self, timeout_s: float) -> Saved:
        """The world as it is now. Raises NotSaved."""
        ready = self._around.placement.ready
        if ready is None or self._epoch == 0:
            raise NotSaved("the world is not there")
        if self._saving is None or self._saving.done():
            self._save_id += 1
            self._saving = asyncio.get_running_loop().create_future()
            self._send(messages.Save(save_id=self._save_id))
        self.saved_at = time.monotonic()
        try:
            async with asyncio.timeout(timeout_s):
                said = await asyncio.shield(self._saving)
        except TimeoutError:
            self._settle_save(NotSaved("the worker did not answer in time"))
            raise NotSaved("the worker did not answer in time") from None
        if isinstance(said, NotSaved):
            raise said
        return said

    def handle(self, message: messages.Outgoing) -> None:
        """A message of the worker about this session."""
        if message.epoch != self._epoch:
            return
        match message:
            case messages.Saved():
                return self._on_saved(message)
            case messages.Refused() if message.kind == "Save":
                return self._settle_save(NotSaved(message.reason))
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
                self._on_sound(message)
            case messages.Sounds():
                self._sounds = message.heard
                self.audience.broadcast("sounds", frame=self._timeline.frame(message.frame), heard=message.heard)
            case messages.Heard():
                self._on_heard(message)
            case messages.Stats():
                values = {f: getattr(message, f) for f in ("fps", "step_ms", "decode_ms", "encode_ms", "memory_mib")}
                self._metrics.step_ms.observe(message.step_ms)
                self.audience.broadcast_passing("stats", frame=self._timeline.frame(message.frame), **values)
            case messages.Opened():
                self._on_opened(message)
            case messages.Refused():
                self._on_refused(message)
            case _:
                log.warning("message not expected", kind=type(message).__name__, session=self.id)

    def _on_opened(self, message: messages.Opened) -> None:
        now = time.monotonic()
        self._timeline.restart(now, message.frame)
        self._settle("")
        self._become(SessionState.LIVE)
        self.saved_at, self._live_since = now, now
        self._announced.clear()
        assert self._bitrate is not None
        self._spend(self._bitrate.restart())
        said = self._restored.about.prompt if self._restored else None
        if said is not None and self._texts.obeyed_id and self._texts.in_force != said:
            # the save is older than the newest text: it is said again
            self._send(messages.Text(text_id=self._texts.obeyed_id, text=self._texts.in_force))
        elif said is not None and not self._texts.obeyed_id:
            self._texts.in_force = said
        self._restored = None
        self._around.keeper.opened(self)

    def _on_saved(self, message: messages.Saved) -> None:
        if message.save_id != self._save_id:
            return
        about = About(
            name="",
            prompt=self._texts.text_of(message.text_id),
            template=self.begin.template,
            seed=self.begin.seed,
            created_at=0.0,
            saved_at=time.time(),
            frame=message.frame,
            still=message.still,
        )
        self._settle_save(Saved(about, message.data))

    def _settle_save(self, said: Saved | NotSaved) -> None:
        if self._saving is not None and not self._saving.done():
            self._saving.set_result(said)

    def _on_video(self, message: messages.VideoPacket) -> None:
        now = time.monotonic()
        frame, pts = self._timeline.place(message.frame, message.pts, now)
        assert self._bitrate is not None
        self._bitrate.sent(len(message.data), now)
        self.frame = frame
        self._metrics.frames.inc()
        self._metrics.frame_bytes.inc(len(message.data))
        self.hub.publish(Packet(frame, pts, message.keyframe, message.data))

    def _on_heard(self, message: messages.Heard) -> None:
        """What somebody said aloud is told to who may speak; a log never has it."""
        frame = self._timeline.frame(message.frame)
        values = {name: getattr(message, name) for name in ("words", "kind", "confidence", "obeyed")}
        for peer in self.peers.values():
            if peer.drives:
                peer.send(event("heard", frame=frame, **values))

    def _on_sound(self, message: messages.AudioPacket) -> None:
        first = self._timeline.pts(message.pts)
        for number, data in enumerate(message.packets):
            packet = SoundPacket(first + number * PACKET_TICKS, data)
            for peer in self.peers.values():
                peer.sound.put(packet)

    def _on_receipt(self, message: messages.Receipt) -> None:
        self._texts.obey(message.text_id)
        now = time.monotonic()
        while self._controls_at and self._controls_at[0][0] <= message.control_seq:
            self._metrics.obeyed_s.observe(now - self._controls_at.popleft()[1])
        frame, pts = self._timeline.frame(message.frame), self._timeline.pts(message.pts)
        for peer in self.peers.values():
            seq = self._steering.obeyed(peer.id, message.control_seq)
            peer.send_receipt(pts, frame=frame, control_seq=seq, text_id=self._texts.obeyed_id)

    def _on_refused(self, message: messages.Refused) -> None:
        if message.kind == "Open":
            self._around.keeper.not_opened(self, message.reason)
        else:
            self._tell_refused(self._texts.refuse(message.text_id), message.reason)

    def _tell_refused(self, asked: Unanswered | None, reason: str) -> None:
        """Tell who asked, or all drivers where that is nobody on a channel."""
        if asked is not None and asked.peer is not None:
            return asked.peer.send(event("refused", reason=reason, ref=asked.ref))
        for peer in self.peers.values():
            if peer.drives:
                peer.send(event("refused", reason=reason))

    def _settle(self, refusal: str) -> None:
        if not self.opening.done():
            self.opening.set_result(refusal)

    def _become(self, state: SessionState, tell: bool = True) -> None:
        if state is not self.state:
            log.info("session", session=self.id, state=state.value, before=self.state.value)
            self.state = follow(self.state, state)
            if tell:
                self.audience.broadcast("session", **self._standing())

    def _standing(self) -> dict[str, Any]:
        if self.state is not SessionState.QUEUED:
            return {"state": self.state.value}
        return {"state": self.state.value, "queue_position": self.queue_position, "wait_s": self.wait_s}

    def _send(self, message: messages.Incoming) -> None:
        try:
            self._around.placement.send(msgspec.structs.replace(message, session=self.id, epoch=self._epoch))
        except WorkerGone as gone:
            log.debug("message not sent", kind=type(message).__name__, reason=str(gone))

    def _steer(self, merged: Merged | None) -> None:
        if merged is not None and self._epoch:
            self._send(
                messages.Control(seq=merged.seq, buttons=merged.buttons, look_x=merged.look_x, look_y=merged.look_y)
            )

    def _spend(self, bits_per_second: int | None) -> None:
        if bits_per_second is not None:
            log.info("bitrate", session=self.id, bits_per_second=bits_per_second)
            self._send(messages.Bitrate(bits_per_second=bits_per_second))

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
        now = time.monotonic()
        merged = self._steering.update(peer.id, controls, now)
        if merged is not None:
            self._controls_at.append((merged.seq, now))
        self._steer(merged)

    async def said(self, peer: Peer, text: str, ref: int) -> str:
        if may(peer.role, peer.access.owner, Action.SUGGEST):
            return event("suggested", ref=ref, suggestion=await self.suggest(peer.device_id, text))
        if not may(peer.role, peer.access.owner, Action.PROMPT):
            raise PromptUnfit("not-allowed", "Who watches cannot change the world.")
        return event("text", ref=ref, text_id=await self.tell(peer, text, ref))

    async def tell(self, peer: Peer | None, text: str, ref: int) -> int:
        """Ask the world to obey a text; its text_id. Raises PromptUnfit."""
        async with self._telling:  # who came first is obeyed first, however long the hook thinks
            if self.state is not SessionState.LIVE:
                raise PromptUnfit("not-ready", "The world is not there yet.")
            await self._check(text)
            return self._ask_world(text, peer, ref)

    async def suggest(self, author: str, text: str) -> int:
        """Put a text before the drivers and voters; its number. Raises PromptUnfit."""
        await self._check(text)
        try:
            made = self.audience.suggestions.add(author, text)
        except NotSuggested as error:
            raise PromptUnfit("too-many-requests", str(error)) from error
        self.audience.tell_suggestions()
        return made.id

    async def _check(self, text: str) -> None:
        try:
            await self._around.moderation.check(text)
        except PromptUnfit:
            self._metrics.refused.inc()
            raise

    def _ask_world(self, text: str, peer: Peer | None, ref: int) -> int:
        if self.state is not SessionState.LIVE:
            raise PromptUnfit("not-ready", "The world is not there yet.")
        text_id = self._texts.ask(text, peer, ref)
        log.info("text", session=self.id, text_id=text_id, **({"text": text} if self._around.log_prompts else {}))
        self._send(messages.Text(text_id=text_id, text=text))
        return text_id

    def asked(self, peer: Peer, message: Asked) -> None:
        try:
            match message:
                case Vote():
                    self._must(peer, Action.VOTE)
                    self.audience.suggestions.vote(peer.device_id, message.suggestion)
                    self.audience.tell_suggestions()
                case Accept():
                    self._must(peer, Action.JUDGE)
                    self._accept(message.suggestion)
                case Dismiss():
                    self._must(peer, Action.JUDGE)
                    self.audience.suggestions.take(message.suggestion)
                    self.audience.broadcast("dismissed", suggestion=message.suggestion)
                    self.audience.tell_suggestions()
                case Voting():
                    self._must(peer, Action.SET_VOTING)
                    self.audience.suggestions.vote_every(message.every_s, time.monotonic())
                    self.audience.tell_suggestions()
                case HandOver():
                    self._must(peer, Action.HAND_OVER)
                    self._let_go(self.audience.hand_over(message.to))
                case TakeBack():
                    if peer.device_id != self.audience.holder:
                        self._must(peer, Action.HAND_OVER)
                    self._let_go(self.audience.take_back())
        except (NotSuggested, NotThere) as error:
            raise PromptUnfit("not-allowed", str(error)) from error

    @staticmethod
    def _must(peer: Peer, action: Action) -> None:
        if not may(peer.role, peer.access.owner, action):
            raise PromptUnfit("not-allowed", f"This is not allowed to you: {action.value}.")

    def _accept(self, suggestion_id: int) -> None:
        if self.state is not SessionState.LIVE:
            raise PromptUnfit("not-ready", "The world is not there yet.")
        text_id = self._ask_world(self.audience.suggestions.take(suggestion_id).text, None, 0)
        self.audience.broadcast("accepted", suggestion=suggestion_id, text_id=text_id)
        self.audience.tell_suggestions()

    def _let_go(self, stopped: list[Peer]) -> None:
        for peer in stopped:
            self._steer(self._steering.forget(peer.id))
            self._forget_line(peer)

    def heard(self, peer: Peer, pcm: bytes) -> None:
        now = time.monotonic()
        if self._microphone is not None:
            holder, at = self._microphone
            if holder is not peer and now - at < MICROPHONE_HELD_S:
                return  # one microphone at a time, or the world would hear two seconds in one
        if self._hearing is None or not self._hearing.take(now, len(pcm)):
            return
        self._microphone = (peer, now)
        self._send(messages.Audio(pcm=pcm))

    def want_keyframe(self) -> None:
        now = time.monotonic()
        if now - self._keyframe_at >= KEYFRAME_EVERY_S and self._epoch:
            self._keyframe_at = now
            self._send(messages.KeyframeWanted())

    def lost(self, peer: Peer, fraction: float) -> None:
        if self._bitrate is None:
            return
        now = time.monotonic()
        if peer.drives:
            peer.outlet.thinning.end()
            self._spend(self._bitrate.lost(peer.id, fraction, now))
        else:
            peer.outlet.thinning.lost(fraction, self._bitrate.sent_a_s(now), now)

    def estimated(self, peer: Peer, bits_per_second: int) -> None:
        peer.outlet.thinning.estimated(bits_per_second)
        if self._bitrate is not None and peer.drives:
            self._spend(self._bitrate.estimated(peer.id, bits_per_second, time.monotonic()))

    def _forget_line(self, peer: Peer) -> None:
        if self._bitrate is not None:
            self._spend(self._bitrate.forget(peer.id))
        if self._microphone is not None and self._microphone[0] is peer:
            self._microphone = None

    def joined(self, peer: Peer) -> None:
        peer.send(event("session", **self._standing()))
        self.audience.joined(peer)
        if self._sounds:
            peer.send(event("sounds", frame=self.frame, heard=self._sounds))
        message, at = self._last_notice
        if time.monotonic() - at < NOTICE_HOLDS_S:
            peer.send(message)

    def left(self, peer: Peer) -> None:
        self.hub.leave(peer.outlet)
        if self.audience.remove(peer):
            self._metrics.drops.inc(peer.outlet.skipped)
            self._steer(self._steering.forget(peer.id))
            self._forget_line(peer)

    def notice(self, kind: str, text: str, /, **values: Any) -> None:
        """Something that everybody may know; who joins within a minute is told too."""
        message = event("notice", kind=kind, text=text, **values)
        self._last_notice = (message, time.monotonic())
        for peer in self.peers.values():
            peer.send(message)

    def tell_owner(self, kind: str, /, **values: Any) -> None:
        """An event to who started the session."""
        for peer in self.peers.values():
            if peer.access.owner:
                peer.send(event(kind, **values))

    # --- its time ------------------------------------------------------------------------------

    def tick(self, now: float) -> list[tuple[Peer, str]]:
        """Let go of silent drivers' buttons, count the votes; the peers that have to go, and why."""
        self._steer(self._steering.release_silent(now))
        self._let_go(self.audience.return_controls(now))
        if self.state is SessionState.LIVE and (chosen := self.audience.suggestions.decided(now)):
            text_id = self._ask_world(chosen.text, None, 0)
            self.audience.broadcast("accepted", suggestion=chosen.id, text_id=text_id)
            self.audience.tell_suggestions()
        going = []
        for peer in self.peers.values():
            if peer.access.expires_at < time.time():
                going.append((peer, "the share link has expired"))
            elif peer.state is PeerState.NEW and now - peer.born_at > self._limits.connect_timeout_s:
                going.append((peer, "no connection"))
            elif peer.state is PeerState.CONNECTED and now - peer.heard_at > self._limits.heartbeat_s:
                going.append((peer, "no heartbeat"))
        return going

    def over_time(self, now: float) -> bool:
        """Whether the operator's limit is reached; it is announced before."""
        limit_s = self._limits.session_max_s
        if not limit_s or self.state is not SessionState.LIVE:
            return False
        left_s = limit_s - (now - self._live_since)
        for mark_s in ANNOUNCED_LEFT_S:
            if mark_s not in self._announced and left_s <= mark_s < limit_s:
                self._announced.update(mark for mark in ANNOUNCED_LEFT_S if mark >= mark_s)
                self.notice("time", f"The world is paused in {max(0, round(left_s))} s.", left_s=max(0, round(left_s)))
        return left_s <= 0

    def touch(self) -> None:
        """Somebody asked for it."""
        self.audience.idle_since = time.monotonic()

    def idle_s(self, now: float) -> float:
        """For how long nobody has been connected."""
        return 0.0 if self.peers else now - self.audience.idle_since

    async def dismiss(self, reason: str) -> None:
        """Close every peer; whoever comes again is welcome."""
        await asyncio.gather(*(peer.close(reason) for peer in list(self.peers.values())))

    async def end(self, reason: str) -> None:
        """Over for everybody; the world itself is closed by who keeps it. Ending twice does nothing."""
        if self.state is SessionState.ENDED:
            return
        self._become(SessionState.ENDED)
        self._settle(reason)
        await self.dismiss(reason)
        self.hub.close()
