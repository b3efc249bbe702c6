"""One offer to one answer: checks an SDP offer and makes the peer connection that answers it.
Knows no session and no person; what the connection is for is the peer's part."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

import structlog
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from aiortc.sdp import SessionDescription

from server.media import EncodedTrack, VideoSender, Viewer
from server.microphone import ask_short_packets, hear_at_once
from server.sound_out import SoundTrack, of_its_own_stream

log = structlog.get_logger(__name__)

MAX_SDP_BYTES = 48_000
MAX_CANDIDATES = 64
ANSWER_TIMEOUT_S = 10.0
HANG_UP_S = 2.0
WANTED_PROFILE = "42e01f"  # constrained baseline


class OfferRefused(Exception):
    """The offer cannot be answered: `slug` is malformed-sdp or offer-refused, `reason` is for a person."""

    def __init__(self, slug: str, reason: str) -> None:
        super().__init__(reason)
        self.slug, self.reason = slug, reason


@dataclass(frozen=True)
class Offer:
    """A checked offer: its text as it goes to aiortc, and its parsed form. `talks`: it has our channels."""

    text: str
    parsed: SessionDescription
    talks: bool = True


@dataclass(frozen=True)
class Tracks:
    """What is sent: pictures, and sound where the offer has a section for it."""

    video: EncodedTrack
    sound: SoundTrack


@dataclass(frozen=True)
class Answered:
    """A connection about to be made, and our grip on its video."""

    connection: RTCPeerConnection
    answer: str
    video: VideoSender


def read_offer(body: bytes, talks: bool = True) -> Offer:
    """Check an offer's form, size and media; a player that does not talk may leave the channels out. Raises
    OfferRefused."""
    if len(body) > MAX_SDP_BYTES:
        raise OfferRefused("malformed-sdp", f"An offer may have {MAX_SDP_BYTES} bytes, this has {len(body)}.")
    try:
        text = _without_hidden_candidates(body.decode("utf-8"))
        if not text.startswith("v=0"):
            raise ValueError("it does not begin with v=0")
        parsed = SessionDescription.parse(text)
    except Exception as error:  # aiortc's parser raises whatever its lines raise
        said = str(error) or type(error).__name__
        raise OfferRefused("malformed-sdp", f"Expected an SDP offer: {said[:200]}.") from error
    kinds = [media.kind for media in parsed.media]
    channels = kinds.count("application")
    right = channels == 1 if talks else channels <= 1
    if kinds.count("video") != 1 or not right or kinds.count("audio") > 1 or len(kinds) > 3:
        expected = f"Expected one video, {'one' if talks else 'at most one'} application and at most one audio section"
        raise OfferRefused("offer-refused", f"{expected}, got {', '.join(kinds)[:100] or 'none'}.")
    if sum(len(media.ice_candidates) for media in parsed.media) > MAX_CANDIDATES:
        raise OfferRefused("offer-refused", f"An offer may have {MAX_CANDIDATES} candidates.")
    names = [media.rtp.muxId for media in parsed.media]
    bundled = {name for group in parsed.group if group.semantic == "BUNDLE" for name in group.items}
    if len(set(names)) < len(names) or not bundled <= set(names):  # aiortc would be left half open
        raise OfferRefused("malformed-sdp", "Expected sections of different names, and no others in the BUNDLE group.")
    for media in parsed.media:
        if not media.dtls or not media.dtls.fingerprints or not media.ice or not media.ice.usernameFragment:
            raise OfferRefused("malformed-sdp", f"The {media.kind} section has no ICE credentials or DTLS fingerprint.")
        if media.kind == "video" and media.direction not in ("recvonly", "sendrecv"):
            raise OfferRefused("offer-refused", f"Expected a video section that receives, got {media.direction}.")
    return Offer(text, parsed, talks)


async def answer(connection: RTCPeerConnection, offer: Offer, tracks: Tracks, viewer: Viewer, hears: bool) -> Answered:
    """Answer the offer with `tracks` on `connection`, whose events are already listened to; closes it on failure.

    `viewer` is told what the remote side reports; `hears` accepts its microphone. Raises OfferRefused.
    """
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            return await _answer(connection, offer, tracks, viewer, hears)
    except Exception as error:  # any line of the offer may have led here
        await hang_up(connection)
        log.info("offer not answered", error=repr(error))
        said = str(error) or type(error).__name__
        raise OfferRefused("offer-refused", f"The offer cannot be answered: {said[:200]}.") from error


async def hang_up(connection: RTCPeerConnection) -> None:
    """Close a connection, whatever an offer has made of it: where aiortc's `close` fails half way, a second one would
    wait for ever, so that each of its transports is stopped here."""
    try:
        async with asyncio.timeout(HANG_UP_S):
            return await connection.close()
    except Exception as error:
        log.info("connection not closed cleanly", error=repr(error))
    for transceiver in connection.getTransceivers():
        if (dtls := transceiver.receiver.transport) is not None:
            for part in (dtls, dtls.transport):
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(part.stop(), HANG_UP_S)


def new_connection() -> RTCPeerConnection:
    """A connection by our own addresses alone: aiortc's default waits for a public STUN server."""
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


async def _answer(connection: RTCPeerConnection, offer: Offer, tracks: Tracks, viewer: Viewer, hears: bool) -> Answered:
    transceiver = connection.addTransceiver(tracks.video, direction="sendonly")
    # before the offer is set, or our packets go out as the browser's first choice, VP8
    transceiver.setCodecPreferences(_h264())
    video = VideoSender(transceiver, tracks.video, viewer)
    await connection.setRemoteDescription(RTCSessionDescription(offer.text, "offer"))
    offered = next(media for media in offer.parsed.media if media.kind == "video")
    video.offer_extensions(offered.rtp.headerExtensions)
    for other in connection.getTransceivers():
        if other.kind == "audio":
            other.direction = "sendrecv" if hears else "sendonly"
            other.sender.replaceTrack(tracks.sound)
            hear_at_once(other.receiver)
    await connection.setLocalDescription(await connection.createAnswer())
    said = of_its_own_stream(ask_short_packets(connection.localDescription.sdp))
    return Answered(connection, said, video)


def _h264() -> list[RTCRtpCodecCapability]:
    codecs = [c for c in RTCRtpSender.getCapabilities("video").codecs if c.mimeType in ("video/H264", "video/rtx")]
    return sorted(codecs, key=lambda c: c.parameters.get("profile-level-id") != WANTED_PROFILE)


def _without_hidden_candidates(text: str) -> str:
    """The offer without candidates that hide behind mDNS names, which take a second to resolve, or fail.

    The browser reaches us instead, and its address is learnt from its first check; so its list is not complete.
    """
    lines = text.splitlines()
    kept = [line for line in lines if not (line.startswith("a=candidate:") and ".local " in line)]
    if len(kept) < len(lines):
        kept = [line for line in kept if line != "a=end-of-candidates"]
    return "\r\n".join(kept) + "\r\n"
