"""A peer over WebRTC: ours with the channels `control` and `events`, or a WHEP player that only receives.
Knows aiortc's connection; what is said on it is the peer's part."""

from __future__ import annotations

import secrets
import time
from typing import Any

from aiortc import MediaStreamTrack, RTCDataChannel, RTCPeerConnection

from server.channels import event
from server.hub import PictureOutlet
from server.media import EncodedTrack, VideoSender
from server.microphone import Microphone
from server.peers import Peer, PeerState, Seat
from server.shares import Access
from server.signalling import Offer, Tracks, answer, hang_up, new_connection
from server.sound_out import SoundTrack

MAX_UNSENT_BYTES = 256 << 10
BEHIND_BYTES = 4 << 10  # half a second of receipts and states


class RtcPeer(Peer):
    """One RTCPeerConnection."""

    def __init__(self, seat: Seat, device_id: str, access: Access, outlet: PictureOutlet) -> None:
        super().__init__(seat, device_id, access, outlet)
        self._connection: RTCPeerConnection = new_connection()
        self._video: VideoSender | None = None
        self._events: RTCDataChannel | None = None
        self._talks = True
        self.resource = secrets.token_urlsafe(16)  # who knows it may end the connection
        self._connection.on("datachannel", self._on_channel)
        self._connection.on("track", self._on_track)
        self._connection.on("connectionstatechange", self._on_state)

    @property
    def plays(self) -> bool:
        """Whether it is a player without our channels."""
        return not self._talks

    async def answer(self, offer: Offer) -> str:
        """The SDP answer to the peer's offer. Raises OfferRefused; the peer is closed then."""
        self._talks = offer.talks
        tracks = Tracks(EncodedTrack(self.outlet), SoundTrack(self.sound))
        try:
            answered = await answer(self._connection, offer, tracks, self, self.drives)
        except BaseException:
            await self.close()
            raise
        self._video = answered.video
        return answered.answer

    def send(self, message: str) -> None:
        channel = self._events
        if channel is not None and channel.readyState == "open" and channel.bufferedAmount < MAX_UNSENT_BYTES:
            channel.send(message)

    @property
    def behind(self) -> bool:
        return self._events is not None and self._events.bufferedAmount > BEHIND_BYTES

    def send_receipt(self, pts: int, **values: Any) -> None:
        """With the frame's RTP timestamp as this peer sees it, once that is known."""
        rtp = self._video.rtp_timestamp(pts) if self._video else None
        known = {} if rtp is None else {"rtp": rtp}
        self.send_passing(event("receipt", pts=pts, **known, **values))

    async def hang_up(self) -> None:
        await hang_up(self._connection)

    def reported(self) -> None:
        """A receiver report: a player's heartbeat."""
        if not self._talks:
            self.heard_at = time.monotonic()

    def _on_state(self) -> None:
        state = self._connection.connectionState
        if state == "connected" and self.state is PeerState.NEW:
            self.connected()
            if not self._talks:
                self._seat.joined(self)
        elif state in ("failed", "closed") and self.state is not PeerState.CLOSED:
            self.spawn(self.close())

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and self.drives:
            self.spawn(Microphone(track, self.on_sound).run())

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if channel.label == "control":
            channel.on("message", self.on_control)
        elif channel.label == "events" and self._events is None:
            self._events = channel
            channel.on("message", self.on_event)
            self._seat.joined(self)
        else:
            channel.close()
            self.count_junk(f"expected the channels control and events, got {channel.label[:40]!r}")
