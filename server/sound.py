"""The sound of one session: whose microphone its world hears, what it plays to people, and what they are told of both.
Knows packets by their time; neither codec nor words, which pass through and are never logged."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

from engine import messages
from server.audience import Audience
from server.channels import PromptUnfit, event
from server.lease import Lease
from server.pace import Pace
from server.peers import Peer
from server.prompts import Scrutiny
from server.ratelimit import TokenBucket
from server.sound_out import PACKET_TICKS, SoundPacket
from server.tasks import Tasks
from server.timeline import Timeline

MICROPHONE_HELD_S = 1.0
MICROPHONE_BYTES_A_S = 2 * messages.AUDIO_RATE


class Sound:
    """One microphone at a time goes in; what comes out goes to everybody."""

    def __init__(
        self, lease: Lease, audience: Audience, timeline: Timeline, scrutiny: Scrutiny, microphone_s_an_hour: float
    ) -> None:
        self._lease, self._audience, self._timeline, self._scrutiny = lease, audience, timeline, scrutiny
        self._checks = Tasks()
        rate = MICROPHONE_BYTES_A_S * microphone_s_an_hour / 3600
        self._allowed = TokenBucket(rate, 3600 * rate) if rate else None
        self._microphone: tuple[Peer, float] | None = None
        self._sounds: list[str] = []
        self._pace = Pace()
        self._leaving: deque[tuple[float, SoundPacket]] = deque()  # and when
        self._timer: asyncio.TimerHandle | None = None

    def speak(self, peer: Peer, pcm: bytes) -> None:
        """A driver's microphone, s16le mono at AUDIO_RATE."""
        now = time.monotonic()
        if self._microphone is not None:
            holder, at = self._microphone
            if holder is not peer and now - at < MICROPHONE_HELD_S:
                return  # one microphone at a time, or the world would hear two seconds in one
        if self._allowed is None or not self._allowed.take(now, len(pcm)):
            return
        self._microphone = (peer, now)
        self._lease.send(messages.Audio(pcm=pcm))

    def forget(self, peer: Peer) -> None:
        """The peer does not drive any more."""
        if self._microphone is not None and self._microphone[0] is peer:
            self._microphone = None

    def joined(self, peer: Peer, frame: int) -> None:
        """Tell a new peer what sounds."""
        if self._sounds:
            peer.send(event("sounds", frame=frame, heard=self._sounds))

    def play(self, message: messages.AudioPacket) -> None:
        """The world's sound, to leave at an even pace."""
        first, now = self._timeline.pts(message.pts), time.monotonic()
        self._pace.came(first, now)
        for number, data in enumerate(message.packets):
            packet = SoundPacket(first + number * PACKET_TICKS, data)
            self._leaving.append((self._pace.leaves(packet.pts, now), packet))
        if self._timer is None:
            self._let_leave()

    def pictured(self, pts: int, now: float) -> None:
        """The picture of `pts`, as people count, is on its way."""
        self._pace.pictured(pts, now)

    def _let_leave(self) -> None:
        """The packets whose time has come; the others later."""
        now, self._timer = time.monotonic(), None
        while self._leaving and self._leaving[0][0] <= now:
            _, packet = self._leaving.popleft()
            for peer in self._audience.peers.values():
                peer.sound.put(packet)
        if self._leaving:
            wait_s = self._leaving[0][0] - now
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._let_leave)

    def caption(self, message: messages.Sounds) -> None:
        """What sounds in the world from now on."""
        self._sounds = message.heard
        self._audience.broadcast("sounds", frame=self._timeline.frame(message.frame), heard=message.heard)

    def understood(self, message: messages.Heard) -> None:
        """What somebody said aloud is told to who may speak."""
        frame = self._timeline.frame(message.frame)
        values = {name: getattr(message, name) for name in ("words", "kind", "confidence", "obeyed")}
        self._audience.tell_drivers("heard", frame=frame, **values)

    def spoke(self, message: messages.Spoke) -> None:
        """What was said aloud shall be obeyed: the words that it sounded like are checked beside its way."""
        told = {"words": message.words, "kind": "speech", "confidence": message.confidence, "obeyed": False}
        told["frame"] = self._timeline.frame(message.frame)
        self._checks.later(self._answer(message, told, self._lease.epoch))

    async def _answer(self, message: messages.Spoke, told: dict[str, Any], epoch: int) -> None:
        reason = ""
        try:
            if not message.words:
                raise PromptUnfit("prompt-refused", "What was said cannot be checked.")
            await self._scrutiny.check(message.words)
        except PromptUnfit as unfit:
            reason = str(unfit)
        if self._lease.epoch != epoch:
            return  # another world than the one that was spoken to
        self._lease.send(messages.Leave(said_id=message.said_id, given=not reason))
        if reason:
            self._audience.tell_drivers("heard", reason=reason, **told)
