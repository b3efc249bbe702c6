"""Encoded packets into aiortc: what we bend of its senders is bent here.
Knows one track at a time; never decodes or encodes video."""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Iterable
from typing import Protocol

import aioice.ice
import aiortc.rtcrtpsender
from aiortc import RTCRtpSender, RTCRtpTransceiver
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import (
    RTCP_PSFB_APP,
    AnyRtcpPacket,
    HeaderExtensions,
    HeaderExtensionsMap,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpSrPacket,
    RtpPacket,
    pack_header_extensions,
    unpack_header_extensions,
    unpack_remb_fci,
)

from server.bitrate import LossMeter
from server.hub import Packet, PictureOutlet
from server.retransmission import Retransmissions
from server.tracks import OutletTrack

PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
PRESENT_AT_ONCE = bytes(3)  # minimum and maximum delay of 0, twelve bits each
RTP_HISTORY = 512  # packets kept for retransmission; aiortc's 128 are fewer than a keyframe's burst needs
_gather_addresses = aioice.ice.get_host_addresses


def prepare_aiortc() -> None:
    """Once a process: a longer history for NACK, and a candidate on machines that have no address but loopback's."""

    def addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return _gather_addresses(use_ipv4, use_ipv6) or ["127.0.0.1"]

    aiortc.rtcrtpsender.RTP_HISTORY_SIZE = RTP_HISTORY  # type: ignore[attr-defined]
    aioice.ice.get_host_addresses = addresses


class EncodedTrack(OutletTrack[Packet]):
    """The session's pictures on their way to one peer."""

    kind = "video"

    def __init__(self, outlet: PictureOutlet) -> None:
        super().__init__(outlet)
        self.last_pts: int | None = None  # of the packet handed out before the current one
        self.key_pts: int | None = None  # of the newest keyframe
        self.retransmissions = Retransmissions()

    def taken(self, given: Packet) -> None:
        self.last_pts = given.pts
        if given.keyframe:
            self.key_pts = given.pts
        self.retransmissions.earn(len(given.data))


class _PlayoutDelayMap(HeaderExtensionsMap):
    """Writes the playout-delay extension beside those that aiortc knows."""

    def __init__(self) -> None:
        super().__init__()
        self._id = 0

    def configure(self, parameters: RTCRtpParameters) -> None:
        super().configure(parameters)
        self._id = next((e.id for e in parameters.headerExtensions if e.uri == PLAYOUT_DELAY), 0)

    def set(self, values: HeaderExtensions) -> tuple[int, bytes]:
        profile, packed = super().set(values)
        if not self._id:
            return profile, packed
        return pack_header_extensions([*unpack_header_extensions(profile, packed), (self._id, PRESENT_AT_ONCE)])


class Viewer(Protocol):
    """What the receiving side says of the video."""

    def want_keyframe(self) -> None:
        """It cannot go on without one."""

    def reported(self) -> None:
        """It lives."""

    def lost(self, fraction: float) -> None:
        """This part of the packets of the last second or more did not arrive."""

    def estimated(self, bits_per_second: int) -> None:
        """What it believes that its line carries."""


class VideoSender:
    """Our grip on the RTCRtpSender of an EncodedTrack."""

    def __init__(self, transceiver: RTCRtpTransceiver, track: EncodedTrack, viewer: Viewer) -> None:
        self._transceiver, self._track = transceiver, track
        self._sender: RTCRtpSender = transceiver.sender
        self._origin: int | None = None
        self._viewer, self._meter = viewer, LossMeter()
        self._handle_rtcp = self._sender._handle_rtcp_packet
        self._sender._handle_rtcp_packet = self._on_rtcp  # type: ignore[method-assign]
        self._send_again = self._sender._retransmit
        self._sender._retransmit = self._retransmit  # type: ignore[method-assign, assignment]
        # PLI and FIR: packets never read the flag that aiortc sets
        self._sender._send_keyframe = viewer.want_keyframe  # type: ignore[method-assign]
        self._sender._RTCRtpSender__rtp_header_extensions_map = _PlayoutDelayMap()  # type: ignore[attr-defined]

    async def _on_rtcp(self, packet: AnyRtcpPacket) -> None:
        await self._handle_rtcp(packet)
        if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == self._sender._ssrc:
                    share = self._meter.share(report.highest_sequence, report.packets_lost, time.monotonic())
                    self._viewer.reported()
                    if share is not None:
                        self._viewer.lost(share)
        elif isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            with contextlib.suppress(ValueError, struct.error):  # another application's, or cut short
                self._viewer.estimated(unpack_remb_fci(packet.fci)[0])

    async def _retransmit(self, number: int) -> None:
        """Answer a NACK, unless it has been answered just now, or a newer keyframe makes the packet needless."""
        history: dict[int, RtpPacket] = self._sender._RTCRtpSender__rtp_history  # type: ignore[attr-defined]
        packet = history.get(number % RTP_HISTORY)
        if packet is None or packet.sequence_number != number or self._is_before_keyframe(packet):
            return
        round_trip_s: float = self._sender._RTCRtpSender__rtt or 0.0  # type: ignore[attr-defined]
        name = (number, packet.timestamp)
        if self._track.retransmissions.take(name, len(packet.payload), round_trip_s, time.monotonic()):
            await self._send_again(number)

    def _is_before_keyframe(self, packet: RtpPacket) -> bool:
        first = None if self._track.key_pts is None else self.rtp_timestamp(self._track.key_pts)
        return first is not None and (first - packet.timestamp) & 0xFFFFFFFF in range(1, 1 << 31)

    def offer_extensions(self, extensions: Iterable[RTCRtpHeaderExtensionParameters]) -> None:
        """Accept playout-delay if the remote offer has it. Call between the offer and the answer."""
        accepted = [extension for extension in extensions if extension.uri == PLAYOUT_DELAY]
        self._transceiver._headerExtensions = [*self._transceiver._headerExtensions, *accepted]

    def rtp_timestamp(self, pts: int) -> int | None:
        """The RTP timestamp under which `pts` leaves, once a packet of this peer has left.

        aiortc adds a random origin that it keeps to itself; the last timestamp sent, less the last pts, is that.
        """
        sent: int = self._sender._RTCRtpSender__rtp_timestamp  # type: ignore[attr-defined]
        if self._origin is None and sent and self._track.last_pts is not None:
            self._origin = (sent - self._track.last_pts) & 0xFFFFFFFF
        return None if self._origin is None else (self._origin + pts) & 0xFFFFFFFF
